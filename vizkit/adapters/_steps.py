"""Which call belongs to which training step, and the order in which a step is told.

Shared by the adapters. A framework's hooks say when a call begins and ends and which gradients arrive;
here they become calls inside calls, and backward events from the last layer to the first.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizkit.adapters._layers import KnownLayers
from vizkit.errors import ArgumentError
from vizkit.trace import Node, Recorder

__all__ = ["NARROWED", "Buffers", "Call", "Loss", "Pulse", "Step", "Steps", "without_masks"]

NARROWED = "Computed in half precision or bfloat16; its numbers are held as float32."

Gradients = Mapping[int, Any]


def without_masks(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments by name that a layer computes with: a mask is none.

    Examples
    --------
    >>> without_masks({"query": 1, "attn_mask": 2})
    {'query': 1}
    """
    return {name: value for name, value in kwargs.items() if "mask" not in name}


class Pulse:
    """A hook of a tensor that does nothing, but lives as long as a backward pass can call it.

    Examples
    --------
    >>> pulse = Pulse()
    >>> beats = pulse.beats()
    >>> before = beats()
    >>> del pulse
    >>> before, beats()
    (True, False)
    """

    def __call__(self, gradient: Any) -> None:
        """Leave the gradient as it is."""

    def beats(self) -> Callable[[], bool]:
        """Return what says whether it lives, without keeping it alive."""
        alive = weakref.ref(self)
        return lambda: alive() is not None


_LOSS = Node(0, "loss", "loss")  # stands for one that was not seen; whether losses are kept is no matter of the node


