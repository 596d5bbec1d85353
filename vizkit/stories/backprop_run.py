"""The numbers of the backpropagation story, read from the trace of a small network with two paths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vizkit import functions
from vizkit.errors import ArgumentError, TraceQueryError
from vizkit.trace import Trace
from vizkit.trace.events import BackwardEvent, ForwardEvent, LossEvent, UpdateEvent
from vizkit.typing import Float, Int
from vizkit.views.text import Quantity, quantity

__all__ = ["PARAMETERS", "State", "Step", "check_trace", "is_lesson", "read_state", "read_update"]

PARAMETERS = ("w1", "b1", "w2", "b2", "w3", "w4", "b3")


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Everything about one step: what went forward, what came back, and the parameters in use.

    Parameters
    ----------
    step
        Number of the training step.
    order
        Shape (samples,): the row of the batch that each sample stood in. Samples are in ascending order of
        their inputs, so that a shuffled batch tells the same story.
    x, target, predicted, loss_slope
        Of shape (samples,): input, observed value, output, derivative of the loss by the output.
    sums, active, slopes
        Of shape (samples, paths): weighted sum, its activation, the activation's slope there.
    values, gradients
        Each parameter and the loss's derivative by it, by name.
    activation
        Name of the hidden units' activation.
    ssr
        The loss.
    """

    step: int
    order: Int["samples"]
    x: Float["samples"]
    target: Float["samples"]
    predicted: Float["samples"]
    loss_slope: Float["samples"]
    sums: Float["samples paths"]
    active: Float["samples paths"]
    slopes: Float["samples paths"]
    values: dict[str, float]
    gradients: dict[str, float]
    activation: str
    ssr: float

    @property
    def residuals(self) -> Float["samples"]:
        """Observed minus predicted, shape (samples,)."""
        return self.target - self.predicted

    def number(self, name: str) -> Quantity:
        """Return a parameter as a named number."""
        return quantity(name, self.values[name])

    def slope(self, name: str) -> Quantity:
        """Return the loss's derivative by a parameter as a named number."""
        return quantity(f"d {name}", self.gradients[name])

    def path(self, index: int, x: Float["points"]) -> Float["points"]:
        """Return one path's share of the output at other inputs, shape (points,)."""
        w, b, v = (self.values[name] for name in (f"w{index + 1}", f"b{index + 1}", f"w{index + 3}"))
        return v * functions.activation(self.activation).function(w * np.asarray(x) + b)

    def curve(self, x: Float["points"]) -> Float["points"]:
        """Return the output at other inputs with this step's parameters, shape (points,)."""
        return self.path(0, x) + self.path(1, x) + self.values["b3"]


@dataclass(frozen=True, slots=True)
class Step:
    """One update of the last bias."""

    step: int
    before: float
    after: float
    gradient: float
    rate: float


def is_lesson(trace: Trace) -> bool:
    """Say whether a trace is of the lesson's network, whole, so that the lesson can be told of it."""
    try:
        check_trace(trace)
        _ = [read_state(trace, step) for step in (trace.steps[0], trace.steps[-1])]
        _ = read_update(trace, trace.steps[0]), read_update(trace, trace.steps[-1])
    except (ArgumentError, TraceQueryError):
        return False
    return len(trace.steps) > 1


def check_trace(trace: Trace) -> None:
    """Check that a trace is of a network with one input, two hidden units and one linear output.

    Raises
    ------
    ArgumentError
        If it is another network, with another loss, or was recorded without what the story shows.
    """
    if not isinstance(trace, Trace):
        raise ArgumentError(f"This story is told of a trace, but a {type(trace).__name__} was given.")
    kinds = [layer.node.kind for layer in trace.model.layers]
    shapes = [dict(layer.parameters) for layer in trace.model.layers]
    if kinds != ["Dense", "Dense"] or shapes != [{"kernel": (1, 2), "bias": (2,)}, {"kernel": (2, 1), "bias": (1,)}]:
        raise ArgumentError(
            "This story is told of a network with one input, two hidden units and one output (two Dense layers with"
            f" biases), but the trace is of {trace.model.name!r} with the layers {kinds} of the shapes {shapes}."
        )
    if (last := trace.model.layers[1].config.get("activation") or "linear") != "linear":
        raise ArgumentError(f"This story needs a linear output, but the output's activation is {last!r}.")
    if trace.model.loss != "sum_squared_residuals":
        raise ArgumentError(
            f"This story needs the loss 'sum_squared_residuals', but the trace's is {trace.model.loss!r}."
        )
    for event in (BackwardEvent, UpdateEvent):
        if next(trace.events(event, level="layer"), None) is None:
            raise ArgumentError(f"This story follows training, but the trace holds no {event.__name__}.")


def read_state(trace: Trace, step: int) -> State:
    """Return the numbers of one recorded step.

    Parameters
    ----------
    trace
        A run that `check_trace` accepts.
    step
        Which training step.
    """
    names = [layer.node for layer in trace.model.layers]
    hidden, output = (trace.event(ForwardEvent, layer=node, step=step) for node in names)
    back = [trace.event(BackwardEvent, layer=node, step=step) for node in names]
    loss = trace.event(LossEvent, step=step)
    order = np.argsort(np.asarray(hidden.inputs[0])[:, 0], kind="stable")
    x = np.asarray(hidden.inputs[0], dtype=float)[order, 0]
    values = _named(hidden.parameters, output.parameters)
    first, shift = np.array([values["w1"], values["w2"]]), np.array([values["b1"], values["b2"]])
    sums = np.outer(x, first) + shift
    activation = str(trace.model.layers[0].config.get("activation") or "linear")
    return State(
        step=step,
        order=order,
        x=x,
        target=np.asarray(loss.target, dtype=float).reshape(-1)[order],
        predicted=np.asarray(output.output, dtype=float)[order, 0],
        loss_slope=np.asarray(back[1].output_gradient, dtype=float)[order, 0],
        sums=sums,
        active=np.asarray(hidden.output, dtype=float)[order],
        slopes=functions.activation(activation).derivative(sums),
        values=values,
        gradients=_named(back[0].parameter_gradients, back[1].parameter_gradients),
        activation=activation,
        ssr=float(loss.value),
    )


def _named(first: dict[str, Float["..."]], second: dict[str, Float["..."]]) -> dict[str, float]:
    """Return the seven numbers of two layers' parameters by name."""
    for layer in (first, second):
        if missing := sorted({"kernel", "bias"} - set(layer)):
            raise ArgumentError(
                f"The story shows every derivative, but the trace keeps {sorted(layer)} and not {missing}."
            )
    w, b, v = (np.asarray(values, dtype=float).ravel() for values in (first["kernel"], first["bias"], second["kernel"]))
    last = float(np.asarray(second["bias"]).reshape(()))
    return {"w1": w[0], "b1": b[0], "w2": w[1], "b2": b[1], "w3": v[0], "w4": v[1], "b3": last}


def read_update(trace: Trace, step: int) -> Step:
    """Return the update of the last bias at one step."""
    node = trace.model.layers[-1].node
    event = trace.event(UpdateEvent, layer=node, step=step, parameter="bias")
    before, after, gradient = (float(np.asarray(a).reshape(())) for a in (event.before, event.after, event.gradient))
    return Step(step, before, after, gradient, float(event.learning_rate))
