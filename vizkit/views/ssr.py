"""The U-curve of one parameter: the loss over its values, and the way that a descent took on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DataError, ShapeError
from vizkit.typing import ArrayLike, Bool, Float
from vizkit.views.curves import margins
from vizkit.views.descent import Descent
from vizkit.views.labels import Plane, Spot
from vizkit.views.marks import Arrow, Curve, Dot, Mark, Text, points
from vizkit.views.numbers import padded, sequence
from vizkit.views.picture import Picture, View, axis
from vizkit.views.text import quantity, words

__all__ = ["SsrView"]

TANGENT = 190.0  # half of a tangent's length, in stage units
SHORTEST = 34.0  # a step that is shorter is drawn without an arrow's head
LONG = 150.0  # a step from this length on has room for a label above and one below
NEAR = 100.0  # points closer than this to the last one with a tangent have none


@dataclass(frozen=True, eq=False, kw_only=True)
class SsrView(View):
    """The loss over one parameter, with the points of a descent, a tangent and a step.

    Attributes
    ----------
    values, losses
        Shape (points,): the curve, by ascending values.
    descent
        The way down, or None.
    visited
        How many of its points are drawn; the last of them is the present. Without, all.
    tangent
        The step whose tangent is drawn with its slope, or None.
    arrow
        The step that is drawn as an arrow with its size, or None.
    slopes
        Whether every point has a tangent that stands clear of the one before, as in a figure of its own.
    near
        Left, right, bottom and top of the axes, to look at a part of the curve; None shows everything.
    parameter, loss
        How the two are called.
    size
        Width and height in stage units.

    Examples
    --------
    >>> view = SsrView.ensure([-1, 0, 1], [1, 0, 1], descent=([1.0], [1.0], [2.0]), tangent=0)
    >>> view.quantities()["slope[0]"]
    2.0
    """

    values: Float["point"]
    losses: Float["point"]
    descent: Descent | None = None
    visited: int | None = None
    tangent: int | None = None
    arrow: int | None = None
    slopes: bool = False
    near: tuple[float, float, float, float] | None = None
    parameter: str = "b₃"
    loss: str = "SSR"
    size: tuple[float, float] = (1280.0, 720.0)

    @classmethod
    def ensure(
        cls, values: Any, losses: ArrayLike | Callable[[float], float] | None = None, descent: Any = None, **looks: Any
    ) -> SsrView:
        """Return the view of values and their losses.

        Parameters
        ----------
        values
            Shape (points,): two or more different values of the parameter.
        losses
            Shape (points,), or a function from one value to its loss.
        descent
            A trace, or (values, losses, slopes), each of shape (steps,).
        looks
            The view's other attributes. Without a ``tangent`` or ``arrow``, ``slopes`` are drawn.

        Raises
        ------
        ShapeError, DataError
            If there are not equally many of both, or a number is not finite.
        """
        if isinstance(values, SsrView):
            return values
        across = sequence(values, "values of the parameter")
        if losses is None:
            raise ArgumentError("The curve needs the loss at each value, or a function that gives it, but none came.")
        heights = sequence([losses(float(value)) for value in across] if callable(losses) else losses, "losses")
        if across.shape != heights.shape:
            raise ShapeError(f"Each value has one loss, but {len(across)} values and {len(heights)} losses came.")
        if len(np.unique(across)) != len(across) or len(across) < 2:
            raise DataError(f"The curve needs two or more different values, but {across[:6].tolist()} came.")
        looks.setdefault("slopes", looks.get("tangent") is None and looks.get("arrow") is None)
        order = np.argsort(across)
        way = None if descent is None else Descent.ensure(descent)
        return cls(values=across[order], losses=heights[order], descent=way, **looks)

    def __post_init__(self) -> None:
        for name in ("tangent", "arrow"):
            step = getattr(self, name)
            if step is not None and not (self.descent is not None and 0 <= step < len(self.descent)):
                have = "no descent" if self.descent is None else f"{len(self.descent)} steps"
                raise ArgumentError(f"The {name} stands at a step of the descent, but {step!r} came with {have}.")

    def draw(self) -> Picture:
        """Make the picture."""
        left, right, bottom, top = bounds = self._bounds()
        x, y = axis(self.parameter, left, right, most=7), axis(self.loss, bottom, top, most=6)
        plane = Plane(self.size, bounds, x, y, margins(y))
        shown = _within(self.values, self.losses, bounds)
        line = points(self.values[shown], self.losses[shown])
        plane.avoid(line)
        key = "curve" if self.near is None else "curve:near"
        marks: list[Mark] = [Curve(key=key, role="loss", points=line, width=6.0)]
        if self.descent is not None:
            marks += self._way(self.descent, plane)
        return Picture(size=self.size, bounds=bounds, marks=tuple(marks), x=x, y=y, margins=plane.margins)

    def _bounds(self) -> tuple[float, float, float, float]:
        if self.near is not None:
            return self.near
        across, heights = [self.values], [self.losses]
        if self.descent is not None:
            across.append(self.descent.values)
            heights.append(self.descent.losses)
        low, high = padded(np.concatenate(heights), 0.1, 0.06)
        return *padded(np.concatenate(across), 0.05, 0.05), low, high

    def _way(self, way: Descent, plane: Plane) -> list[Mark]:
        count = len(way) if self.visited is None else min(self.visited, len(way))
        seen = [at for at in range(count) if _within(way.values[at], way.losses[at], plane.bounds)]
        for at in seen:
            plane.avoid_dot(way.values[at], way.losses[at], 13)
        tangents = self._clear(way, seen, plane) if self.slopes else []
        tangents += [self.tangent] if self.tangent is not None and self.tangent not in tangents else []
        marks: list[Mark] = [self._tangent(way, at, plane) for at in tangents]
        steps = [] if self.arrow is None else self._step(way, self.arrow, plane)
        texts = [(self._slope_text(way, at), _BESIDE) for at in tangents]
        texts += [] if self.arrow is None else [(self._step_text(way, self.arrow), _ABOVE)]
        if self.arrow is not None and self._length(way, self.arrow, plane) < LONG:
            texts.reverse()  # a short step's number goes next to it, a long one leaves room for both
        for text, spots in texts:
            marks += plane.labels([text], spots)
        marks += steps
        return [*marks, *self._dots(way, seen, count)]

    def _clear(self, way: Descent, seen: list[int], plane: Plane) -> list[int]:
        """Return the points that stand clear of the one before, and so have room for a tangent."""
        kept: list[int] = []
        here = plane.stage(points(way.values, way.losses))
        for at in seen:
            if not kept or np.hypot(*(here[at] - here[kept[-1]])) >= NEAR:
                kept.append(at)
        return kept

    def _dots(self, way: Descent, seen: list[int], count: int) -> list[Mark]:
        """Draw the points visited: the present one large, those before it hollow."""
        dots: list[Mark] = []
        for at in seen:
            present = at == count - 1
            key, radius = ("point", 15.0) if present else (f"point:{at}", 10.0)
            x, y = way.values[at], way.losses[at]
            dots.append(Dot(key=key, role="update", x=x, y=y, radius=radius, hollow=not present, depth=5 + present))
        return dots

    def _tangent(self, way: Descent, at: int, plane: Plane) -> Curve:
        x, y, slope = way.values[at], way.losses[at], way.slopes[at]
        across, up = plane.units
        reach = (TANGENT if at == self.tangent else 0.6 * TANGENT) / float(np.hypot(across, slope * up))
        low, high = _inside(x, y, slope, reach, plane.bounds)
        line = points([low, high], [y + slope * (low - x), y + slope * (high - x)])
        plane.avoid(line)
        present = at == self.tangent or (self.tangent is None and self.slopes)
        return Curve(key=_at("tangent", at, self.tangent), role="gradient", points=line, width=5.0 if present else 4.0)

    def _slope_text(self, way: Descent, at: int) -> Text:
        label = words("slope ", quantity(f"slope[{at}]", way.slopes[at]))
        key = f"{_at('tangent', at, self.tangent)}:label"
        return Text(key=key, role="gradient", words=label, x=way.values[at], y=way.losses[at])

    def _step(self, way: Descent, at: int, plane: Plane) -> list[Mark]:
        """Draw the step to the side at the height of its start, and the way down to the curve."""
        start, end, height = way.values[at], way.after[at], way.losses[at]
        level = points([start, end], [height, height])
        plane.avoid(level)
        shaft: Mark
        if self._length(way, at, plane) >= SHORTEST:
            shaft = Arrow(key="step", role="update", start=(start, height), end=(end, height), width=6.0)
        else:
            shaft = Curve(key="step:short", role="update", points=level, width=6.0, shows=False, depth=3)
        return [shaft, *self._drop(way, at, plane)]

    def _step_text(self, way: Descent, at: int) -> Text:
        start, end = way.values[at], way.after[at]
        label = words(quantity(f"step[{at}]", end - start))
        return Text(key="step:label", role="update", words=label, x=(start + end) / 2, y=way.losses[at])

    def _length(self, way: Descent, at: int, plane: Plane) -> float:
        """Return a step's length on the picture, in stage units."""
        return float(abs(way.after[at] - way.values[at]) * plane.units[0])

    def _drop(self, way: Descent, at: int, plane: Plane) -> list[Mark]:
        if at + 1 >= len(way):
            return []
        x = way.values[at + 1]
        line = points([x, x], [way.losses[at], way.losses[at + 1]])
        plane.avoid(line)
        return [Curve(key="drop", role="muted", points=line, width=3.0, dashed=True, shows=False)]


