"""The numbers of backpropagation through any dense network, or through the dense layers at the end of one.

Everything is read from the trace: what went into each layer and came out of it, what the loss's
derivatives were on their way back, and how the optimizer moved the weights.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from vizkit import functions
from vizkit.errors import ArgumentError
from vizkit.stories.chain_loss import Difference, difference
from vizkit.trace import BackwardEvent, ForwardEvent, LossEvent, Trace, UpdateEvent
from vizkit.typing import Float
from vizkit.views.network_chain import Stage, dense_head, stages
from vizkit.views.network_layers import Layer, Loss, read_layers, read_loss
from vizkit.views.numbers import chosen

__all__ = ["COUPLED", "ChainRun", "Part"]

COUPLED = ("softmax", "log_softmax")
UNITS = 6  # that are drawn of a layer with more than eight
WHOLE = UNITS + 2


@dataclass(frozen=True, eq=False)
class Part:
    """One dense layer for the followed sample; ``unit`` and ``source`` are the followed units of it and before it.

    Attributes
    ----------
    column
        Its column in the picture, with weights (inputs, units), sums and outputs (units,).
    inputs
        Shape (inputs,).
    by_output, by_sum, by_input
        The loss's derivatives by its outputs, its sums, both of shape (units,), and its inputs (inputs,).
    unit, source
        Positions in these.
    whole
        Whether the recorded samples are the whole batch, so that their parts add up to the recorded gradient.
    """

    name: str
    column: Layer
    inputs: Float["inputs"]
    by_output: Float["units"]
    by_sum: Float["units"]
    unit: int = 0
    source: int = 0
    whole: bool = False

    @property
    def by_input(self) -> Float["inputs"]:
        """The loss's derivatives by the inputs: back through the weights."""
        return self.column.weights @ self.by_sum

    @property
    def coupled(self) -> bool:
        """Whether each output depends on all sums."""
        return self.column.activation in COUPLED

    @property
    def straight(self) -> bool:
        """Whether there is no activation."""
        return self.column.activation == "linear"


