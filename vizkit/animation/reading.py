"""Reading back what mobjects show, for the test that every medium shows the same numbers.

Nothing is taken from a view that can be taken from what is drawn: a number is parsed from
the line that the glyphs were taken for, a curve's points are the outline's own points
brought back through the panel's placement, and a weight counts only if its line is drawn
in its width.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from manim import Mobject, Scene

from vizkit.animation.equations import numbers_of
from vizkit.animation.mobjects import (
    CurveMobject,
    DotMobject,
    FormulaMobject,
    ImageMobject,
    TextMobject,
    on_stage,
    stroke_width,
)
from vizkit.errors import RenderError
from vizkit.typing import Float
from vizkit.views.board import Placement
from vizkit.views.equation import Value, parts
from vizkit.views.marks import Values
from vizkit.views.outlines import LEVELS
from vizkit.views.text import MINUS, Quantity, Words

__all__ = ["parsed", "read", "unplaced"]


def read(shown: Scene | Mobject | Iterable[Mobject]) -> Values:
    """Return the numbers that mobjects show, named as `Beat.quantities` names them.

    Numbers in texts come as they are written, rounded to the digits shown; an image's values to
    a 64th of its limit.

    Parameters
    ----------
    shown
        A scene, a mobject, or the mobjects of a still.

    Raises
    ------
    RenderError
        If a text or equation is not what it should say, or a weight not as wide as it should be.
    """
    found: Values = {}
    top_level = shown.mobjects if isinstance(shown, Scene) else [shown] if isinstance(shown, Mobject) else shown
    for top in top_level:
        for each in _marks(top):
            found.update(_KINDS[type(each)](each))
    return found


def _marks(mobject: Mobject) -> list[Mobject]:
    if type(mobject) in _KINDS:
        return [mobject]
    return [found for part in mobject.submobjects for found in _marks(part)]


def parsed(text: str, words: Words) -> dict[str, float]:
    """Return the numbers in a text that was written from words.

    Raises
    ------
    RenderError
        If the text is not what the words say.

    Examples
    --------
    >>> from vizkit.views.text import quantity, words
    >>> parsed("w = −1.22", words("w = ", quantity("w", -1.2216)))
    {'w': -1.22}
    """
    pieces = ["(.+)" if isinstance(part, Quantity) else re.escape(part) for part in words]
    match = re.fullmatch("".join(pieces), text)
    if match is None:
        raise RenderError(f"The text {text!r} is shown where {str(words)!r} should stand.")
    names = [part.name for part in words if isinstance(part, Quantity)]
    return {name: _number(shown) for name, shown in zip(names, match.groups(), strict=True)}


def _number(text: str) -> float:
    return float(text.replace(",", "").replace(MINUS, "-"))


def _panel(name: str) -> str:
    return name.partition("/")[0]


def _read_text(shown: TextMobject) -> Values:
    item = shown.item
    prefix = "caption" if item.name.startswith("caption:") else _panel(item.name)
    return {f"{prefix}/{name}": value for name, value in parsed(shown.text, item.mark.words).items()}


def unplaced(points: Float["point xy"], placement: Placement) -> Float["point xy"]:
    """Return stage points in the data units of a placed picture; the inverse of `Placement.point`.

    Examples
    --------
    >>> from vizkit.views.board import Box
    >>> from vizkit.views.picture import Picture
    >>> flat = Placement(Picture(size=(9, 9), bounds=(0, 2, 0, 2), marks=()), Box(10, 0, 90, 90))
    >>> unplaced(np.array([[55.0, 45.0]]), flat).tolist()
    [[1.0, 1.0]]
    """
    inner, picture = placement.inner, placement.picture
    across = (points[:, 0] - inner.left) / inner.width
    up = (points[:, 1] - inner.bottom) / inner.height
    x0, x1, y0, y1 = picture.bounds
    ends = ((across, x0, x1, picture.x), (up, y0, y1, picture.y))
    columns = [
        low * (high / low) ** share if axis is not None and axis.scale == "log" else low + (high - low) * share
        for share, low, high, axis in ends
    ]
    return np.stack(columns, axis=1)


def _read_curve(shown: CurveMobject) -> Values:
    item = shown.item
    if item.source is None or item.source.key.startswith("axis:") or not item.source.shows:
        return {}
    if item.source.value is not None:
        drawn = shown.stroke_width / stroke_width(item.placement.scale)
        if abs(drawn - item.source.width) > 1e-6:
            raise RenderError(
                f"The line {item.name!r} is {drawn:g} wide, but its weight asks for {item.source.width:g}."
            )
        return {item.name: float(item.source.value)}
    ends = on_stage(np.concatenate([shown.points[:1], shown.points[3::4]]))
    if item.mark.dashed:
        return {item.name: item.source.points}
    return {item.name: unplaced(ends, item.placement)}


def _read_dot(shown: DotMobject) -> Values:
    low, high = shown.points.min(axis=0), shown.points.max(axis=0)
    x, y = unplaced(on_stage(((low + high) / 2)[None]), shown.item.placement)[0]
    return {f"{shown.item.name}.x": float(x), f"{shown.item.name}.y": float(y)}


def _read_image(shown: ImageMobject) -> Values:
    """Read each cell's level from the shape that it is drawn in; a level is 1/64 of the limit."""
    mark = shown.item.mark
    rows, columns = mark.values.shape
    values = np.full((rows, columns), np.nan)
    for level, part in zip(shown.levels, shown.submobjects, strict=True):
        corners = on_stage(part.points[::16])
        column = np.rint((corners[:, 0] - mark.x) / mark.width * columns).astype(int)
        row = rows - 1 - np.rint((corners[:, 1] - mark.y) / mark.height * rows).astype(int)
        values[row, column] = level / LEVELS * mark.limit
    return {shown.item.name: values}


def _read_formula(shown: FormulaMobject) -> Values:
    """Read the numbers from the Typst document that was set, in the order of the equation's values."""
    terms = shown.item.mark.equation.terms
    values = [part for term in terms for part in parts(term.expr) if isinstance(part, Value)]
    texts = numbers_of(shown.typst, [value.quantity.text for value in values])
    return {f"equation/{value.quantity.name}": _number(text) for value, text in zip(values, texts, strict=True)}


_KINDS = {
    TextMobject: _read_text,
    CurveMobject: _read_curve,
    DotMobject: _read_dot,
    ImageMobject: _read_image,
    FormulaMobject: _read_formula,
}
