"""The small drawing of an activation function inside a unit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vizkit import functions
from vizkit.views.marks import Curve, Dot, Mark, points
from vizkit.views.network_layers import Layer
from vizkit.views.network_room import Point

__all__ = ["DROP", "Sketch", "sketch", "sketch_marks", "tangent_mark"]

DROP = 36.0  # of a value below the middle of its unit, to leave the drawing its room
HALF, HEIGHT, FOOT = 52.0, 54.0, 4.0  # half the drawing's width, its height, its foot above the middle
REACH = 4.0  # the drawing runs from -REACH to REACH unless a unit stands further out
TANGENT = 34.0  # half the length of a tangent


@dataclass(frozen=True, slots=True)
class Sketch:
    """An activation over a range, scaled into a unit.

    Parameters
    ----------
    function
        The activation, on arrays of shape (points,).
    limit
        The drawing runs from ``-limit`` to ``limit``.
    low, high
        The activation's least and largest value there.
    """

    function: Callable[[np.ndarray], np.ndarray]
    limit: float
    low: float
    high: float

    def place(self, middle: Point, x: float, y: float) -> Point:
        """Return where the point (x, y) of the function lies in the unit at ``middle``."""
        up = (y - self.low) / (self.high - self.low)
        return middle[0] + HALF * x / self.limit, middle[1] + FOOT + HEIGHT * up

    def tangent(self, middle: Point, x: float, slope: float) -> tuple[Point, Point]:
        """Return the ends of the tangent at x, which is as long in every unit."""
        at = self.place(middle, x, float(self.function(np.array([x]))[0]))
        rise = slope * (HEIGHT / (self.high - self.low)) / (HALF / self.limit)
        across = TANGENT / math.hypot(1.0, rise)
        return (at[0] - across, at[1] - across * rise), (at[0] + across, at[1] + across * rise)


def sketch(layer: Layer) -> Sketch:
    """Return the drawing of a layer's activation, wide enough for all its units.

    Examples
    --------
    >>> from vizkit.views.network_layers import dense_layer
    >>> sketch(dense_layer([1], [[2, 3]], [0, 5], [2, 8], "relu")).limit
    8.0
    """
    assert layer.sums is not None
    limit = float(max(REACH, math.ceil(np.abs(layer.sums).max())))
    function = functions.activation(layer.activation).function
    values = function(np.linspace(-limit, limit, 81))
    return Sketch(function, limit, float(values.min()), float(values.max()))


def sketch_marks(key: str, layer: Layer, unit: int, middle: Point, known: bool) -> list[Mark]:
    """Return the drawing in one unit and, when its value is known, the point where it now stands."""
    assert layer.sums is not None
    drawing = sketch(layer)
    xs = np.linspace(-drawing.limit, drawing.limit, 41)
    ends = [drawing.place(middle, float(x), float(y)) for x, y in zip(xs, drawing.function(xs), strict=True)]
    line = points(*zip(*ends, strict=True))
    marks: list[Mark] = [Curve(key=f"{key}:curve", role="muted", points=line, width=4.0, shows=False, depth=2)]
    if known:
        x, y = drawing.place(middle, float(layer.sums[unit]), float(layer.output[unit]))
        marks.append(Dot(key=f"{key}:point", role="focus", x=x, y=y, radius=9.0))
    return marks


def tangent_mark(key: str, layer: Layer, unit: int, middle: Point) -> Mark:
    """Return the tangent at the point where the unit stands, as a derivative's picture."""
    assert layer.sums is not None
    x = float(layer.sums[unit])
    slope = float(functions.activation(layer.activation).derivative(np.array([x]))[0])
    ends = sketch(layer).tangent(middle, x, slope)
    line = points(*zip(*ends, strict=True))
    return Curve(key=f"{key}:tangent", role="gradient", points=line, width=6.0, value=slope, depth=2)
