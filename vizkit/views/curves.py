"""Curves in one plot, each labelled at its right end, with points of interest on them.

`CurvesView` is the general picture; `LinesView` makes one of weights and biases.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, ShapeError
from vizkit.typing import ArrayLike, Float
from vizkit.views.labels import LINE, Plane, Spot, label_width, spread
from vizkit.views.marks import Curve, Dot, Mark, Text, points
from vizkit.views.numbers import checked_span, padded, sequence
from vizkit.views.picture import Axis, Margins, Picture, View, axis
from vizkit.views.text import Words, quantity, subscript, words

__all__ = ["COLOURS", "CurvesView", "Guide", "LinesView", "Point", "Series", "margins"]

# For several things of one kind, none of which is another role's: what is compared takes these in turn.
COLOURS = ("output", "update", "loss", "input", "bias", "activation", "negative", "positive")

END = 20.0  # from the end of the axes to a label
EARLY = 0.9  # of the axes: a curve that ends before is labelled where it ends


@dataclass(frozen=True, eq=False)
class Series:
    """One curve of shape (points, 2): its key, its role, and the label at its end."""

    key: str
    points: Float["point xy"]
    label: Words | None = None
    role: str = "output"
    width: float = 6.0
    dashed: bool = False


@dataclass(frozen=True, eq=False)
class Point:
    """A dot at a data point with words beside it, placed where nothing else stands."""

    key: str
    x: float
    y: float
    label: Words | None = None
    role: str = "ink"


@dataclass(frozen=True, eq=False)
class Guide:
    """A thin line that shows no number, such as the zero lines; of shape (points, 2)."""

    key: str
    points: Float["point xy"]
    dashed: bool = False


def margins(y: Axis, labels: Iterable[Words | str] = ()) -> Margins:
    """Return the room around a plot: for the y axis' figures, and for labels at the right ends.

    Examples
    --------
    >>> margins(axis("loss", 0, 1), ["training"]).right > margins(axis("loss", 0, 1)).right
    True
    """
    figures = max((label_width(text) for text in y.texts), default=0.0)
    ends = max((label_width(label) + END + 16.0 for label in labels), default=40.0)
    return Margins(left=max(80.0, figures + 40.0), right=ends, bottom=122.0, top=72.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class CurvesView(View):
    """Several curves with direct labels, on two axes.

    Attributes
    ----------
    series
        The curves; a key is the same curve in every picture.
    x, y
        The two axes, whose ranges are the picture's.
    dots
        Points of interest with their labels.
    guides
        Thin lines behind the curves.
    size
        Width and height in stage units.

    Examples
    --------
    >>> line = Series("line", points([0, 1], [0, 2]), words("twice"))
    >>> view = CurvesView(series=(line,), x=axis("x", 0, 1), y=axis("y", 0, 2))
    >>> view.quantities()["line"].tolist()
    [[0.0, 0.0], [1.0, 2.0]]
    """

    series: tuple[Series, ...]
    x: Axis
    y: Axis
    dots: tuple[Point, ...] = ()
    guides: tuple[Guide, ...] = ()
    size: tuple[float, float] = (1280.0, 720.0)

    def draw(self) -> Picture:
        """Make the picture."""
        bounds = (self.x.low, self.x.high, self.y.low, self.y.high)
        room = margins(self.y, [line.label for line in self.series if line.label is not None])
        plane = Plane(self.size, bounds, self.x, self.y, room)
        marks: list[Mark] = [
            Curve(key=guide.key, role="lines", points=guide.points, width=3, dashed=guide.dashed, shows=False, depth=0)
            for guide in self.guides
        ]
        for line in self.series:
            plane.avoid(line.points)
            marks.append(
                Curve(key=line.key, role=line.role, points=line.points, width=line.width, dashed=line.dashed, depth=2)
            )
        marks += [*_dots(self.dots, plane), *_end_labels(self.series, plane)]
        return Picture(size=self.size, bounds=bounds, marks=tuple(marks), x=self.x, y=self.y, margins=room)


def _dots(dots: tuple[Point, ...], plane: Plane) -> list[Mark]:
    for dot in dots:
        plane.avoid_dot(dot.x, dot.y, 12)
    found: list[Mark] = [Dot(key=dot.key, role=dot.role, x=dot.x, y=dot.y, radius=12) for dot in dots]
    texts = [
        Text(key=f"{dot.key}:label", role=dot.role, words=dot.label, x=dot.x, y=dot.y, halo=True)  # for narrower axes
        for dot in dots
        if dot.label is not None
    ]
    return [*found, *plane.labels(texts)]


def _end_labels(series: tuple[Series, ...], plane: Plane) -> list[Mark]:
    """Write each label at the right of the axes, as near to its curve's end as the others allow."""
    inside = _early_labels(series, plane)
    named = [line for line in series if line.label is not None and f"{line.key}:label" not in inside]
    if not named:
        return [*inside.values()]
    ends = plane.stage(np.array([line.points[-1] for line in named]))
    low, high = plane.inner.bottom + 16, plane.inner.bottom + plane.inner.height
    places = spread(ends[:, 1], LINE, low, high)
    right = plane.inner.left + plane.inner.width + END
    return [*inside.values(), *(
        Text(
            key=f"{line.key}:label", role=line.role, words=line.label, ha="left",
            x=line.points[-1, 0], y=line.points[-1, 1], dx=right - end[0], dy=place - end[1],
        )
        for line, end, place in zip(named, ends, places, strict=True)
    )]  # fmt: skip


