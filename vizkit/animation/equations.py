"""Equations set by Typst in the bundled mathematical font, as outlines.

The compiler takes a few milliseconds per equation and its result is kept, so nothing is
written to disk. The drawing comes back as SVG, whose paths are read into curves per colour.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np
import svgelements
import typst

from vizkit.errors import RenderError
from vizkit.theme import SIZES, Theme, font_path
from vizkit.typing import Float
from vizkit.views.equation import Equation, Term
from vizkit.views.formula import to_typst

__all__ = ["Setting", "numbers_of", "set_equation", "typst_source"]

_PAGE = """#set page(width: auto, height: auto, margin: 0pt, fill: none)
#set text(size: {size}pt, fill: rgb("{ink}"), bottom-edge: "bounds", top-edge: "bounds")
#show math.equation: set text(font: "Vizkit Math")
$ {body} $
"""


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """A set equation: its outline in each colour, y upwards, with its middle at (0, 0)."""

    outlines: tuple[tuple[str, Float["point xy"]], ...]
    size: tuple[float, float]


def typst_source(equation: Equation, theme: Theme) -> str:
    """Return the Typst document of an equation with its terms in their roles' colours."""
    body = " ".join(_term(term, theme) for term in equation.terms)
    return _PAGE.format(size=SIZES["equation"], ink=theme.color("ink"), body=body)


def _term(term: Term, theme: Theme) -> str:
    body = to_typst(term.expr)
    body = f"bold({body})" if term.bold else body
    if term.role == "ink":
        return body
    return f'#text(fill: rgb("{theme.color(term.role)}"), $display({body})$)'


def numbers_of(source: str, texts: list[str]) -> list[str]:
    """Return the numbers that stand in a Typst document, given the texts they should have, in order.

    Raises
    ------
    RenderError
        If the document does not hold one of them, or holds them in another order.

    Examples
    --------
    >>> numbers_of('$ "w" = "2" "0.50" $', ["0.50"])
    ['0.50']
    """
    written = iter(re.findall(r'"((?:[^"\\]|\\.)*)"', source))
    found = [next((text for text in written if text == wanted), None) for wanted in texts]
    if None in found:
        raise RenderError(f"The equation should show {texts[found.index(None)]!r}, but it was set as:\n{source}")
    return found


@lru_cache(maxsize=512)
def set_equation(source: str) -> Setting:
    """Set a Typst document of one equation.

    Raises
    ------
    RenderError
        If Typst cannot compile it.
    """
    try:
        svg = typst.compile(source.encode(), format="svg", font_paths=_fonts())
    except RuntimeError as error:
        raise RenderError(f"Typst could not set this equation: {error}\n{source}") from error
    found: dict[str, list[np.ndarray]] = {}
    for path in svgelements.SVG.parse(BytesIO(svg), reify=True, ppi=72).elements(_is_path):
        colour, outline = _outline(path)
        found.setdefault(colour, []).append(outline)
    return _centred({colour: np.concatenate(pieces) for colour, pieces in found.items() if pieces})


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(font_path("math").parent)]
    )


def _is_path(element: object) -> bool:
    return isinstance(element, svgelements.Path) and bool(len(element))


def _outline(path: svgelements.Path) -> tuple[str, Float["point xy"]]:
    """Return a path's colour and curves; a stroked line (a fraction's bar) becomes a thin rectangle."""
    if path.fill.value is None:
        return path.stroke.hex, _bar(path)
    curves = [_cubic(part) for part in path if not isinstance(part, svgelements.Move)]
    return path.fill.hex, np.asarray([point for curve in curves for point in curve], dtype=float).reshape(-1, 2)


def _bar(path: svgelements.Path) -> Float["point xy"]:
    left, _, right, _ = path.bbox(with_stroke=False)
    y, half = path.bbox(with_stroke=False)[1], path.stroke_width / 2
    corners = np.asarray([(left, y - half), (right, y - half), (right, y + half), (left, y + half), (left, y - half)])
    start, end = corners[:-1], corners[1:]
    third = (end - start) / 3
    return np.stack([start, start + third, end - third, end], axis=1).reshape(-1, 2)


def _cubic(part: object) -> list[tuple[float, float]]:
    """Return one piece of a path as the four points of a cubic Bézier curve."""
    start, end = part.start, part.end
    if isinstance(part, svgelements.CubicBezier):
        handles = [part.control1, part.control2]
    elif isinstance(part, svgelements.QuadraticBezier):
        handles = [start + (part.control - start) * (2 / 3), end + (part.control - end) * (2 / 3)]
    else:  # a line, or the closing of a contour
        handles = [start + (end - start) * (1 / 3), end - (end - start) * (1 / 3)]
    return [(point.x, point.y) for point in (start, *handles, end)]


def _centred(outlines: dict[str, Float["point xy"]]) -> Setting:
    everything = np.concatenate(list(outlines.values()))
    low, high = everything.min(axis=0), everything.max(axis=0)
    middle, flip = (low + high) / 2, np.asarray([1.0, -1.0])
    centred = tuple((colour, (outline - middle) * flip) for colour, outline in outlines.items())
    return Setting(centred, tuple((high - low).tolist()))
