"""What can happen in a run, and the description of the model it happened in.

Five kinds of event, each frozen, its arrays copied and read-only. The words, the names of
the axes and the order of the events are fixed in ``schema.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from vizkit.errors import ArgumentError
from vizkit.trace.arrays import frozen, frozen_mapping, frozen_tuple
from vizkit.typing import Float

__all__ = [
    "KINDS",
    "BackwardEvent",
    "Event",
    "ForwardEvent",
    "LayerDescription",
    "Level",
    "LossEvent",
    "ModelDescription",
    "Node",
    "Shape",
    "StatisticsEvent",
    "UpdateEvent",
    "made_event",
]

Level: TypeAlias = Literal["layer", "op"]
Shape: TypeAlias = tuple[Any, ...]  # lengths; None stands for a length that is not fixed, such as the batch


@dataclass(frozen=True, slots=True)
class Node:
    """Where in the model something happens: a layer, an operation inside it, or the loss.

    Parameters
    ----------
    index
        Number of the node, unique in its model.
    name
        Its name, for example ``"dense"``.
    kind
        What it is, for example ``"Dense"``, ``"matmul"`` or ``"sum_squared_residuals"``.
    level
        ``"layer"`` or ``"op"``. The loss is of level ``"layer"``.
    parent
        Index of the node that contains it, or None.

    Examples
    --------
    >>> Node(0, "dense", "Dense")
    Node(index=0, name='dense', kind='Dense', level='layer', parent=None)
    """

    index: int
    name: str
    kind: str
    level: Level = "layer"
    parent: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.index, int) or self.index < 0:
            raise ArgumentError(f"A node's index is a whole number from 0, not {self.index!r}.")
        if self.level not in get_args(Level):
            raise ArgumentError(f"A node is of the level 'layer' or 'op', not {self.level!r}.")


@dataclass(frozen=True, slots=True)
class LayerDescription:
    """One layer of a model: its configuration and the shapes around it.

    Parameters
    ----------
    node
        The layer's node.
    config
        What it was made with, as JSON values: units, activation, kernel size ...
    input_shape, output_shape
        Shapes with the batch first, its length None: ``(None, 28, 28, 1)``.
    parameters
        Shape of each parameter by its name, in the order in which the layer made them.
    """

    node: Node
    config: Mapping[str, Any] = field(default_factory=dict)
    input_shape: Shape = ()
    output_shape: Shape = ()
    parameters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model as a trace knows it: its layers, loss and optimizer, without any values.

    Parameters
    ----------
    name
        The model's name.
    layers
        One description for each layer, in the order in which data flow through them.
    loss
        The loss's name, or None when the model has none.
    optimizer
        The optimizer's name and settings, or None.
    framework
        Where the model comes from.
    dtype
        The type of its numbers.
    """

    name: str
    layers: tuple[LayerDescription, ...] = ()
    loss: str | None = None
    optimizer: Mapping[str, Any] | None = None
    framework: str = "vizkit"
    dtype: str = "float32"


def made_event(kind: str, step: int, node: Node, values: tuple[Any, ...]) -> Event:
    """Return an event whose fields are read-only already, as those of a trace, without copying them.

    Parameters
    ----------
    kind
        The kind's name.
    step, node
        When and where it happened.
    values
        The fields after these: arrays of shape (...) that nobody can change, mappings likewise, numbers, text.
    """
    cls = KINDS[kind]
    event = object.__new__(cls)
    for name, value in zip(cls.__slots__, (step, node, *values), strict=True):
        object.__setattr__(event, name, value)
    return event


def _freeze(event: Any, **arrays: Any) -> None:
    for name, value in arrays.items():
        object.__setattr__(event, name, value)


@dataclass(frozen=True, slots=True, eq=False)
class ForwardEvent:
    """A layer or operation turned its inputs into its output.

    Parameters
    ----------
    step
        Number of the training step, from 0.
    node
        Where it happened.
    inputs
        One array for each input, the batch first.
    output
        The result, the batch first.
    parameters
        The parameters that it used, by name: their values before this step's update.

    Examples
    --------
    >>> event = ForwardEvent(0, Node(0, "dense", "Dense"), ([[0.5]],), [[1.67]], {"kernel": [[3.34]]})
    >>> event.output
    array([[1.67]])
    """

    step: int
    node: Node
    inputs: tuple[Float["batch ..."], ...]
    output: Float["batch ..."]
    parameters: Mapping[str, Float["..."]]

    def __post_init__(self) -> None:
        _freeze(
            self,
            inputs=frozen_tuple(self.inputs),
            output=frozen(self.output),
            parameters=frozen_mapping(self.parameters),
        )


