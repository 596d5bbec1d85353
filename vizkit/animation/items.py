"""Items: marks as they stand on the stage at one moment, with their colours.

An item's mark is in stage units, so an item knows nothing of axes or panels, and any two
items of one kind can be blended. `Move` is one item's way from one beat to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias

import numpy as np

from vizkit.typing import Float
from vizkit.views.board import Placement
from vizkit.views.equation import Equation
from vizkit.views.marks import Arrow, Cell, Curve, Disc, Dot, Image, Mark, Text
from vizkit.views.outlines import resample
from vizkit.views.text import Quantity, Words, number

__all__ = ["RGB", "Formula", "Item", "Move", "rgb", "staged"]

# What of a mark is seen only as an item's colours, or not at all.
_UNSEEN = {"role", "strength", "fill", "signed", "value", "shows"}

RGB: TypeAlias = "Float['channel']"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Formula(Mark):
    """An equation with its middle at ``x, y``; ``typst`` is the document it is set from."""

    equation: Equation
    typst: str
    x: float
    y: float
    depth: int = 9


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A mark on the stage.

    ``mark`` is in stage units and ``scale`` the size of its text and strokes. ``colour`` is its
    main colour, ``fill`` the second one (an area's fill, an image's negative end) and ``ground``
    the theme's ground. ``source`` is the mark as the view gave it and ``placement`` where its
    panel stands, for reading it back.
    """

    name: str
    mark: Mark
    colour: RGB
    fill: RGB
    ground: RGB
    scale: float = 1.0
    opacity: float = 1.0
    source: Mark | None = None
    placement: Placement | None = None


def rgb(colour: str) -> RGB:
    """Return a colour ``#rrggbb`` as three numbers from 0 to 1.

    Examples
    --------
    >>> rgb("#ff0000").tolist()
    [1.0, 0.0, 0.0]
    """
    return np.asarray([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])


def staged(mark: Mark, placement: Placement) -> Mark:
    """Return a mark of a placed picture in stage units."""
    place, unit, scale = placement.point, placement.unit, placement.scale
    if isinstance(mark, Curve):
        return replace(mark, points=np.asarray([place(x, y) for x, y in mark.points]), width=mark.width * scale)
    if isinstance(mark, Arrow):
        return replace(mark, start=place(*mark.start), end=place(*mark.end), width=mark.width * scale)
    x, y = place(mark.x, mark.y)
    if isinstance(mark, Text):
        return replace(mark, x=x + mark.dx * scale, y=y + mark.dy * scale, dx=0.0, dy=0.0)
    if isinstance(mark, Dot):
        return replace(mark, x=x, y=y, radius=mark.radius * scale)
    if isinstance(mark, Disc):
        return replace(mark, x=x, y=y, radius=mark.radius * unit, width=mark.width * scale)
    right, top = place(mark.x + mark.width, mark.y + mark.height)
    if isinstance(mark, Cell):
        return replace(mark, x=x, y=y, width=right - x, height=top - y, frame=mark.frame * scale)
    return replace(mark, x=x, y=y, width=right - x, height=top - y)


def alike(first: Mark, second: Mark) -> bool:
    """Say whether two marks are drawn alike, colours aside."""
    if type(first) is not type(second):
        return False
    return not _differing(first, second)


def _differing(first: Mark, second: Mark) -> tuple[str, ...]:
    names = (each.name for each in fields(first) if each.name not in _UNSEEN)
    return tuple(name for name in names if not _same(getattr(first, name), getattr(second, name)))


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray):
        return first.shape == second.shape and bool((first == second).all())
    return first == second


# Blending -------------------------------------------------------------------------------


def _layout(words: Words) -> list[tuple[str, str]]:
    return [("number", part.name) if isinstance(part, Quantity) else ("text", part) for part in words]


