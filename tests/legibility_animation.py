"""Whether a frame of the animation can be read: nothing off it, no texts on one another, contrast, size.

What lies behind a text is taken from the pixels of the frame drawn without its texts, so the
check knows nothing of how the colours were chosen.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
from manim import Camera, Mobject

from vizkit.animation.mobjects import FormulaMobject, TextMobject, on_stage
from vizkit.theme import contrast

LINES = 480  # of the frame in which a text must be readable
SMALLEST = 14.0  # height of a figure there, in pixels
CONTRAST = 4.5
WIDTH, HEIGHT = 1920, 1080
FIGURE = 0.727  # height of a figure in em, from the font's tables (test_glyphs holds it)


def faults(mobjects: list[Mobject], ground: str) -> list[str]:
    """Return what cannot be read in a frame, one sentence each; nothing when all is well."""
    shown = [each for each in mobjects if _box(each) is not None]
    texts = [each for each in shown if isinstance(each, TextMobject | FormulaMobject)]
    found = [f"{_name(each)} leaves the frame: {_box(each)}" for each in shown if _leaves(_box(each))]
    found += [
        f"{_name(first)} and {_name(second)} overlap"
        for first, second in combinations(texts, 2)
        if _overlap(_box(first), _box(second)) and _touch(first, second)
    ]
    found += [f"{_name(text)} is {size:.1f} pixels high" for text, size in _sizes(texts) if size < SMALLEST]
    return found + _pale(shown, texts, ground)


def _name(mobject: Mobject) -> str:
    return repr(mobject.text) if isinstance(mobject, TextMobject) else mobject.item.name[:40]


def _box(mobject: Mobject) -> tuple[float, float, float, float] | None:
    """Return left, right, low, high of the ink on the stage."""
    points = mobject.get_all_points()
    if not len(points):
        return None
    placed = on_stage(points)
    return (
        *(float(placed[:, 0].min()), float(placed[:, 0].max())),
        float(placed[:, 1].min()),
        float(placed[:, 1].max()),
    )


def _leaves(box: tuple[float, float, float, float]) -> bool:
    return box[0] < 0 or box[1] > WIDTH or box[2] < 0 or box[3] > HEIGHT


def _overlap(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first[0] < second[1] and second[0] < first[1] and first[2] < second[3] and second[2] < first[3]


def _touch(first: Mobject, second: Mobject) -> bool:
    """Say whether the box of a contour of one text overlaps that of a contour of the other.

    The boxes of whole texts would be too strict: a subscript may hang beside a neighbour's capitals.
    """
    return any(_overlap(one, other) for one in _contours(first) for other in _contours(second))


def _contours(text: Mobject) -> list[tuple[float, ...]]:
    paths = [on_stage(path) for part in text.get_family() if len(part.points) for path in part.get_subpaths()]
    return [(p[:, 0].min(), p[:, 0].max(), p[:, 1].min(), p[:, 1].max()) for p in paths]


def _sizes(texts: list[Mobject]) -> list[tuple[TextMobject, float]]:
    """Return the height of a figure of each text's em, the em taken from the outline's own size."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    from vizkit.theme import font_path

    sizes = []
    for text in texts:
        if isinstance(text, TextMobject) and text.text.strip():
            face = FontProperties(fname=font_path("bold" if text.item.mark.bold else "text"))
            ink = TextPath((0, 0), text.text, size=1000, prop=face).get_extents().height / 1000
            box = _box(text)
            sizes.append((text, (box[3] - box[2]) / ink * FIGURE * LINES / HEIGHT))
    return sizes


def _pale(shown: list[Mobject], texts: list[Mobject], ground: str) -> list[str]:
    camera = Camera(
        pixel_width=WIDTH, pixel_height=HEIGHT, frame_width=128 / 9, frame_height=8, background_color=ground
    )
    camera.capture_mobjects([each for each in shown if each not in texts])
    found = []
    for text in texts:
        behind = _behind(camera.pixel_array, _box(text))
        for part in text.get_family():
            if len(part.points):
                ratio = contrast(_hex(part.fill_rgbas[0, :3] * 255), behind)
                if ratio < CONTRAST - 0.05:  # a colour is rounded to bytes
                    found.append(f"{_name(text)} has contrast {ratio:.1f} on {behind}")
    return found


def _behind(pixels: np.ndarray, box: tuple[float, float, float, float]) -> str:
    """Return the colour that most of the pixels under a text have."""
    left, right, low, high = (max(round(side), 0) for side in box)
    patch = pixels[HEIGHT - high : HEIGHT - low, left:right, :3].reshape(-1, 3)
    (colour, _), *_ = Counter(map(bytes, patch)).most_common(1)
    return _hex(np.frombuffer(colour, dtype=np.uint8))


def _hex(channels: np.ndarray) -> str:
    return "#" + "".join(f"{int(channel + 0.5):02x}" for channel in channels)