@dataclass(frozen=True, eq=False)
class ChainRun:
    """One sample at one step, through the dense layers and back.

    Attributes
    ----------
    trace, step, sample
        The run, and which sample of which step is followed.
    parts
        The dense layers from first to last.
    loss
        The batch's loss with this sample's target.
    sample_loss
        This sample's own loss, when the trace knows it.
    apart
        How many layers of the model come before the first that is drawn.
    """

    trace: Trace
    step: int
    sample: int
    parts: tuple[Part, ...]
    loss: Loss
    sample_loss: float | None
    apart: int

    @classmethod
    def of(cls, trace: Trace, step: int | None = None, sample: int | None = None) -> ChainRun:
        """Read a run.

        Raises
        ------
        ArgumentError
            If the model does not end in dense layers, or the trace lacks what is told of them.
        """
        if not isinstance(trace, Trace):
            raise ArgumentError(f"This story is told of a trace, but a {type(trace).__name__} was given.")
        step = _first_step(trace) if step is None else step
        loss = next(trace.events(LossEvent, step=step), None)
        if loss is None:
            raise ArgumentError(f"Backpropagation begins at the loss, but the trace holds none at step {step}.")
        head, every = dense_head(trace, step), stages(trace, step)
        if not head or every[-1].node != head[-1].node:
            kind = every[-1].node.kind if every else "nothing"
            raise ArgumentError(
                "Backpropagation is told through the dense layers at the end of a network, but this one ends in"
                f" {kind}, or its forward events at step {step} were not recorded."
            )
        rows = len(next(trace.events(ForwardEvent, layer=head[0].node, step=step)).output)
        sample = chosen("recorded sample", sample or 0, rows)
        parts = _parts(trace, head, step, sample)
        whole = read_loss(trace, step, sample)
        before = len(every) - len(head)
        own = float(loss.samples[sample]) if len(loss.samples) else None
        return cls(trace, step, sample, _followed(parts), whole, own, before)

    @property
    def width(self) -> int:
        """Units of the widest layer, the inputs among them."""
        return max(self.parts[0].inputs.size, *(part.column.units for part in self.parts))

    @cached_property
    def orders(self) -> tuple[list[int], ...]:
        """For the inputs and each layer, its units in the order in which they are drawn.

        A layer that is drawn whole keeps its order; of a wider one the units with the largest derivatives come
        first, of the inputs the largest values, always with the followed one among them.
        """
        sizes = [np.abs(self.parts[0].inputs), *(np.abs(part.by_sum) for part in self.parts)]
        followed = [self.parts[0].source, *(part.unit for part in self.parts)]
        return tuple(_order(size, unit) for size, unit in zip(sizes, followed, strict=True))

    def place(self, column: int) -> int:
        """Return where the followed unit of a column stands in it."""
        unit = self.parts[0].source if column == 0 else self.parts[column - 1].unit
        return self.orders[column].index(unit)

    def columns(self) -> tuple[Layer, ...]:
        """Return the picture's columns, their units in the order in which they are drawn."""
        first = self.parts[0].inputs[self.orders[0]]
        found = [Layer(title="input" if not self.apart else "features", output=first, kind="Input")]
        for at, part in enumerate(self.parts):
            found.append(_ordered(part.column, self.orders[at], self.orders[at + 1]))
        return tuple(found)

    @property
    def box(self) -> Loss:
        """The loss as the picture shows it: this sample's own where it is known."""
        return self.loss if self.sample_loss is None else replace(self.loss, value=self.sample_loss)

    @cached_property
    def difference(self) -> Difference | None:
        """How the derivatives by the last sums came about, where that is known."""
        return difference(self.parts[-1].column, self.loss, self.parts[-1].by_sum)

    def update(self, at: int) -> UpdateEvent | None:
        """Return the update of a layer's kernel in this step, when it was recorded."""
        name = self.parts[at].name
        found = self.trace.events(UpdateEvent, layer=name, step=self.step)
        return next((event for event in found if event.parameter == "kernel"), None)

    def later(self) -> tuple[int, float] | None:
        """Return the last recorded step after this one that has a loss, and the loss."""
        for step in reversed(self.trace.steps):
            if step <= self.step:
                return None
            event = next(self.trace.events(LossEvent, step=step), None)
            if event is not None and np.isfinite(event.value):
                return step, float(event.value)
        return None


def _first_step(trace: Trace) -> int:
    """Return the first step that was recorded backward."""
    for step in trace.steps:
        if next(trace.events(BackwardEvent, step=step, level="layer"), None) is not None:
            return step
    kinds = {type(event).__name__.removesuffix("Event").lower() for event in trace.events()}
    held = ", ".join(sorted(kinds)) or "none at all"
    raise ArgumentError(
        f"Backpropagation is told of training, but the trace holds no backward events; its events are: {held}."
        " Record a step of training: model.fit(...), or loss.backward()."
    )


def _parts(trace: Trace, head: tuple[Stage, ...], step: int, sample: int) -> list[Part]:
    """Return the layers of the head for one sample."""
    columns = read_layers(trace, step, sample, head)
    inputs = [column.output for column in columns[:-1]]
    found: list[Part] = []
    for at, (stage, column) in enumerate(zip(head, columns[1:], strict=True)):
        event = _backward(trace, stage, step)
        if column.weight_gradient is None:
            raise ArgumentError(f"The trace holds no gradient of the weights of {stage.node.name!r} at step {step}.")
        _check_activation(stage, column)
        given = np.asarray(event.output_gradient[sample], dtype=float)
        by_sum = _back(column, given) if stage.own else given
        by_output = given if stage.own else _by_output(trace, head, at, (step, sample))
        part = Part(stage.node.name, column, inputs[at], by_output, by_sum)
        found.append(replace(part, whole=_adds_up(trace, stage, step, event, column)))
    return found


def _backward(trace: Trace, stage: Stage, step: int) -> BackwardEvent:
    found = list(trace.events(BackwardEvent, layer=stage.node, step=step, level="layer"))
    if not found:
        raise ArgumentError(f"The trace holds no backward event of layer {stage.node.name!r} at step {step}.")
    return found[-1]