def can_blend(first: Mark, second: Mark) -> bool:
    """Say whether one mark can turn into the other; if not, one fades out and the other in."""
    if type(first) is not type(second):
        return False
    if isinstance(first, Text):
        fixed = ("ha", "va", "bold", "halo", "size")
        same = all(getattr(first, name) == getattr(second, name) for name in fixed)
        return same and _layout(first.words) == _layout(second.words)
    if isinstance(first, Image):
        return first.values.shape == second.values.shape and first.signed == second.signed
    if isinstance(first, Formula):
        return first.equation == second.equation
    return all(getattr(first, name, None) == getattr(second, name, None) for name in ("dashed", "hollow"))


def _digits(text: str) -> int:
    return len(text.partition(".")[2])


def _blend_words(first: Words, second: Words, share: float) -> Words:
    """Count from one number to the other, written with the digits of the second."""
    parts: list[str | Quantity] = []
    for a, b in zip(first, second, strict=True):
        if isinstance(a, Quantity) and isinstance(b, Quantity) and a.value != b.value:
            value = a.value + (b.value - a.value) * share
            b = Quantity(b.name, value, number(value, _digits(b.text)))
        parts.append(b)
    return Words(tuple(parts))


def _blend_value(first: Any, second: Any, share: float) -> Any:
    if isinstance(first, Words) and isinstance(second, Words):
        return _blend_words(first, second, share)
    if isinstance(first, np.ndarray) or (isinstance(first, float) and isinstance(second, float)):
        return first + (second - first) * share
    if isinstance(first, tuple) and len(first) == 2:
        return tuple(_blend_value(a, b, share) for a, b in zip(first, second, strict=True))
    return second


def _even(first: Mark, second: Mark) -> tuple[Mark, Mark]:
    """Give two curves the same number of points."""
    if not isinstance(first, Curve) or not isinstance(second, Curve) or len(first.points) == len(second.points):
        return first, second
    count = max(len(first.points), len(second.points))
    return tuple(replace(mark, points=resample(mark.points, count)) for mark in (first, second))


def _light(colour: RGB) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """One item's way from one moment to the next; without ``before`` it appears, without ``after`` it goes."""

    before: Item | None
    after: Item | None
    _ends: tuple[Mark, Mark] = field(init=False, repr=False)
    _changing: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.before is None or self.after is None:
            object.__setattr__(self, "_changing", ())
            return
        first, second = ends = _even(self.before.mark, self.after.mark)
        object.__setattr__(self, "_ends", ends)
        object.__setattr__(self, "_changing", () if first is second else _differing(first, second))

    @property
    def still(self) -> bool:
        """Whether nothing of the item changes."""
        a, b = self.before, self.after
        if a is None or b is None:
            return False
        same_look = a.scale == b.scale and a.opacity == b.opacity
        return not self._changing and same_look and _same(a.colour, b.colour) and _same(a.fill, b.fill)

    def at(self, share: float) -> Item:
        """Return the item when this much of the way, 0 to 1, is behind it."""
        a, b = self.before, self.after
        if b is None:
            return replace(a, opacity=a.opacity * (1.0 - share))
        if a is None:
            return replace(b, opacity=b.opacity * share)
        if share >= 1.0:
            return b
        mark = a.mark
        if self._changing:
            first, second = self._ends
            values = {n: _blend_value(getattr(first, n), getattr(second, n), share) for n in self._changing}
            mark = replace(second, **values)
        blends = {n: _blend_value(getattr(a, n), getattr(b, n), share) for n in ("colour", "fill", "scale", "opacity")}
        if self._flips:
            blends["colour"] = max((a.colour, b.colour), key=lambda each: abs(_light(each) - _light(blends["fill"])))
        return replace(b, mark=mark, **blends)

    @property
    def _flips(self) -> bool:
        """Whether a text goes from light on dark to dark on light; on the way it takes the colour that can be read."""
        ends = [_light(each.colour) - _light(each.fill) for each in (self.before, self.after)]
        return isinstance(self.after.mark, Text) and ends[0] * ends[1] < 0
