"""What one event of a network holds, layer by layer, for one sample.

The bridge from a trace to the picture of a network: nothing is placed here, only read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vizkit.errors import ArgumentError, ShapeError
from vizkit.functions import ACTIVATIONS
from vizkit.trace.events import BackwardEvent, ForwardEvent, LossEvent, Node
from vizkit.typing import ArrayLike, Float
from vizkit.views.network_chain import Stage, stages
from vizkit.views.numbers import chosen

if TYPE_CHECKING:
    from vizkit.trace import Trace

__all__ = ["Layer", "Loss", "dense_layer", "input_layer", "read_layers", "read_loss"]

_SHORT = {
    "sum_squared_residuals": "SSR",
    "mean_squared_error": "MSE",
    "mean_absolute_error": "MAE",
    "binary_crossentropy": "CE",
    "categorical_crossentropy": "CE",
    "sparse_categorical_crossentropy": "CE",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """One column of a network: the values of its units for one sample, and what made them.

    A layer with ``output`` of one axis is drawn unit by unit, any other as one block.

    Parameters
    ----------
    title
        What stands at the column: the activation, or what the inputs are.
    output
        The values, without the batch axis.
    weights, bias
        Shapes (inputs, units) and (units,).
    activation
        The activation's name.
    sums
        The units' weighted sums, on which the activation acts, shape (units,).
    weight_gradient, bias_gradient
        Derivatives of the loss, of the shapes of weights and bias.
    kind
        The layer's class.
    numbers
        The units' numbers in the model, where they are drawn in another order.
    """

    title: str
    output: Float["..."]
    weights: Float["inputs units"] | None = None
    bias: Float["units"] | None = None
    activation: str = "linear"
    sums: Float["units"] | None = None
    weight_gradient: Float["inputs units"] | None = None
    bias_gradient: Float["units"] | None = None
    kind: str = "Dense"
    numbers: tuple[int, ...] = ()

    @property
    def block(self) -> bool:
        """Whether the layer is drawn as one box."""
        return self.output.ndim != 1 or self.kind not in ("Input", "Dense")

    @property
    def sketched(self) -> bool:
        """Whether the layer's activation is one that can be drawn as a curve, and not a straight line."""
        return self.sums is not None and self.activation != "linear" and self.activation in ACTIVATIONS

    @property
    def units(self) -> int:
        """How many units the layer has."""
        return math.prod(self.output.shape)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loss:
    """The loss of a step: its short name, its value, one sample's target and the derivative there."""

    name: str
    value: float
    target: Float["..."]
    gradient: Float["..."] | None = None

    def label(self, outputs: int) -> int | None:
        """Return the class that the target names among so many outputs; None where it is no class.

        Examples
        --------
        >>> Loss(name="CE", value=0.1, target=np.array([0.0, 1.0, 0.0])).label(3)
        1
        """
        target = np.ravel(self.target)
        if outputs < 2:
            return None
        if target.size == outputs:
            return int(target.argmax()) if np.sort(target)[-2:].tolist() == [0, 1] and target.min() == 0 else None
        one = float(target[0]) if target.size == 1 else -1.0
        return int(one) if one.is_integer() and 0 <= one < outputs else None


def input_layer(values: ArrayLike, title: str = "input") -> Layer:
    """Return the column of a network's inputs from the values of one sample, of shape (inputs,).

    Examples
    --------
    >>> input_layer([0.5], "dosage").units
    1
    """
    return Layer(title=title, output=np.asarray(values, dtype=float), kind="Input")


def dense_layer(inputs: ArrayLike, weights: ArrayLike, bias: ArrayLike, output: ArrayLike, activation: str) -> Layer:
    """Return a dense layer for one sample; the weighted sums are formed from the inputs.

    Parameters
    ----------
    inputs
        Shape (inputs,).
    weights
        Shape (inputs, units).
    bias, output
        Shape (units,).
    activation
        Its name.

    Raises
    ------
    ShapeError
        If the shapes do not fit together.

    Examples
    --------
    >>> dense_layer([0.5], [[3.34]], [-1.43], [0.24], "linear").sums.round(2).tolist()
    [0.24]
    """
    x, w, b, y = (np.asarray(values, dtype=float) for values in (inputs, weights, bias, output))
    if x.ndim != 1 or w.shape != (x.size, b.size) or b.shape != y.shape or b.ndim != 1:
        raise ShapeError(
            "A dense layer has inputs (m,), weights (m, n), bias (n,) and output (n,), but the shapes are"
            f" {x.shape}, {w.shape}, {b.shape} and {y.shape}."
        )
    return Layer(title=activation, output=y, weights=w, bias=b, activation=activation, sums=x @ w + b)