@dataclass(eq=False)
class Call:
    """One call of a layer, with the calls inside it in order.

    Parameters
    ----------
    node
        The layer's node; None for the model itself, which is no layer.
    step
        The step it belongs to.
    inside
        The calls within this one.
    output_gradients, input_gradients
        What arrived on the way back, by the position of the output or input.
    tell
        Tells the call's backward event, once the pass is over.
    alive
        Says whether a backward pass can still reach the call.
    """

    node: Node | None
    step: Step
    inside: list[Call] = field(default_factory=list)
    output_gradients: dict[int, Any] = field(default_factory=dict)
    input_gradients: dict[int, Any] = field(default_factory=dict)
    tell: Callable[[Call, Gradients], None] | None = None
    alive: Callable[[], bool] = lambda: False
    held: Any = None  # what the adapter keeps from the beginning of a call to its end


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss that was computed and is told when it is clear that it is the one that counts."""

    name: str
    prediction: NDArray[Any]
    target: NDArray[Any]
    value: float
    samples: NDArray[Any]


@dataclass(eq=False)
class Step:
    """What is known of one training step while it is open."""

    number: int
    calls: list[Call] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)  # computed, not told yet
    marked: bool = False  # whether the user said which number is the loss
    seen: bool = False  # whether any loss was computed or marked
    gradients: dict[int, Any] = field(default_factory=dict)  # of parameters, by the id of the parameter
    arrived: bool = False  # whether a gradient came back that is not told yet
    passed: bool = False  # whether there was a backward pass or an update: the next call is another step
    prediction: Callable[[], NDArray[Any]] | None = None  # returns the model's last output


class Buffers:
    """Copies in memory that is used again at every step: fresh memory costs more than the copying.

    Examples
    --------
    >>> buffers, values = Buffers(), np.ones(2)
    >>> first = buffers.copy("weights", values)
    >>> buffers.copy("weights", 2 * values) is first, first
    (True, array([2., 2.]))
    """

    def __init__(self) -> None:
        self._held: dict[Hashable, NDArray[Any]] = {}

    def copy(self, key: Hashable, values: NDArray[Any]) -> NDArray[Any]:
        """Return a copy of an array of shape (...), valid until the next one with the same key."""
        held = self._held.get(key)
        if held is None or held.shape != values.shape or held.dtype != values.dtype:
            held = self._held[key] = np.empty_like(values)
        np.copyto(held, values)
        return held


class Steps:
    """The steps of a recording, one open at a time.

    A step begins with a call of the model, or of one of its layers from outside, and takes in the loss, the
    backward pass and the update. Another call begins the next one, unless a backward pass through the calls
    before it is still to come: then they are one step, as where a model is called twice for one loss.

    Parameters
    ----------
    recorder
        Who listens.
    layers
        The model's layers, which are told at once.
    """

    def __init__(self, recorder: Recorder, layers: KnownLayers[Any]) -> None:
        self.recorder, self.layers = recorder, layers
        self._describe()
        self._next = 0
        self._open: Step | None = None
        self._stack: list[Call] = []

    def _describe(self) -> None:
        self.recorder.describe(self.layers.describe())

    def tell_news(self) -> None:
        """Describe the model again, when something new is known of it."""
        if self.layers.news:
            self._describe()

    def tell_optimizer(self, name: str, settings: Mapping[str, Any]) -> None:
        """Describe the model's optimizer, the first one that is seen."""
        if self.layers.optimizer is None:
            plain = {key: value for key, value in settings.items() if isinstance(value, (bool, int, float, str))}
            self.layers.optimizer = plain | {"name": name}
            self._describe()

    def loss_node(self, name: str) -> Node:
        """Return the node of a loss, told when it is the first."""
        node = self.layers.loss(name)
        self.tell_news()
        return node

    @property
    def outside(self) -> bool:
        """Whether no call is going on."""
        return not self._stack

    @property
    def open(self) -> Step | None:
        """The step that is going on, or None."""
        return self._open

    def current(self) -> Step:
        """Return the step that is going on, or begin one."""
        if self._open is None:
            self._open = Step(self._next)
            self._next += 1
        return self._open

    def wants(self, kind: str, node: Node | None) -> bool:
        """Say whether the recorder wants such an event of the step that is going on."""
        return node is not None and self.recorder.wants(kind, node, self.current().number)

    def enter(self, node: Node | None, joins: bool) -> Call:
        """Begin a call; `joins` says whether an outermost one may belong to a step that waits for its backward pass."""
        if not self._stack:
            if self._open is not None and not (joins and self._waits()):
                self.close()
            call = Call(node, self.current())
            call.step.calls.append(call)
        else:
            call = Call(node, self.current())
            self._stack[-1].inside.append(call)
        self._stack.append(call)
        return call

    def leave(self, call: Call) -> None:
        """End a call, and those inside it that an exception ended."""
        if call in self._stack:
            del self._stack[self._stack.index(call) :]

    def innermost(self, node: Node | None) -> Call | None:
        """Return the call of this node that is going on, the innermost one; None when there is none."""
        return next((call for call in reversed(self._stack) if call.node is node), None)

    def _waits(self) -> bool:
        step = self._open
        return step is not None and not step.passed and all(call.alive() for call in step.calls)

    def arrive(self, call: Call | None, where: dict[int, Any], key: int, gradient: Any) -> None:
        """Take a gradient; a call's only while its step is open."""
        step = self._open if call is None else call.step
        if step is None or step is not self._open:
            name = "" if call is None or call.node is None else call.node
            self.recorder.missing(
                name, "backward", "The backward pass came after the model had been called again, in another step."
            )
            return
        where[key] = gradient
        step.arrived = step.passed = True

    def take_loss(self, loss: Loss, marked: bool = False) -> None:
        """Take a loss that was computed; one that the user marked counts alone."""
        step = self.current()
        step.seen = True
        if marked:
            self._tell_loss(step, loss)
            step.losses, step.marked = [], True
        elif not step.marked:
            step.losses.append(loss)

    def mark_loss(self, value: float, prediction: Any = None, target: Any = None) -> None:
        """Take the number that the user marks as the loss.

        What is not given is taken from a loss that the framework computed, else the prediction from the
        model's last call.

        Parameters
        ----------
        value
            The number.
        prediction, target
            Arrays of shape (batch, ...).
        """
        step, bare = self.current(), prediction is None and target is None
        known = step.losses[-1] if step.losses else None
        if known is not None and bare and known.value == value:
            self.take_loss(known, marked=True)
            return
        if prediction is None and known is None and step.prediction is None:
            raise ArgumentError("trace.loss(value) comes after the model was called, so that there is a prediction.")
        if prediction is None:
            prediction = known.prediction if known is not None else step.prediction()
        if target is None:
            target = known.target if known is not None else np.zeros((len(prediction), 0), prediction.dtype)
        unknown = "samples" if target.size else "target, samples"
        self.recorder.missing("loss", unknown, "trace.loss(value) was told the one number of the batch alone.")
        self.take_loss(Loss("loss", prediction, target, value, np.zeros(0, prediction.dtype)), marked=True)

    def _settle_loss(self, step: Step) -> None:
        if len(step.losses) == 1:
            self._tell_loss(step, step.losses[0])
        elif step.losses:
            names = ", ".join(loss.name for loss in step.losses)
            self.recorder.missing(
                "loss", "loss", f"Several losses were computed ({names}); trace.loss(value) says which one counts."
            )
        step.losses = []

    def _tell_loss(self, step: Step, loss: Loss) -> None:
        node = self.loss_node(loss.name)
        if self.recorder.wants("loss", node, step.number):
            self.recorder.loss(step.number, node, loss.prediction, loss.target, loss.value, loss.samples)

    def backward(self) -> None:
        """Tell the loss and what came back through the calls, from the last to the first."""
        step = self._open
        if step is None:
            return
        self._settle_loss(step)
        if not step.arrived:
            return
        for call in reversed(step.calls):
            self._tell_back(call, step)
        step.gradients.clear()
        step.arrived = False

    def _tell_back(self, call: Call, step: Step) -> None:
        for inner in reversed(call.inside):
            self._tell_back(inner, step)
        if call.tell is not None and call.output_gradients:
            call.tell(call, step.gradients)
        elif call.tell is not None and call.node is not None:
            why = "nothing up to it is trained, it led to no loss, or it was changed in place afterwards"
            self.recorder.missing(call.node, "backward", f"No gradient came back to its output: {why}.")
        call.output_gradients.clear()
        call.input_gradients.clear()

    def updated(self) -> Step:
        """Return the step that an update belongs to; the next call of the model is another one."""
        step = self.current()
        step.passed = True
        return step

    def close(self) -> None:
        """End the step that is going on, telling what is still to be told."""
        step = self._open
        if step is not None:
            self.backward()
            if step.passed and not step.seen and self.recorder.wants("loss", _LOSS, step.number):
                self.recorder.missing(
                    "loss", "loss", "The model was trained, but no loss was seen; trace.loss(value) marks it."
                )
            self.recorder.end(step.number)
            self._open = None

    def finish(self) -> None:
        """End the recording; calls that are still going on were ended by an exception."""
        self._stack.clear()
        self.close()
