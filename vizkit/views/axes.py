"""The axes of a plot as marks, for renderers that have no axes of their own.

The marks are in the units of the box that the picture was placed in, so a renderer draws
them as they are.
"""

from __future__ import annotations

from vizkit.views.board import Placement
from vizkit.views.marks import Curve, Mark, Text, points
from vizkit.views.text import words

__all__ = ["GAP", "NAME_ABOVE", "NAME_GAP", "NAME_LEFT", "SPINE", "TICK", "axis_marks"]

SPINE = 2.0  # width of the axes and ticks
TICK = 10.0  # length of a tick
GAP = 8.0  # from the tick to its text
NAME_GAP = 74.0  # from the x axis to the top of its name
NAME_ABOVE, NAME_LEFT = 24.0, 20.0  # from the top of the y axis to its name


def axis_marks(placement: Placement) -> tuple[Mark, ...]:
    """Return spines, ticks, tick texts and axis names of a placed plot; nothing for a diagram.

    Examples
    --------
    >>> from vizkit.views.board import Box
    >>> from vizkit.views.picture import PLOT, Picture, axis
    >>> x, y = axis("dosage", 0, 1, 3), axis("effect", 0, 2, 3)
    >>> plot = Picture(size=(600, 500), bounds=(0, 1, 0, 2), marks=(), x=x, y=y, margins=PLOT)
    >>> [mark.key for mark in axis_marks(Placement(plot, Box(0, 0, 600, 500)))][:3]
    ['axis:x', 'axis:y', 'axis:x:tick:0']
    """
    if placement.picture.x is None or placement.picture.y is None:
        return ()
    return (*_spines(placement), *_x_ticks(placement), *_y_ticks(placement), *_names(placement))


def _line(key: str, ends: list[tuple[float, float]], placement: Placement) -> Curve:
    xs, ys = zip(*ends, strict=True)
    return Curve(key=key, role="muted", points=points(xs, ys), width=SPINE * placement.scale, shows=False, depth=0)


def _spines(placement: Placement) -> tuple[Mark, ...]:
    inner = placement.inner
    right, top = inner.left + inner.width, inner.bottom + inner.height
    corner = (inner.left, inner.bottom)
    return (
        _line("axis:x", [corner, (right, inner.bottom)], placement),
        _line("axis:y", [corner, (inner.left, top)], placement),
    )


def _tick_text(key: str, text: str, at: tuple[float, float], side: str) -> Text:
    sides = {"below": ("center", "top"), "left": ("right", "center")}
    ha, va = sides[side]
    return Text(key=key, role="muted", words=words(text), x=at[0], y=at[1], ha=ha, va=va, size="tick")


def _x_ticks(placement: Placement) -> list[Mark]:
    along, inner, scale = placement.picture.x, placement.inner, placement.scale
    marks: list[Mark] = []
    for index, (tick, text) in enumerate(zip(along.ticks, along.texts, strict=True)):
        x = placement.point(tick, placement.picture.bounds[2])[0]
        low = inner.bottom - TICK * scale
        marks.append(_line(f"axis:x:tick:{index}", [(x, inner.bottom), (x, low)], placement))
        marks.append(_tick_text(f"axis:x:text:{index}", text, (x, low - GAP * scale), "below"))
    return marks


def _y_ticks(placement: Placement) -> list[Mark]:
    along, inner, scale = placement.picture.y, placement.inner, placement.scale
    marks: list[Mark] = []
    for index, (tick, text) in enumerate(zip(along.ticks, along.texts, strict=True)):
        y = placement.point(placement.picture.bounds[0], tick)[1]
        low = inner.left - TICK * scale
        marks.append(_line(f"axis:y:tick:{index}", [(inner.left, y), (low, y)], placement))
        marks.append(_tick_text(f"axis:y:text:{index}", text, (low - GAP * scale, y), "left"))
    return marks


def _names(placement: Placement) -> tuple[Mark, ...]:
    """The x axis is named below its middle, the y axis above its upper end, both upright."""
    picture, inner, scale = placement.picture, placement.inner, placement.scale
    below = inner.bottom - NAME_GAP * scale
    above = inner.bottom + inner.height + NAME_ABOVE * scale
    middle, left = inner.left + inner.width / 2, inner.left - NAME_LEFT * scale
    return (
        Text(key="axis:x:name", words=words(picture.x.label), x=middle, y=below, va="top"),
        Text(key="axis:y:name", words=words(picture.y.label), x=left, y=above, ha="left", va="bottom"),
    )
