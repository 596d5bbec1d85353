"""Gradient flow: how large the gradients are in each layer, from step to step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DataError, TraceQueryError
from vizkit.trace import Node, StatisticsEvent, Trace
from vizkit.typing import ArrayLike, Float
from vizkit.views.curves import CurvesView, Guide, Series, margins
from vizkit.views.labels import label_width
from vizkit.views.marks import points
from vizkit.views.naming import readable, share_room, telling_ends
from vizkit.views.picture import Axis, Picture, View
from vizkit.views.recorded import layers_with, only_trace, spaced, statistics_at, steps_with, values_at
from vizkit.views.scaled import power_of_ten
from vizkit.views.text import count, words

__all__ = ["Flow", "GradientFlowView"]

LAYERS = 6  # columns whose names can be read
STEPS = 40  # points of a curve
DEEPEST = 12  # powers of ten below the largest that the axis shows
WIDTHS, HEIGHT = (1820.0, 2400.0), 800.0  # the least and the largest width
BETWEEN = 24.0  # names of columns
WITHIN = 0.84  # of a column that its curves take


@dataclass(frozen=True, eq=False)
class Flow:
    """The sizes of one layer's gradients: the largest, the mean and the smallest of their absolute values.

    Attributes
    ----------
    layer
        The layer's name.
    steps
        The steps' numbers.
    largest, mean, smallest
        Shape (steps,). Of statistics in place of the gradients the mean of the absolute values is not known:
        then ``mean`` is the root of the mean square, and ``smallest`` is NaN where there are both signs.
    exact
        Whether ``mean`` is the mean.
    """

    layer: str
    steps: tuple[int, ...]
    largest: Float["step"]
    mean: Float["step"]
    smallest: Float["step"]
    exact: bool = True

    @classmethod
    def of(cls, layer: str, gradients: Mapping[int, ArrayLike]) -> Flow:
        """Measure gradients by step, of shape (...) each; a step with a NaN or infinity among them is left out.

        Raises
        ------
        DataError
            If no step has finite gradients.

        Examples
        --------
        >>> flow = Flow.of("dense", {0: [[1.0, -3.0]], 1: [[0.0, 2.0]]})
        >>> flow.largest.tolist(), flow.mean.tolist(), flow.smallest.tolist()
        ([3.0, 2.0], [2.0, 1.0], [1.0, 0.0])
        """
        rows = {step: _measured(found) for step, found in gradients.items()}
        kept = {step: row for step, row in rows.items() if row is not None}
        if not kept:
            raise DataError(f"A gradient flow needs finite gradients, but layer {layer!r} has none.")
        return cls._of_rows(layer, kept)

    @classmethod
    def _of_rows(cls, layer: str, rows: Mapping[int, tuple[float, float, float]], exact: bool = True) -> Flow:
        largest, mean, smallest = np.array(list(rows.values())).T
        return cls(layer, tuple(rows), largest, mean, smallest, exact)

    @classmethod
    def of_statistics(cls, layer: str, events: Mapping[int, Sequence[StatisticsEvent]]) -> Flow:
        """Read the sizes from what was recorded in place of the gradients, by step.

        Raises
        ------
        DataError
            If no step has finite gradients.
        """
        whole = {step: found for step, found in events.items() if found and all(_all_finite(e) for e in found)}
        if not whole:
            raise DataError(f"A gradient flow needs finite gradients, but layer {layer!r} has none.")
        return cls._of_rows(layer, {step: _sizes(found) for step, found in whole.items()}, exact=False)


def _measured(gradients: ArrayLike | None) -> tuple[float, float, float] | None:
    """Return the largest, mean and smallest size of gradients of any shape; None when they are not all finite."""
    sizes = np.abs(np.asarray([] if gradients is None else gradients, dtype=float))
    if not sizes.size or not np.isfinite(sizes).all():
        return None
    return float(sizes.max()), float(sizes.mean()), float(sizes.min())


def _all_finite(event: StatisticsEvent) -> bool:
    return event.moments[0] == event.shape.prod() > 0


def _sizes(events: Sequence[StatisticsEvent]) -> tuple[float, float, float]:
    """Return the largest size, the root of the mean square, and the smallest size where it is known."""
    lows, highs = np.array([event.extremes for event in events]).T
    counts, means, deviations = np.array([event.moments for event in events]).T
    square = (counts * (means**2 + deviations**2)).sum() / counts.sum()
    apart = (lows > 0) | (highs < 0)
    smallest = np.minimum(abs(lows), abs(highs)).min() if apart.all() else np.nan
    return float(max(abs(lows).max(), abs(highs).max())), float(np.sqrt(square)), float(smallest)


@dataclass(frozen=True, eq=False)
class GradientFlowView(View):
    """The size of the gradients by layer, the first layer at the left, and in each by step.

    The scale is logarithmic, so that a gradient that vanishes on its way back is seen as a staircase
    down to the left. A size of exactly zero has no place on it and is left out of its curve.

    Attributes
    ----------
    flows
        One for each layer.
    among
        The names of all layers of the model, from which those shown are told.
    size
        Width and height in stage units; without, as wide as the layers' names ask for, within bounds.

    Examples
    --------
    >>> view = GradientFlowView.ensure({"first": [[0.1, -0.2], [0.01, 0.02]], "last": [[1.0, 2.0], [0.5, 1.0]]})
    >>> [flow.layer for flow in view.flows]
    ['first', 'last']
    """

    flows: tuple[Flow, ...]
    among: tuple[str, ...] = ()
    size: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.flows) <= LAYERS:
            raise ArgumentError(f"From 1 to {LAYERS} layers are drawn side by side, but {len(self.flows)} came.")

    @classmethod
    def from_arrays(cls, gradients: Mapping[str, ArrayLike], **looks: Any) -> GradientFlowView:
        """Make the view of gradients of shape (steps, ...) by the layers' names."""
        found = {name: np.asarray(values, dtype=float) for name, values in gradients.items()}
        if small := [name for name, values in found.items() if values.ndim < 2 or not values.size]:
            raise ArgumentError(
                f"Each layer has gradients of shape (steps, ...), but {small[0]!r} has {found[small[0]].shape}."
            )
        return cls(tuple(Flow.of(name, dict(enumerate(values))) for name, values in found.items()), **looks)

    @classmethod
    def from_trace(cls, trace: Trace, **looks: Any) -> GradientFlowView:
        """Make the view of a recorded run; of many layers six at even distances.

        Raises
        ------
        TraceQueryError
            If the trace holds no gradients that are finite.
        """
        flows = []
        for node in spaced(layers_with(trace, "gradients"), LAYERS):
            flow = _read(trace, node)
            if flow is not None:
                flows.append(flow)
        if not flows:
            raise TraceQueryError("The trace holds no finite gradients; record training, with its backward events.")
        return cls(tuple(flows), **{"among": tuple(node.name for node in trace.layers), **looks})

    @classmethod
    def ensure(cls, data: Any, **looks: Any) -> GradientFlowView:
        """Return a view from itself, from a trace, or from a mapping of arrays of shape (steps, ...)."""
        if isinstance(data, cls):
            return data
        if isinstance(data, Mapping):
            return cls.from_arrays(data, **looks)
        return cls.from_trace(only_trace(data, "A gradient flow"), **looks)

    @property
    def steps(self) -> tuple[int, int]:
        """The first and the last step that is drawn."""
        drawn = [step for flow in self.flows for step in flow.steps]
        return min(drawn), max(drawn)

    @property
    def gaps(self) -> bool:
        """Whether a size is exactly zero somewhere, which has no place on the scale."""
        return any((sizes == 0).any() for flow in self.flows for sizes in (flow.largest, flow.mean, flow.smallest))

    def draw(self) -> Picture:
        """Draw three curves in each layer's column: largest, mean, smallest."""
        y = _powers(np.concatenate([np.concatenate([f.largest, f.mean, f.smallest]) for f in self.flows]))
        series = [line for at, flow in enumerate(self.flows) for line in self._lines(at, flow, y)]
        named = {line.key.partition("[")[0]: at for at, line in enumerate(series)}  # of each kind the last curve
        names = {"mean": "mean" if all(flow.exact for flow in self.flows) else "RMS"}
        series = [replace(line, label=words(names.get(kind, kind))) if named[kind] == at else line
                  for at, line in enumerate(series) for kind in (line.key.partition("[")[0],)]  # fmt: skip
        guides = tuple(
            Guide(f"column:{at}", points([at, at], [y.low, y.high]), dashed=True) for at in range(1, len(self.flows))
        )
        room = margins(y, ["smallest"])
        ends = telling_ends(tuple(flow.layer for flow in self.flows), self.among)
        size = self.size or _size(ends, room.left + room.right)
        names = share_room(ends, (size[0] - room.left - room.right) / len(ends) - BETWEEN)
        view = CurvesView(series=tuple(series), x=self._columns(names), y=y, guides=guides, size=size)
        return view.picture

    def _columns(self, names: tuple[str, ...]) -> Axis:
        """Return the axis of the layers, each named below the middle of its column."""
        first, last = self.steps
        said = f"layer; in each from step {count(first)} to step {count(last)}" if first < last else "layer"
        middles = tuple(at + 0.5 for at in range(len(self.flows)))
        return Axis(said, 0.0, float(len(self.flows)), middles, names)

    def _lines(self, at: int, flow: Flow, y: Axis) -> list[Series]:
        first, last = self.steps
        span = (last - first) or 1
        places = np.array([at + 0.5 + WITHIN * ((step - first) / span - 0.5) for step in flow.steps])
        if first == last:
            places = np.full(len(flow.steps), at + 0.5)
        found = []
        for name, values in (("largest", flow.largest), ("mean", flow.mean), ("smallest", flow.smallest)):
            shown = values >= y.low
            if shown.any():
                line = _line(places[shown], values[shown])
                width = 8.0 if name == "mean" else 3.0
                found.append(Series(f"{name}[{at}]", line, None, "gradient", width, name == "smallest"))
        return found


