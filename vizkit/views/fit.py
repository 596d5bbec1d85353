"""A model's curve over the data, as it was at one or more steps, with the residuals of one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from vizkit.errors import ArgumentError, ShapeError
from vizkit.typing import ArrayLike, Float
from vizkit.views.labels import Plane, Spot, label_width, spread
from vizkit.views.marks import Curve, Dot, Mark, Text, points
from vizkit.views.numbers import padded, sequence, stack
from vizkit.views.picture import Margins, Picture, View, axis
from vizkit.views.text import Words, quantity, tally, words

__all__ = ["FitView"]

END = 20.0  # from the end of a curve to its label
_BESIDE = (
    Spot(16, 0, "left"), Spot(-16, 0, "right"), Spot(16, 44, "left"), Spot(-16, 44, "right"),
    Spot(16, -44, "left"), Spot(-16, -44, "right"), Spot(36, 0, "left"), Spot(-36, 0, "right"),
    Spot(48, -36, "left"), Spot(-48, -36, "right"), Spot(16, -70, "left"), Spot(-16, -70, "right"),
)  # fmt: skip


class _Trace(Protocol):
    def event(self, kind: str, *, step: int) -> Any: ...


@dataclass(frozen=True, eq=False, kw_only=True)
class FitView(View):
    """Data points, the model's curve at some steps, and the residuals of the last one shown.

    The last of `steps` is the present: its curve is in the colour of outputs, with its residuals
    as dashed lines; earlier curves stand back. Residuals are target − prediction.

    Attributes
    ----------
    x, y
        Shape (samples,): the data.
    grid
        Shape (points,): where the curves were computed, ascending.
    curves
        Shape (steps, points): the model's outputs on the grid.
    steps
        The number of each curve's step.
    predictions
        Shape (samples,): the present curve at the samples; None draws no residuals.
    names
        The names of the x and of the y axis.
    labelled
        Whether the curves are labelled with their steps.
    named
        Whether the data and the present curve are called observed and predicted in the picture.
    bounds
        Left, right, bottom and top of the axes. Without, what shows everything.
    size
        Width and height in stage units.

    Examples
    --------
    >>> view = FitView.from_arrays(([0, 1], [1, 2]), ([0, 0.5, 1], [0.5, 1, 1.5]))
    >>> view.quantities()["residual[1]"]
    0.5
    """

    x: Float["sample"]
    y: Float["sample"]
    grid: Float["point"]
    curves: Float["step point"]
    steps: tuple[int, ...]
    predictions: Float["sample"] | None = None
    names: tuple[str, str] = ("input", "output")
    labelled: bool = True
    named: bool = False
    bounds: tuple[float, float, float, float] | None = None
    size: tuple[float, float] = (960.0, 576.0)

    @classmethod
    def from_arrays(
        cls,
        samples: tuple[ArrayLike, ArrayLike],
        curves: tuple[ArrayLike, ArrayLike],
        steps: Sequence[int] | None = None,
        predictions: ArrayLike | None = None,
        **looks: Any,
    ) -> FitView:
        """Make the view from arrays.

        Parameters
        ----------
        samples
            The data: x and y, each of shape (samples,).
        curves
            The grid, shape (points,), and the outputs on it by step, shape (steps, points).
        steps
            Which of the curves are shown, as indices; −1 is the last. Without, up to four that
            divide the way from the first to the last curve evenly.
        predictions
            Shape (samples,) or (steps, samples): the outputs at the samples. Without, they are
            read off the curves where every sample is a point of the grid.
        looks
            The view's ``names``, ``labelled``, ``bounds`` and ``size``.

        Raises
        ------
        ShapeError, DataError
            If lengths do not fit each other, or a number is not finite.
        """
        x, y = sequence(samples[0], "x of the data"), sequence(samples[1], "y of the data")
        if x.shape != y.shape:
            raise ShapeError(f"x and y of the data must be equally many, but {len(x)} and {len(y)} came.")
        grid = sequence(curves[0], "grid")
        if len(grid) < 2 or (np.diff(grid) <= 0).any():
            raise ArgumentError(f"The grid must ascend and have two points or more, but it begins {grid[:4].tolist()}.")
        outputs = stack(curves[1], len(grid))
        shown = _chosen(outputs, steps)
        said = _predicted(x, grid, outputs, predictions)
        now = None if said is None else said[shown[-1] if len(said) > 1 else 0]
        return cls(x=x, y=y, grid=grid, curves=outputs[list(shown)], steps=shown, predictions=now, **looks)

    @classmethod
    def from_trace(
        cls,
        trace: _Trace,
        curves: tuple[ArrayLike, ArrayLike],
        steps: Sequence[int] | None = None,
        **looks: Any,
    ) -> FitView:
        """Make the view from a trace, whose samples and predictions it takes, and the curves by step.

        Parameters
        ----------
        trace
            A trace with the forward and loss events of the steps shown.
        curves
            The grid, shape (points,), and the outputs on it by step, shape (steps, points).
        steps, looks
            As for `from_arrays`.
        """
        grid = sequence(curves[0], "grid")
        shown = _chosen(stack(curves[1], len(grid)), steps)
        loss = trace.event("loss", step=shown[-1])
        x = next(iter(trace.events("forward", step=shown[-1]))).inputs[0]
        said = sequence(loss.prediction, "predictions")
        return cls.from_arrays((x, loss.target), curves, shown, said, **looks)

    @classmethod
    def ensure(cls, samples: Any, curves: Any = None, steps: Sequence[int] | None = None, **looks: Any) -> FitView:
        """Return the view of what a user has.

        Parameters
        ----------
        samples
            The data as a pair (x, y), a trace, or a `FitView`, which is returned as it is.
        curves
            A pair (grid, outputs), or a callable or a model with ``predict`` that gives one curve.
        steps, looks
            As for `from_arrays`; also ``predictions``.
        """
        if isinstance(samples, FitView):
            return samples
        if hasattr(samples, "events"):
            return cls.from_trace(samples, _pair(curves), steps, **looks)
        if not isinstance(samples, tuple | list) or len(samples) != 2:
            raise ArgumentError(f"The data are a pair (x, y), a trace or a view, but {samples!r:.60} was given.")
        if callable(function := getattr(curves, "predict", curves)):
            curves, looks = _computed(function, samples[0], looks)
        return cls.from_arrays(tuple(samples), _pair(curves), steps, **looks)

    def residuals(self) -> Float["sample"]:
        """Return target − prediction of each sample at the present step, of shape (samples,)."""
        return np.zeros(0) if self.predictions is None else self.y - self.predictions

    def draw(self) -> Picture:
        """Make the picture."""
        labels = [_step_words(step) for step in self.steps] if self.labelled else []
        plane = self._plane(40.0 if not labels else END + 16.0 + max(map(label_width, labels)))
        marks = [*self._curve_marks(plane), *self._samples(plane), *(self._data_name(plane) if self.named else ())]
        marks += [*self._residuals(plane), *_ends(self, plane, labels)]
        marks += self._curve_name(plane, "predicted") if self.named else ()
        return Picture(
            size=self.size, bounds=plane.bounds, marks=tuple(marks), x=plane.x, y=plane.y, margins=plane.margins
        )

    def _plane(self, right: float) -> Plane:
        bounds = self.bounds or _bounds(self)
        x, y = axis(self.names[0], bounds[0], bounds[1], 5), axis(self.names[1], bounds[2], bounds[3], 5)
        widest = max((label_width(text) for text in y.texts), default=0.0)
        return Plane(self.size, bounds, x, y, Margins(max(80.0, widest + 40.0), right, 122.0, 72.0))

    def _curve_marks(self, plane: Plane) -> list[Mark]:
        marks: list[Mark] = []
        for step, outputs in zip(self.steps, self.curves, strict=True):
            line = points(self.grid, outputs)
            present = step == self.steps[-1]
            key = "curve" if present else f"curve:{step}"
            plane.avoid(line)
            role, width = ("output", 7.0) if present else ("muted", 3.0)
            marks.append(Curve(key=key, role=role, points=line, width=width, depth=2 if present else 1))
        return marks

    def _samples(self, plane: Plane) -> list[Mark]:
        for x, y in zip(self.x, self.y, strict=True):
            plane.avoid_dot(x, y, 12)
        pairs = enumerate(zip(self.x, self.y, strict=True))
        return [Dot(key=f"sample:{at}", role="target", x=x, y=y, radius=12) for at, (x, y) in pairs]

    def _data_name(self, plane: Plane) -> list[Mark]:
        """Name the data at their highest point."""
        top = int(np.argmax(self.y))
        at = {"x": float(self.x[top]), "y": float(self.y[top])}
        return plane.labels([Text(key="sample:name", role="target", words=words("observed"), **at)], _ABOVE)

    def _curve_name(self, plane: Plane, name: str) -> list[Mark]:
        """Name the present curve at its middle."""
        if not len(self.curves):
            return []
        middle = len(self.grid) // 2
        at = {"x": float(self.grid[middle]), "y": float(self.curves[-1, middle])}
        return plane.labels([Text(key="curve:name", role="output", words=words(name), **at)], _BELOW)

    def _residuals(self, plane: Plane) -> list[Mark]:
        if self.predictions is None:
            return []
        lines: list[Mark] = []
        texts = []
        for at, (x, y, said) in enumerate(zip(self.x, self.y, self.predictions, strict=True)):
            line = points([x, x], [said, y])
            plane.avoid(line)
            lines.append(Curve(key=f"residual:{at}", role="loss", points=line, dashed=True, width=4.0, value=y - said))
            number = quantity(f"residual[{at}]", y - said)
            texts.append(Text(key=f"residual:{at}:value", role="loss", words=words(number), x=x, y=(y + said) / 2))
        return [*lines, *(plane.labels(texts, _BESIDE) if len(texts) <= _MOST_VALUES else ())]


_ABOVE = tuple(Spot(dx, dy, "center") for dy in (34, 46) for dx in (0, 40, -40, 80, -80))
_BELOW = tuple(Spot(0, -drop, "center") for drop in (46, 60, 76, 92, 108, 124))
_MOST_VALUES = 12  # residuals of more samples are drawn without their numbers


def _pair(curves: Any) -> tuple[Any, Any]:
    if not isinstance(curves, tuple | list) or len(curves) != 2:
        raise ArgumentError(f"The curves are a pair (grid, outputs) or a model, but {curves!r:.60} was given.")
    return curves[0], curves[1]


def _step_words(step: int) -> Words:
    return words("step ", tally(f"step[{step}]", step))


def _ends(view: FitView, plane: Plane, labels: list[Words]) -> list[Mark]:
    """Label each curve at its right end, in its colour."""
    if not labels:
        return []
    ends = plane.stage(np.column_stack([np.full(len(labels), view.grid[-1]), view.curves[:, -1]]))[:, 1]
    bottom, top = plane.inner.bottom, plane.inner.bottom + plane.inner.height
    places = spread(ends, 50.0, bottom + 16, top)
    return [
        Text(
            key="curve:label" if step == view.steps[-1] else f"curve:{step}:label",
            role="output" if step == view.steps[-1] else "muted",
            words=label, x=view.grid[-1], y=curve[-1],
            dx=plane.inner.left + plane.inner.width - plane.stage(np.array([[view.grid[-1], 0]]))[0, 0] + END,
            dy=place - end, ha="left",
        )
        for step, label, curve, place, end in zip(view.steps, labels, view.curves, places, ends, strict=True)
    ]  # fmt: skip


def _bounds(view: FitView) -> tuple[float, float, float, float]:
    left, right = padded(np.concatenate([view.x, view.grid]), 0.06, 0.06)
    heights = [view.y, view.curves.ravel(), *([] if view.predictions is None else [view.predictions])]
    return left, right, *padded(np.concatenate(heights))


def _chosen(outputs: Float["step point"], steps: Sequence[int] | None) -> tuple[int, ...]:
    count = len(outputs)
    if steps is None:
        return _evenly(outputs)
    found = tuple(sorted({int(step) + count if step < 0 else int(step) for step in steps}))
    if not found or found[0] < 0 or found[-1] >= count:
        raise ArgumentError(f"Steps lie between 0 and {count - 1} (or −1 for the last), but {list(steps)} was given.")
    return found


def _evenly(outputs: Float["step point"], parts: int = 3) -> tuple[int, ...]:
    """Choose steps that divide the way of the curve from its first to its last place evenly."""
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(outputs, axis=0)).mean(axis=1))])
    marks = way[-1] * np.arange(parts + 1) / parts
    return tuple(sorted({int(np.argmin(np.abs(way - mark))) for mark in marks[:-1]} | {len(outputs) - 1}))


def _predicted(
    x: Float["sample"], grid: Float["point"], outputs: Float["step point"], given: ArrayLike | None
) -> Float["step sample"] | None:
    """Return the outputs at the samples: as given, or read off the grid where that is exact."""
    if given is not None:
        said = stack(given, len(x), "predictions")
        if len(said) not in (1, len(outputs)):
            raise ShapeError(f"The predictions must be of 1 or {len(outputs)} steps, but {len(said)} came.")
        return said
    nearest = np.abs(grid[None, :] - x[:, None]).argmin(axis=1)
    exact = np.allclose(grid[nearest], x, rtol=0, atol=1e-9 * (grid[-1] - grid[0]))
    return outputs[:, nearest] if exact else None


def _computed(function: Callable[[Any], Any], x: ArrayLike, looks: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the curve of a function or model over the data, and its predictions."""
    at = sequence(x, "x of the data")
    grid = np.linspace(*padded(at, 0, 0), 201)
    given = {"predictions": np.ravel(function(at[:, None]))}
    return (grid, np.ravel(function(grid[:, None]))), given | looks
