"""Where the columns and units of a network stand.

All lengths are stage units, so a label's size can be weighed against the room it has. A layer
gets the largest units that fit: with a small drawing of the activation, with the value inside,
or plain discs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vizkit.errors import ArgumentError
from vizkit.views.network_layers import Layer
from vizkit.views.network_room import Point, Rect, text_size
from vizkit.views.text import count

__all__ = ["ENDS", "FULL", "LOSS", "VALUED", "Column", "Layout", "arrange", "between"]

FULL = 84.0  # radius that holds a drawing of the activation and the value below it
VALUED = 72.0  # radius that holds the value
PLAIN = 40.0  # largest radius of a disc without a value
BLOCK = (84.0, 250.0)  # a layer drawn as one box
LOSS = (172.0, 136.0)
LOSS_GAP = 58.0
TAIL = 144.0  # room for a value at the right of a disc that cannot hold it
CLASS = 68.0  # and for the number of its class before it
ENDS = LOSS[0] + LOSS_GAP + TAIL  # what stands at the right of the last column
SPARE = 2  # a layer with so many units above the limit is drawn whole: a line of text would take their place
WIDEST_GAP = 330.0
LABEL = 52.0  # room for a line of text above or below a unit
CLEAR = 6.0  # from a disc's rim to the end of an edge


@dataclass(frozen=True, slots=True)
class Column:
    """A layer on the picture: its middle, the heights of its units and their radius.

    ``more`` is the number of units that are not drawn, ``tail`` the room for values at the right. In a
    block there is one height, and ``radius`` is half the block's width.
    """

    x: float
    ys: tuple[float, ...]
    radius: float
    block: bool = False
    more: int = 0
    tail: float = 0.0

    @property
    def valued(self) -> bool:
        """Whether a value fits into a unit."""
        return not self.block and self.radius >= VALUED

    @property
    def rim(self) -> float:
        """How far from a unit's middle an edge stops; edges reach a block at its side."""
        return 0.0 if self.block else self.radius

    def at(self, unit: int) -> Point:
        """Return a unit's middle."""
        return self.x, self.ys[unit]

    def rect(self) -> Rect:
        """Return a block's rectangle."""
        return Rect.around((self.x, self.ys[0]), BLOCK)


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns from left to right, and the middle of the loss's box when there is one."""

    size: tuple[float, float]
    columns: tuple[Column, ...]
    loss: Point | None


def arrange(
    layers: Sequence[Layer], size: tuple[float, float], loss: bool, limit: int = 8, *, classes: bool = False
) -> Layout:
    """Return where everything stands.

    Parameters
    ----------
    layers
        The columns' contents, the input first.
    size
        Width and height of the picture in stage units.
    loss
        Whether a box for the loss stands at the right.
    limit
        The most units that are drawn in one column.
    classes
        Whether the outputs are classes, whose numbers are written.

    Raises
    ------
    ArgumentError
        If the network is too deep for the width.

    Examples
    --------
    >>> from vizkit.views.network_layers import input_layer
    >>> arrange([input_layer([0.5]), input_layer([0.1, 0.2])], (800, 500), loss=False).columns[1].ys
    (376.0, 124.0)
    """
    width, height = size
    columns = [_column(layer, height, limit) for layer in layers]
    if not columns[-1].valued and not columns[-1].block:
        columns[-1] = replace(columns[-1], tail=TAIL + CLASS * classes)
    head = _overhang(layers[0], columns[0])
    tail = LOSS[0] + LOSS_GAP if loss else max(0.0, _overhang(layers[-1], columns[-1]) - columns[-1].tail)
    widths = [2 * column.radius + column.tail for column in columns]
    free = width - head - tail - sum(widths) - 2 * CLEAR
    gap = min(WIDEST_GAP, free / (len(columns) - 1))
    if gap < 2 * CLEAR:
        raise ArgumentError(
            f"A picture {width:.0f} wide has no room for {len(columns)} columns; make it wider or choose fewer layers."
        )
    left = head + CLEAR + (free - gap * (len(columns) - 1)) / 2
    placed = []
    for column, wide in zip(columns, widths, strict=True):
        placed.append(replace(column, x=left + column.radius))
        left += wide + gap
    box = (left - gap + LOSS_GAP + LOSS[0] / 2, height / 2) if loss else None
    return Layout(size, tuple(placed), box)


def _overhang(layer: Layer, column: Column) -> float:
    """Return how far the texts above and below a column reach beyond it, on each side."""
    texts = [layer.title, f"… {count(column.more)} more" if column.more else ""]
    if column.block:
        texts.append(" × ".join(count(length) for length in layer.output.shape))
    return max(0.0, max(text_size(text)[0] for text in texts) / 2 - column.radius)


def _column(layer: Layer, height: float, limit: int) -> Column:
    if layer.block:
        return Column(0.0, (height / 2,), BLOCK[0] / 2, block=True)
    drawn = layer.units if layer.units <= limit + SPARE else limit
    more = layer.units - drawn
    head, foot = (LABEL if drawn > 2 else 0.0), (LABEL if more else 0.0)
    zone = height - head - foot
    radius, label = _radius(layer, drawn, zone)
    # Two units move apart until only their labels fit outside them; more than two share the zone evenly.
    pitch = zone - 2 * (radius + LABEL) if drawn == 2 else zone / drawn
    middle = foot + zone / 2 + (label / 2 if drawn > 2 else 0.0)
    heights = tuple(middle + ((drawn - 1) / 2 - unit) * pitch for unit in range(drawn))
    return Column(0.0, heights, radius, more=more)


def _radius(layer: Layer, drawn: int, zone: float) -> tuple[float, float]:
    """Return the units' radius and the room for a label below each."""
    largest = FULL if layer.sketched else VALUED
    for radius, label in ((largest, LABEL), (VALUED, LABEL), (VALUED, 0.0)):
        if drawn * (2 * radius + label + 8) <= zone:
            return radius, label
    return min(PLAIN, (zone / drawn - 8) / 2), 0.0


def between(start: Point, end: Point, radii: tuple[float, float]) -> tuple[Point, Point]:
    """Return the ends of an edge that stops clear of the rims of two discs.

    Examples
    --------
    >>> between((0, 0), (100, 0), (10, 20))
    ((16.0, 0.0), (74.0, 0.0))
    """
    length = math.dist(start, end)
    first, last = (radii[0] + CLEAR) / length, 1 - (radii[1] + CLEAR) / length
    x0, y0 = start
    dx, dy = end[0] - x0, end[1] - y0
    return (x0 + first * dx, y0 + first * dy), (x0 + last * dx, y0 + last * dy)
