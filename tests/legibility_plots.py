"""Whether a matplotlib figure can be read: nothing off it, no texts on one another, contrast, size.

What lies behind a text is taken from the pixels of the figure drawn without its texts, so
the check knows nothing of how the renderer chose its colours.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import TextPath
from matplotlib.transforms import Bbox

from vizkit.theme import contrast

SMALLEST = 9.0  # points
CONTRAST = 4.5
TOLERANCE = 1.0  # pixels
DPI = 100


def faults(figure: Figure) -> list[str]:
    """Return what cannot be read in a figure, one sentence each; nothing when all is well."""
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [text for text in figure.findobj(Text) if _is_shown(text)]
    boxes = [ink_box(text, canvas) for text in texts]
    pixels = _pixels_without(texts, canvas)
    pairs = list(zip(texts, boxes, strict=True))
    found = [f"{text.get_text()!r} has {text.get_fontsize():.2f} points" for text, _ in pairs if _is_small(text)]
    found += [f"{text.get_text()!r} leaves the figure: {box.extents}" for text, box in pairs if _leaves(box, figure)]
    found += [
        f"{first.get_text()!r} and {second.get_text()!r} overlap"
        for (first, a), (second, b) in combinations(pairs, 2)
        if _overlap(a, b)
    ]
    for text, box in pairs:
        behind = _most_common(pixels, box)
        ratio = contrast(to_hex(text.get_color()), behind) if behind else 21.0
        if ratio < CONTRAST:
            found.append(f"{text.get_text()!r} has contrast {ratio:.2f} on {behind}")
    return found + _marks_off(figure, canvas)


def ink_box(text: Text, canvas: FigureCanvasAgg) -> Bbox:
    """Return the pixels that a text's ink fills; of mathematics or several lines the whole box."""
    box = text.get_window_extent(canvas.renderer)
    shown = text.get_text()
    if "\n" in shown or (text.get_parse_math() and "$" in shown):
        return box
    prop = text.get_fontproperties()
    _, _, down = canvas.renderer.get_text_width_height_descent(shown, prop, ismath=False)
    _, _, low = canvas.renderer.get_text_width_height_descent("lp", prop, ismath=False)
    ink = _ink(shown, prop)
    baseline, dots = box.y0 + max(down, low), DPI / 72
    return Bbox.from_extents(box.x0, baseline + ink.y0 * dots, box.x1, baseline + ink.y1 * dots)


@cache  # the same texts stand in beat after beat, and exact extents of outlines are slow
def _ink(shown: str, prop: FontProperties) -> Bbox:
    return TextPath((0, 0), shown, prop=prop, usetex=False).get_extents()


def _is_shown(text: Text) -> bool:
    axes_on = text.axes is None or text.axes.get_visible()
    return text.get_visible() and axes_on and bool(text.get_text().strip()) and text.get_gid() is not None


def _is_small(text: Text) -> bool:
    return text.get_fontsize() < SMALLEST - 1e-6


def _leaves(box: Bbox, figure: Figure) -> bool:
    whole = figure.bbox
    return bool(
        box.x0 < whole.x0 - TOLERANCE
        or box.y0 < whole.y0 - TOLERANCE
        or box.x1 > whole.x1 + TOLERANCE
        or box.y1 > whole.y1 + TOLERANCE
    )


def _overlap(a: Bbox, b: Bbox) -> bool:
    across = min(a.x1, b.x1) - max(a.x0, b.x0)
    up = min(a.y1, b.y1) - max(a.y0, b.y0)
    return bool(across > TOLERANCE and up > TOLERANCE)


def _pixels_without(texts: list[Text], canvas: FigureCanvasAgg) -> np.ndarray:
    for text in texts:
        text.set_visible(False)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3].copy()
    for text in texts:
        text.set_visible(True)
    return pixels


def _most_common(pixels: np.ndarray, box: Bbox) -> str | None:
    """Return the colour that most of a box has; the rows of the pixels run downwards."""
    rows = slice(max(0, round(len(pixels) - box.y1)), max(0, round(len(pixels) - box.y0)))
    inside = pixels[rows, max(0, round(box.x0)) : max(0, round(box.x1))].reshape(-1, 3)
    if not len(inside):
        return None
    colours, counts = np.unique(inside.astype(np.uint32) @ [0x10000, 0x100, 1], return_counts=True)
    return f"#{colours[counts.argmax()]:06x}"


def _marks_off(figure: Figure, canvas: FigureCanvasAgg) -> list[str]:
    """Return a sentence for each mark that is not wholly on the figure."""
    found = []
    for ax in figure.axes:
        for artist in [*ax.lines, *ax.patches, *ax.collections, *ax.images]:
            box = artist.get_window_extent(canvas.renderer)
            if artist.get_gid() and artist.get_visible() and _leaves(box, figure):
                found.append(f"the mark {artist.get_gid()!r} leaves the figure: {box.extents}")
    return found