def _early_labels(series: tuple[Series, ...], plane: Plane) -> dict[str, Text]:
    """Return the labels of curves that end well before the axes do, where there is room beside their ends."""
    last, found = plane.inner.left + EARLY * plane.inner.width, {}
    for line in series:
        if line.label is None or plane.stage(line.points[-1:])[0, 0] > last:
            continue
        x, y = line.points[-1]
        text = Text(key=f"{line.key}:label", role=line.role, words=line.label, x=x, y=y, halo=True)
        placed = plane.label(text, _RIGHT)
        if placed is not None:
            found[placed.key] = placed
    return found


_RIGHT = tuple(Spot(18.0, lift) for lift in (0.0, 34.0, -34.0, 62.0, -62.0))


def _digits(values: ArrayLike) -> int:
    """Return how many decimals, at most 2, all the values need."""
    flat = np.ravel(np.asarray(values, dtype=float))
    return next((digits for digits in (0, 1) if np.allclose(flat, np.round(flat, digits), atol=1e-9)), 2)


@dataclass(frozen=True, eq=False)
class LinesView(View):
    """The lines y = w x + b of neurons with one input: w is the steepness, b the height at 0.

    Attributes
    ----------
    weights, biases
        Shape (lines,) each.
    span
        The lowest and highest input.
    size
        Width and height in stage units.

    Examples
    --------
    >>> view = LinesView.ensure([1, 2], [0, -1])
    >>> view.quantities()["line[1]"].tolist()
    [[-5.0, -11.0], [5.0, 9.0]]
    """

    weights: Float["line"]
    biases: Float["line"]
    span: tuple[float, float] = (-5.0, 5.0)
    size: tuple[float, float] = (1280.0, 720.0)

    @classmethod
    def ensure(cls, weights: Any, biases: ArrayLike | None = None, **looks: Any) -> LinesView:
        """Return the view of numbers or sequences of equal length; one bias serves all weights, and one weight all.

        Parameters
        ----------
        weights, biases
            Scalars, or shape (lines,). A `LinesView` in place of the weights is returned as it is.
        looks
            The view's ``span`` and ``size``.

        Raises
        ------
        ShapeError
            If there are neither equally many of both nor one of either.
        DataError
            If a number is NaN or infinite.
        """
        if isinstance(weights, LinesView):
            return weights
        if biases is None:
            raise ArgumentError("Lines are made of weights and biases, but no biases came.")
        slopes, heights = sequence(weights, "weights"), sequence(biases, "biases")
        if 1 not in (len(slopes), len(heights)) and len(slopes) != len(heights):
            raise ShapeError(
                f"Weights and biases must be equally many, but {len(slopes)} weights and {len(heights)} biases came."
            )
        slopes, heights = (np.array(pair) for pair in np.broadcast_arrays(slopes, heights))
        span = checked_span(looks.pop("span", (-5.0, 5.0)))
        return cls(slopes, heights, span, **looks)

    def draw(self) -> Picture:
        """Make the picture."""
        low, high = self.span
        ends = np.array([low, high])
        heights = np.outer(self.weights, ends) + self.biases[:, None]
        y = axis("output", *padded(heights, 0.06, 0.06), most=7)
        digits = _digits(self.weights), _digits(self.biases)
        series = tuple(
            Series(f"line[{at}]", points(ends, row), self._label(at, digits), COLOURS[at % len(COLOURS)])
            for at, row in enumerate(heights)
        )
        dots = tuple(
            Point(f"bias[{at}]", 0.0, bias, role=series[at].role)
            for at, bias in enumerate(self.biases)
            if low < 0.0 < high
        )
        zeros = _zero_lines((low, high), (y.low, y.high))
        view = CurvesView(
            series=series, x=axis("input", low, high, most=3), y=y, dots=dots, guides=zeros, size=self.size
        )
        return view.picture

    def _label(self, at: int, digits: tuple[int, int]) -> Words:
        index = subscript(at + 1) if len(self.weights) > 1 else ""
        weight = quantity(f"w[{at}]", self.weights[at], digits[0])
        bias = quantity(f"b[{at}]", self.biases[at], digits[1])
        return words(f"w{index} = ", weight, f", b{index} = ", bias)


def _zero_lines(x: tuple[float, float], y: tuple[float, float]) -> tuple[Guide, ...]:
    found = []
    if y[0] < 0.0 < y[1]:
        found.append(Guide("zero:y", points(x, (0.0, 0.0))))
    if x[0] < 0.0 < x[1]:
        found.append(Guide("zero:x", points((0.0, 0.0), y)))
    return tuple(found)