_BESIDE = tuple(
    Spot(sign * dx, dy, ha)
    for dy in (0.0, 44.0, -44.0, 84.0, -84.0, 124.0, 164.0)
    for dx in (26.0, 60.0, 110.0)
    for sign, ha in ((1, "left"), (-1, "right"))
)
_ABOVE = (
    Spot(0, 14, "center", "bottom"),
    Spot(0, -14, "center", "top"),
    Spot(0, 50, "center", "bottom"),
    Spot(30, 44, "left"),
    Spot(-30, 44, "right"),
)


def _within(x: Float["..."], y: Float["..."], bounds: tuple[float, float, float, float]) -> Bool["..."]:
    left, right, bottom, top = bounds
    return (left <= x) & (x <= right) & (bottom <= y) & (y <= top)


def _at(name: str, step: int, present: int | None) -> str:
    return name if step == present else f"{name}:{step}"


def _inside(
    x: float, y: float, slope: float, reach: float, bounds: tuple[float, float, float, float]
) -> tuple[float, float]:
    """Cut a tangent's ends to the bounds."""
    left, right, bottom, top = bounds
    low, high = max(x - reach, left), min(x + reach, right)
    if slope:
        ends = sorted((x + (bottom - y) / slope, x + (top - y) / slope))
        low, high = max(low, ends[0]), min(high, ends[1])
    return low, high
