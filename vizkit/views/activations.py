"""Activation functions or their gradients: one in a plot, or several as small plots of one picture.

Eight curves that all end near y = x cannot be told apart in one plot, so each has a small plot
of its own, named above it, all with the same inputs. In such a picture a curve's points are in
the picture's units; `ActivationsView.curve` has them in the function's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DataError
from vizkit.functions import Activation, Function, activation
from vizkit.typing import Float
from vizkit.views.curves import COLOURS, CurvesView, Guide, Point, Series
from vizkit.views.labels import Plane, label_width
from vizkit.views.marks import Curve, Disc, Mark, Text, points
from vizkit.views.numbers import checked_span, padded
from vizkit.views.picture import Axis, Margins, Picture, View, axis
from vizkit.views.text import Words, quantity, words

__all__ = ["DEFAULT", "ActivationsView"]

DEFAULT = ("relu", "leaky_relu", "elu", "softplus", "sigmoid", "tanh", "softmax", "linear")

COLUMNS = 4
CELL = (540.0, 470.0)  # a small plot with its name and figures, in stage units
ROOM = Margins(left=104.0, right=24.0, bottom=70.0, top=76.0)
NAME = 56.0  # below everything, for the name of the inputs
POINTS = 401


@dataclass(frozen=True, eq=False)
class ActivationsView(View):
    """Activations, or their gradients, over one span of inputs.

    Attributes
    ----------
    entries
        The activations.
    gradients
        Whether the derivatives are shown instead of the functions.
    span
        The lowest and highest input.
    at
        Inputs at which the value is written beside a dot.
    together
        Whether several share one plot, labelled at their ends.
    size
        Width and height in stage units of one plot; small plots have a size of their own.

    Examples
    --------
    >>> view = ActivationsView.ensure("relu", at=(-3, 5))
    >>> view.quantities()["relu(-3)"], view.quantities()["relu(5)"]
    (0.0, 5.0)
    """

    entries: tuple[Activation, ...]
    gradients: bool = False
    span: tuple[float, float] = (-5.0, 5.0)
    at: tuple[float, ...] = ()
    together: bool = False
    size: tuple[float, float] = (1280.0, 720.0)

    @classmethod
    def ensure(
        cls,
        functions: str | Function | Activation | Sequence[Any] | ActivationsView | None = None,
        *,
        gradients: bool = False,
        span: tuple[float, float] = (-5.0, 5.0),
        at: Sequence[float] = (),
        **looks: Any,
    ) -> ActivationsView:
        """Return the view of one or several names or callables; without any, of the eight usual ones.

        Raises
        ------
        UnknownNameError
            If there is no activation of a name.
        ArgumentError
            If something is neither a name nor callable, or comes twice, or the span is none.
        DataError
            If a function gives NaN or infinity in the span.
        """
        if isinstance(functions, ActivationsView):
            return functions
        given = DEFAULT if functions is None else functions
        several = isinstance(given, tuple | list)
        entries = tuple(activation(entry) for entry in (given if several else (given,)))
        names = [entry.name for entry in entries]
        if not names or len(set(names)) < len(names):
            raise ArgumentError(f"Name one or more activations, each once, but {names} was given.")
        view = cls(entries, gradients, checked_span(span), tuple(float(x) for x in at), **looks)
        for entry in entries:
            view.curve(entry.name)
        return view

    def curve(self, name: str) -> Float["point xy"]:
        """Return the inputs and values of one curve, of shape (points, 2)."""
        entry = next(entry for entry in self.entries if entry.name == name)
        return np.concatenate(self.pieces(entry))

    def draw(self) -> Picture:
        """Make the picture."""
        if len(self.entries) == 1 or self.together:
            return self._one_plot()
        return self._small_plots()

    def _range(self, *entries: Activation) -> tuple[float, float]:
        """Return the lowest and highest end of an axis for these entries."""
        return padded(np.concatenate([piece[:, 1] for entry in entries for piece in self.pieces(entry)]), 0.07, 0.07)

    def value(self, entry: Activation, x: float) -> float:
        """Return the value or gradient of an activation at one input."""
        return float(self._formula(entry)(np.array(float(x))))

    def _formula(self, entry: Activation) -> Function:
        return entry.derivative if self.gradients else entry.function

    def pieces(self, entry: Activation) -> list[Float["point xy"]]:
        """Return the curve as pieces of shape (points, 2): a gradient that jumps has one on either side."""
        low, high = self.span
        jumps = [corner for corner in entry.corners if self.gradients and low < corner < high]
        found = []
        for left, right in zip([low, *jumps], [*jumps, high], strict=True):
            xs = np.linspace(left, right, POINTS)
            inside = xs.copy()
            if left in jumps:  # the value just right of the jump
                inside[0] = np.nextafter(left, right)
            with np.errstate(all="ignore"):  # what is not finite is told just below
                ys = np.broadcast_to(np.asarray(self._formula(entry)(inside), dtype=float), xs.shape)
            if not np.isfinite(ys).all():
                at = xs[int(np.flatnonzero(~np.isfinite(ys))[0])]
                raise DataError(f"The activation {entry.name!r} is not finite at {at:g}.")
            found.append(points(xs, ys))
        return found

    def _title(self, entry: Activation) -> str:
        return f"{entry.title}′" if self.gradients else entry.title

    def _one_plot(self) -> Picture:
        y = axis("gradient" if self.gradients else "output", *self._range(*self.entries), most=6)
        series, dots = [], []
        for at, entry in enumerate(self.entries):
            role = _role(self, at)
            label, pieces = words(self._title(entry)), self.pieces(entry)
            for part, piece in enumerate(pieces):
                last = part == len(pieces) - 1
                key = entry.name if last else f"{entry.name}:{part}"
                series.append(Series(key, piece, label if last else None, role))
            dots += self.dots(entry, role)
        x = axis("input", *self.span, most=3)
        guides = _zeros(x, y, "zero")
        view = CurvesView(series=tuple(series), x=x, y=y, dots=tuple(dots), guides=guides, size=self.size)
        return view.picture

    def dots(self, entry: Activation, role: str) -> list[Point]:
        """Return a point for each input at which the value is written."""
        found = []
        for x in self.at:
            if self.span[0] <= x <= self.span[1]:
                name, value = f"{entry.name}({x:g})", self.value(entry, x)
                found.append(Point(name + ":dot", x, value, words(quantity(name, value, _digits(value))), role))
        return found

    def _small_plots(self) -> Picture:
        columns = min(COLUMNS, len(self.entries))
        rows = -(-len(self.entries) // columns)
        width, height = columns * CELL[0], rows * CELL[1] + NAME
        marks: list[Mark] = []
        shared = self._range(*self.entries)
        for at, entry in enumerate(self.entries):
            row, column = divmod(at, columns)
            corner = (column * CELL[0], height - (row + 1) * CELL[1])
            lowest = at + columns >= len(self.entries)
            heights = shared if self.gradients else self._range(entry)
            marks += _SmallPlot(self, entry, corner, lowest, heights).marks()
        return Picture(size=(width, height), bounds=(0, width, 0, height), marks=tuple(marks))


def _digits(value: float) -> int:
    """Return how many decimals, at most 4, a value needs."""
    return next((digits for digits in range(4) if abs(value - round(value, digits)) < 1e-12), 4)


def _role(view: ActivationsView, at: int) -> str:
    if len(view.entries) == 1:
        return "gradient" if view.gradients else "activation"
    return COLOURS[at % len(COLOURS)]


def _zeros(x: Axis, y: Axis, key: str) -> tuple[Guide, ...]:
    lines = []
    if y.low < 0 < y.high:
        lines.append(Guide(f"{key}:y", points((x.low, x.high), (0, 0))))
    if x.low < 0 < x.high:
        lines.append(Guide(f"{key}:x", points((0, 0), (y.low, y.high))))
    return tuple(lines)


@dataclass(frozen=True, eq=False)
class _SmallPlot:
    """One plot of several: where it stands and what is on it, in stage units."""

    view: ActivationsView
    entry: Activation
    corner: tuple[float, float]
    lowest: bool
    heights: tuple[float, float]

    def marks(self) -> list[Mark]:
        pieces = self.view.pieces(self.entry)
        x, y = axis("input", *self.view.span, most=3), axis("", *self.heights, most=4)
        role = "gradient" if self.view.gradients else "activation"
        name = self.entry.name
        marks: list[Mark] = [*self._furniture(x, y), *self._names(x)]
        for part, piece in enumerate(pieces):
            key = name if part == len(pieces) - 1 else f"{name}:{part}"
            marks.append(Curve(key=key, role=role, points=self._placed(piece, x, y), width=7.0, depth=2))
        return [*marks, *self._values(x, y, role, pieces)]

    def _values(self, x: Axis, y: Axis, role: str, pieces: list[Float["point xy"]]) -> list[Mark]:
        """Write the values asked for beside their dots, where the curve leaves room."""
        plane = Plane(CELL, (x.low, x.high, y.low, y.high), x, y, ROOM)
        for piece in pieces:
            plane.avoid(piece)
        dots = self.view.dots(self.entry, role)
        for dot in dots:
            plane.avoid_dot(dot.x, dot.y)
        marks: list[Mark] = []
        for dot in dots:
            at = self._placed(points([dot.x], [dot.y]), x, y)[0]
            marks.append(Disc(key=dot.key, role=role, x=at[0], y=at[1], radius=10.0, strength=1.0, depth=3))
            label = plane.label(Text(key=f"{dot.key}:label", role=role, words=dot.label, x=dot.x, y=dot.y))
            if label is not None:
                marks.append(replace(label, x=at[0] + label.dx, y=at[1] + label.dy, dx=0.0, dy=0.0))
        return marks

    @property
    def _box(self) -> tuple[float, float, float, float]:
        left, bottom = self.corner[0] + ROOM.left, self.corner[1] + ROOM.bottom
        return left, self.corner[0] + CELL[0] - ROOM.right, bottom, self.corner[1] + CELL[1] - ROOM.top

    def _placed(self, piece: Float["point xy"], x: Axis, y: Axis) -> Float["point xy"]:
        left, right, bottom, top = self._box
        across = left + (piece[:, 0] - x.low) / (x.high - x.low) * (right - left)
        return points(across, bottom + (piece[:, 1] - y.low) / (y.high - y.low) * (top - bottom))

    def _furniture(self, x: Axis, y: Axis) -> list[Mark]:
        marks: list[Mark] = []
        for tick, text in zip(x.ticks, x.texts, strict=True):
            line = self._placed(points((tick, tick), (y.low, y.high)), x, y)
            marks.append(self._line(f"x:{text}", line))
            marks.append(self._figure(f"x:{text}", text, line[0], ("center", "top"), (0, -12)))
        for tick, text in zip(y.ticks, y.texts, strict=True):
            line = self._placed(points((x.low, x.high), (tick, tick)), x, y)
            marks.append(self._line(f"y:{text}", line))
            marks.append(self._figure(f"y:{text}", text, line[0], ("right", "center"), (-14, 0)))
        return marks

    def _line(self, key: str, line: Float["point xy"]) -> Curve:
        name = f"{self.entry.name}:grid:{key}"
        return Curve(key=name, role="lines", points=line, width=2.0, shows=False, depth=0)

    def _figure(self, key: str, text: str, at: Float["xy"], sides: tuple[Any, Any], moved: tuple[float, float]) -> Text:
        name = f"{self.entry.name}:tick:{key}"
        x, y = float(at[0]) + moved[0], float(at[1]) + moved[1]
        return Text(key=name, role="muted", words=words(text), x=x, y=y, ha=sides[0], va=sides[1], size="tick")

    def _names(self, x: Axis) -> list[Mark]:
        left, right, bottom, top = self._box
        title = _fitting(self.view._title(self.entry), CELL[0] - 30.0)
        role = "gradient" if self.view.gradients else "activation"
        middle = (left + right) / 2
        marks: list[Mark] = [
            Text(key=f"{self.entry.name}:name", role=role, words=title, x=middle, y=top + 14, va="bottom", bold=True)
        ]
        if self.lowest:
            marks.append(
                Text(key=f"{self.entry.name}:input", words=words(x.label), x=middle, y=bottom - ROOM.bottom, va="top")
            )
        return marks


def _fitting(title: str, room: float) -> Words:
    """Shorten the name of a callable that is wider than its plot."""
    while label_width(title, bold=True) > room and len(title) > 2:
        title = title[:-2] + "…"
    return words(title)