def _size(names: tuple[str, ...], beside: float) -> tuple[float, float]:
    """Return a size in which the names stand below their columns, where that is not too wide to be read."""
    pitch = max(label_width(readable(name)) for name in names) + BETWEEN
    return min(max(WIDTHS[0], beside + pitch * len(names)), WIDTHS[1]), HEIGHT


def _read(trace: Trace, node: Node) -> Flow | None:
    """Return the sizes of a layer's gradients, from these or from the statistics in their place."""
    steps = spaced(steps_with(trace, "gradients"), STEPS)
    rows = {step: _measured(values_at(trace, "gradients", node, step)) for step in steps}
    found = {step: row for step, row in rows.items() if row is not None}
    if found:
        return Flow._of_rows(node.name, found)
    told = {step: statistics_at(trace, "gradients", node, step) for step in steps}
    finite = any(events and all(map(_all_finite, events)) for events in told.values())
    return Flow.of_statistics(node.name, told) if finite else None


def _line(x: Float["point"], y: Float["point"]) -> Float["point xy"]:
    """Return a curve; one point becomes a short level line."""
    if len(x) > 1:
        return points(x, y)
    return points([x[0] - WITHIN / 2, x[0] + WITHIN / 2], [y[0], y[0]])


def _powers(sizes: Float["size"]) -> Axis:
    """Return the logarithmic axis of sizes, with powers of ten as ticks."""
    above = sizes[sizes > 0]
    if not above.size:
        raise DataError("All gradients are exactly zero: nothing flows, and a logarithmic scale has no place for it.")
    high = int(np.floor(np.log10(above.max()))) + 1
    low = max(int(np.floor(np.log10(above.min()))), high - DEEPEST)
    step = -(-(high - low) // 6)
    powers = range(high, low - 1, -step)[::-1]
    texts = tuple(power_of_ten(power) for power in powers)
    return Axis("size of gradients", 10.0**low, 10.0**high, tuple(10.0**power for power in powers), texts, "log")
