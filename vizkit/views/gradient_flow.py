"""Gradient flow: how large the gradients are in each layer, from step to step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DataError, TraceQueryError
from vizkit.trace import Trace
from vizkit.typing import ArrayLike, Float
from vizkit.views.curves import CurvesView, Guide, Series, margins
from vizkit.views.marks import points
from vizkit.views.naming import last_parts, share_room
from vizkit.views.picture import Axis, Picture, View
from vizkit.views.recorded import layers_with, only_trace, spaced, values_at
from vizkit.views.scaled import power_of_ten
from vizkit.views.text import count, words

__all__ = ["Flow", "GradientFlowView"]

LAYERS = 8  # columns whose names can be read
STEPS = 40  # points of a curve
DEEPEST = 12  # powers of ten below the largest that the axis shows
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
        Shape (steps,).
    """

    layer: str
    steps: tuple[int, ...]
    largest: Float["step"]
    mean: Float["step"]
    smallest: Float["step"]

    @classmethod
    def of(cls, layer: str, gradients: Mapping[int, ArrayLike]) -> Flow:
        """Measure gradients of any shape by step; a step with a NaN or infinity among them is left out.

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
        sizes = {step: np.abs(np.asarray(found, dtype=float)).ravel() for step, found in gradients.items()}
        kept = {step: found for step, found in sizes.items() if found.size and np.isfinite(found).all()}
        if not kept:
            raise DataError(f"A gradient flow needs finite gradients, but layer {layer!r} has none.")
        rows = np.array([(found.max(), found.mean(), found.min()) for found in kept.values()])
        return cls(layer, tuple(kept), rows[:, 0], rows[:, 1], rows[:, 2])


@dataclass(frozen=True, eq=False)
class GradientFlowView(View):
    """The size of the gradients by layer, the first layer at the left, and in each by step.

    The scale is logarithmic, so that a gradient that vanishes on its way back is seen as a staircase
    down to the left. A size of exactly zero has no place on it and is left out of its curve.

    Attributes
    ----------
    flows
        One for each layer.
    size
        Width and height in stage units.

    Examples
    --------
    >>> view = GradientFlowView.ensure({"first": [[0.1, -0.2], [0.01, 0.02]], "last": [[1.0, 2.0], [0.5, 1.0]]})
    >>> [flow.layer for flow in view.flows]
    ['first', 'last']
    """

    flows: tuple[Flow, ...]
    size: tuple[float, float] = (1820.0, 800.0)

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
        """Make the view of a recorded run; of many layers eight at even distances.

        Raises
        ------
        TraceQueryError
            If the trace holds no gradients that are finite.
        """
        flows = []
        for node in spaced(layers_with(trace, "gradients"), LAYERS):
            read = {step: values_at(trace, "gradients", node, step) for step in spaced(trace.steps, STEPS)}
            found = {step: values for step, values in read.items() if values is not None}
            if any(values.size and np.isfinite(values).all() for values in found.values()):
                flows.append(Flow.of(node.name, found))
        if not flows:
            raise TraceQueryError("The trace holds no finite gradients; record training, with its backward events.")
        return cls(tuple(flows), **looks)

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

    def draw(self) -> Picture:
        """Draw three curves in each layer's column: largest, mean, smallest."""
        y = _powers(np.concatenate([np.concatenate([f.largest, f.mean, f.smallest]) for f in self.flows]))
        series = [line for at, flow in enumerate(self.flows) for line in self._lines(at, flow, y)]
        named = {line.key.partition("[")[0]: at for at, line in enumerate(series)}  # of each kind the last curve
        series = [replace(line, label=words(kind)) if named[kind] == at else line
                  for at, line in enumerate(series) for kind in (line.key.partition("[")[0],)]  # fmt: skip
        guides = tuple(
            Guide(f"column:{at}", points([at, at], [y.low, y.high]), dashed=True) for at in range(1, len(self.flows))
        )
        view = CurvesView(series=tuple(series), x=self._columns(y), y=y, guides=guides, size=self.size)
        return view.picture

    def _columns(self, y: Axis) -> Axis:
        """Return the axis of the layers, each named below the middle of its column."""
        first, last = self.steps
        room = margins(y, ["smallest"])
        pitch = (self.size[0] - room.left - room.right) / len(self.flows)
        names = share_room(last_parts(tuple(flow.layer for flow in self.flows)), pitch - 24)
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
    ticks = range(high, low - 1, -step)
    texts = tuple(power_of_ten(power) for power in reversed(ticks))
    return Axis("|gradient|", 10.0**low, 10.0**high, tuple(10.0**power for power in reversed(ticks)), texts, "log")