@dataclass(frozen=True, slots=True, eq=False)
class LossEvent:
    """A prediction was compared with its target.

    Parameters
    ----------
    step
        Number of the training step, from 0.
    node
        The loss: named ``"loss"``, its kind is the loss's name.
    prediction
        What the model said, the batch first.
    target
        What it should have said, the batch first.
    value
        The one number that is made smaller, over the whole batch.
    samples
        The loss of each sample, shape (batch,); ``value`` is their sum or mean, as the loss defines it.
    """

    step: int
    node: Node
    prediction: Float["batch ..."]
    target: Float["batch ..."]
    value: float
    samples: Float["batch"]

    def __post_init__(self) -> None:
        _freeze(
            self,
            prediction=frozen(self.prediction),
            target=frozen(self.target),
            value=float(self.value),
            samples=frozen(self.samples),
        )

    @property
    def name(self) -> str:
        """The loss's name, such as ``"mean_squared_error"``."""
        return self.node.kind


@dataclass(frozen=True, slots=True, eq=False)
class BackwardEvent:
    """The loss's derivatives passed backward through a layer or operation.

    Parameters
    ----------
    step
        Number of the training step, from 0.
    node
        Where it happened.
    output_gradient
        Derivative of the loss by the output, of the output's shape.
    input_gradients
        Derivative of the loss by each input that has one.
    parameter_gradients
        Derivative of the loss by each trainable parameter, by name.
    """

    step: int
    node: Node
    output_gradient: Float["batch ..."]
    input_gradients: tuple[Float["batch ..."], ...]
    parameter_gradients: Mapping[str, Float["..."]]

    def __post_init__(self) -> None:
        _freeze(
            self,
            output_gradient=frozen(self.output_gradient),
            input_gradients=frozen_tuple(self.input_gradients),
            parameter_gradients=frozen_mapping(self.parameter_gradients),
        )


@dataclass(frozen=True, slots=True, eq=False)
class UpdateEvent:
    """The optimizer changed one parameter.

    Parameters
    ----------
    step
        Number of the training step, from 0.
    node
        The layer that the parameter belongs to.
    parameter
        The parameter's name.
    before, after
        Its value before and after the update, of one shape.
    gradient
        The derivative that the optimizer used, of the same shape.
    learning_rate
        The learning rate of this step.
    """

    step: int
    node: Node
    parameter: str
    before: Float["..."]
    after: Float["..."]
    gradient: Float["..."]
    learning_rate: float

    def __post_init__(self) -> None:
        _freeze(
            self,
            before=frozen(self.before),
            after=frozen(self.after),
            gradient=frozen(self.gradient),
            learning_rate=float(self.learning_rate),
        )


@dataclass(frozen=True, slots=True, eq=False)
class StatisticsEvent:
    """An array that another event would hold, in a few numbers; ``Keep(statistics=True)`` keeps these.

    Parameters
    ----------
    step
        Number of the training step, from 0.
    node
        Where it happened.
    of
        The kind of the event that would hold the array: ``"forward"``, ``"backward"`` or ``"update"``.
    quantity
        Its field, such as ``"output"``.
    item
        Which array of the field: a parameter's name, an input's position as text; "" when it is one array.
    shape
        The array's shape, shape (axes,).
    moments
        How many of its numbers are finite, their mean and their standard deviation, shape (3,).
    extremes
        The smallest and the largest finite number, shape (2,).
    histogram
        How many numbers are in each of 32 equal bins between the extremes, shape (32,); of more than 16,384
        numbers, evenly spaced ones are counted.
    """

    step: int
    node: Node
    of: str
    quantity: str
    item: str
    shape: Float["axes"]
    moments: Float["three"]
    extremes: Float["two"]
    histogram: Float["bins"]

    def __post_init__(self) -> None:
        arrays = ("shape", "moments", "extremes", "histogram")
        _freeze(self, **{name: frozen(getattr(self, name)) for name in arrays})


Event: TypeAlias = ForwardEvent | LossEvent | BackwardEvent | UpdateEvent | StatisticsEvent

# The kinds by name; their order is the order of the events within a step.
KINDS: Mapping[str, type[Event]] = {
    "forward": ForwardEvent,
    "loss": LossEvent,
    "backward": BackwardEvent,
    "update": UpdateEvent,
    "statistics": StatisticsEvent,  # each in the place of the event that it stands for
}