def _by_output(trace: Trace, head: tuple[Stage, ...], at: int, place: tuple[int, int]) -> Float["units"]:
    """Return the derivatives by what an activation outside the layer gave."""
    step, sample = place
    if head[at].end is not None:
        event = next(trace.events(BackwardEvent, layer=head[at].end, step=step), None)
        if event is not None:
            return np.asarray(event.output_gradient[sample], dtype=float)
    if at + 1 < len(head):
        event = _backward(trace, head[at + 1], step)
        if event.input_gradients:
            return np.asarray(event.input_gradients[0][sample], dtype=float)
    raise ArgumentError(f"The trace holds no derivatives by the outputs of {head[at].node.name!r} at step {step}.")


def _check_activation(stage: Stage, column: Layer) -> None:
    """Make sure that a layer does what is told of it."""
    if column.activation in COUPLED:
        return
    expected = functions.activation(column.activation).function(column.sums)
    if not np.allclose(expected, column.output, rtol=1e-3, atol=1e-4):
        raise ArgumentError(
            f"The layer {stage.node.name!r} gives something else than {column.activation} of its weighted sums,"
            " so its numbers cannot be followed."
        )


def _back(column: Layer, by_output: Float["units"]) -> Float["units"]:
    """Return the derivatives by the sums, given those by the outputs, both of shape (units,)."""
    if column.activation == "softmax":
        return column.output * (by_output - (by_output * column.output).sum())
    if column.activation == "log_softmax":
        return by_output - np.exp(column.output) * by_output.sum()
    return by_output * functions.activation(column.activation).derivative(column.sums)


def _adds_up(trace: Trace, stage: Stage, step: int, event: BackwardEvent, column: Layer) -> bool:
    """Say whether the recorded samples' parts of the weights' gradient add up to it."""
    forward = list(trace.events(ForwardEvent, layer=stage.node, step=step, level="layer"))[-1]
    x, given = np.asarray(forward.inputs[0], dtype=float), np.asarray(event.output_gradient, dtype=float)
    if stage.own:
        sums = x @ column.weights + (0 if column.bias is None else column.bias)
        rows = [replace(column, sums=s, output=o) for s, o in zip(sums, np.asarray(forward.output, float), strict=True)]
        given = np.array([_back(row, each) for row, each in zip(rows, given, strict=True)])
    total, scale = x.T @ given, np.abs(column.weight_gradient).max(initial=0.0)
    return bool(np.allclose(total, column.weight_gradient, rtol=1e-3, atol=1e-4 * scale + 1e-12))


def _followed(parts: list[Part]) -> tuple[Part, ...]:
    """Choose the unit that is followed in each layer: where most of the loss's derivative passes, from the end back."""
    found: list[Part] = []
    unit = int(np.argmax(np.abs(parts[-1].by_sum)))
    for at in range(len(parts) - 1, -1, -1):
        part = parts[at]
        share = np.abs(part.inputs) if at == 0 else np.abs(part.column.weights[:, unit] * parts[at - 1].by_sum)
        if at and not share.any():
            share = np.abs(part.column.weights[:, unit])
        source = int(np.argmax(share))
        found.insert(0, replace(part, unit=unit, source=source))
        unit = source
    return tuple(found)


def _order(sizes: Float["units"], followed: int) -> list[int]:
    if sizes.size <= WHOLE:
        return list(range(sizes.size))
    largest = np.argsort(-sizes, kind="stable").tolist()
    first = sorted([followed, *[unit for unit in largest if unit != followed][: UNITS - 1]])
    return [*first, *(unit for unit in range(sizes.size) if unit not in first)]


def _ordered(column: Layer, before: list[int], own: list[int]) -> Layer:
    """Return a column with the units of the layer before it and its own in other orders."""
    pairs = np.ix_(before, own)
    return replace(
        column,
        output=column.output[own],
        sums=column.sums[own],
        weights=column.weights[pairs],
        bias=None if column.bias is None else column.bias[own],
        weight_gradient=column.weight_gradient[pairs],
        bias_gradient=None if column.bias_gradient is None else column.bias_gradient[own],
        numbers=tuple(own),
    )