def read_layers(
    trace: Trace, step: int = 0, sample: int = 0, chosen: Sequence[Stage] | None = None
) -> tuple[Layer, ...]:
    """Return the input and each layer of a trace's model as columns.

    Parameters
    ----------
    trace
        A recorded run.
    step
        Which training step.
    sample
        Which sample of that step's batch.
    chosen
        The layers that become columns, one after the other; all when None.

    Raises
    ------
    ArgumentError
        If the batch has no such sample or the trace describes no layers.
    """
    wanted = stages(trace, step) if chosen is None else tuple(chosen)
    if not wanted:
        raise ArgumentError("A network is drawn from its layers, but the trace's model describes none.")
    columns: list[Layer] = []
    for at, stage in enumerate(wanted):
        event = _forward(trace, stage.node, step)
        if not columns:
            columns.append(input_layer(_one(event.inputs[0], sample)))
        if stage.end is None:  # what the activation gave is what went into the next layer
            output = _forward(trace, wanted[at + 1].node, step).inputs[0]
        else:
            output = event.output if stage.own else _forward(trace, stage.end, step).output
        columns.append(_column(trace, stage, event, (_one(event.inputs[0], sample), _one(output, sample))))
    return tuple(columns)


def _forward(trace: Trace, node: Node, step: int) -> ForwardEvent:
    """Return a layer's forward event; of several calls in one step the last."""
    found = list(trace.events(ForwardEvent, layer=node, step=step, level="layer"))
    if not found:
        raise ArgumentError(
            f"The trace keeps no forward event of layer {node.name!r} at step {step}."
            " Record every layer of the steps that are to be drawn."
        )
    return found[-1]


def _one(values: Float["batch ..."], sample: int) -> Float["..."]:
    return np.asarray(values[chosen("sample", sample, len(values))], dtype=float)


def _column(trace: Trace, stage: Stage, event: ForwardEvent, ends: tuple[Float["..."], Float["..."]]) -> Layer:
    node, (inputs, output) = stage.node, ends
    if node.kind != "Dense" or inputs.ndim != 1:
        return Layer(title=node.kind, output=output, kind=node.kind)
    weights = np.asarray(event.parameters["kernel"], dtype=float)
    bias = np.asarray(event.parameters.get("bias", np.zeros(output.size)), dtype=float)
    gradients = _gradients(trace, event)
    return Layer(
        title=stage.activation,
        output=output,
        weights=weights,
        bias=bias if "bias" in event.parameters else None,
        activation=stage.activation,
        sums=inputs @ weights + bias,
        weight_gradient=gradients.get("kernel"),
        bias_gradient=gradients.get("bias"),
    )


def _gradients(trace: Trace, event: ForwardEvent) -> dict[str, Float["..."]]:
    """Return the parameter gradients of the layer in the same step; none when it was not trained or kept."""
    for backward in trace.events(BackwardEvent, layer=event.node, step=event.step, level="layer"):
        if backward.parameter_gradients:
            return {name: np.asarray(values, dtype=float) for name, values in backward.parameter_gradients.items()}
    return {}


def read_loss(trace: Trace, step: int = 0, sample: int = 0) -> Loss | None:
    """Return the loss of a step, or None when the trace holds none.

    ``sample`` chooses whose target and derivative are kept; the value is the whole batch's. A target that the
    source did not tell is empty.
    """
    event = next(trace.events(LossEvent, step=step), None)
    if event is None:
        return None
    gradient = None
    for backward in trace.events(BackwardEvent, layer=trace.model.layers[-1].node, step=step, level="layer"):
        gradient = _one(backward.output_gradient, sample)
    name = _SHORT.get(event.node.kind, "loss")
    target = _one(event.target, sample) if len(event.target) else np.empty(0)  # of a loss whose source did not tell it
    return Loss(name=name, value=float(event.value), target=target, gradient=gradient)
