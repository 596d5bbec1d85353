"""Telling a recorder what a model does, layer by layer and operation by operation.

The tape already holds everything that happened; this module only reads it out. A model that is not
being recorded never comes here. Steps that repeat a plan are told by `vizkit.adapters.vizkit.steps`, without a tape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from vizkit.adapters.vizkit.description import describe, nodes_of
from vizkit.adapters.vizkit.steps import RecordedSteps
from vizkit.autodiff import Entry, Tape, Tracked
from vizkit.autodiff.elementwise import alias
from vizkit.autodiff.plan import lowered
from vizkit.nn.layers.base import Layer, is_input
from vizkit.nn.layers.variables import Variable
from vizkit.nn.model import Model
from vizkit.trace import ModelDescription, Node
from vizkit.trace.template import Told

if TYPE_CHECKING:
    from vizkit.trace import Recorder

__all__ = ["Recording", "source"]

KINDS = ("forward", "loss", "backward", "update")


@dataclass
class _Call:
    """One call of a layer, of the loss or of an operation, with the calls inside it in order."""

    node: Node | None
    position: int  # first entry of the tape that was not told yet
    inputs: list[Any] = field(default_factory=list)
    output: Any = None
    weights: list[Variable] = field(default_factory=list)
    entry: Entry | None = None
    inside: list[_Call] = field(default_factory=list)
    groups: dict[int, tuple[int, str, Any, Any]] = field(default_factory=dict)
    operations: int = 0


def source(model: Any) -> Recording | None:
    """Return what records a model of `vizkit.nn`; nothing for what is no model."""
    return Recording(model) if isinstance(model, Model) else None


class Recording:
    """The link between one model and one recorder.

    Parameters
    ----------
    model
        What is recorded.

    Attributes
    ----------
    fine
        Whether operations are told of, so that none may be joined with others; the same at every step, for the bits.
    has_template
        Whether the recorder can be shown once where the arrays of a step stand.
    step
        The step that was begun last on a tape.
    written
        While a step is written down to be repeated: kind, node and fields of its events so far.
    """

    recorder: Recorder

    def __init__(self, model: Model) -> None:
        self.model = model
        self.nodes: dict[int, Node] = {}
        self.operations: dict[tuple[Any, ...], Node] = {}
        self._losses: dict[str, Node] = {}  # by their kinds
        self._indices = count()  # of the nodes that are no layers
        self.fine = True
        self.step = -1
        self.written: list[Told] | None = None
        self.has_template = False
        self.steps = RecordedSteps(self)
        self._described: Any = None
        self._open: list[_Call] = []

    def _attach(self, recorder: Recorder) -> None:
        self.recorder, self.has_template = recorder, hasattr(recorder, "template")
        self.fine = not self.has_template or recorder.keeps_level("op")
        self.model._recording = self
        if self.model.built:
            self.describe()

    def _detach(self) -> None:
        self.model._recording = None

    def _description(self) -> ModelDescription:
        return describe(self.model)

    def describe(self) -> None:
        """Tell the recorder of the model, again when its loss or optimizer has changed."""
        now = (self.model.loss, self.model.optimizer)
        if self._described != now:
            self._described = now
            self.nodes = nodes_of(self.model)
            if self.step < 0:  # nothing was told yet
                self._losses, self._indices = {}, count(len(self.nodes))
            if self.model.loss is not None:
                self.nodes[id(self.model.loss)] = self._loss_node(self.model.loss.name)
            self.recorder.describe(describe(self.model))

    def _loss_node(self, kind: str) -> Node:
        """Return the node of a loss: another one when the model was compiled with another loss meanwhile."""
        if kind not in self._losses:
            name = f"loss_{len(self._losses)}" if self._losses else "loss"
            self._losses[kind] = Node(next(self._indices), name, kind)
        return self._losses[kind]

    def begin(self, step: int) -> Tape | None:
        """Return the tape for a step; ``None`` when the recorder wants nothing of it."""
        self.describe()
        self.step = step
        known = [*self.nodes.values(), *self.operations.values()]
        is_known = bool(self.operations) if self.fine else self.model.built
        if is_known and not any(self.wants(kind, node) for node in known for kind in KINDS):
            return None
        self.written = None
        return self.listen(Tape(self))

    def prepare(self, step: int) -> None:
        """Get ready for a step that is written down to be repeated."""
        self.step, self.written = step, []

    def listen(self, tape: Tape) -> Tape:
        """Take the events of a step from this tape, and return it."""
        self.tape = tape
        self._open = [_Call(None, 0)]
        return tape

    def wants(self, kind: str, node: Node) -> bool:
        """Say whether the recorder wants such an event of this step."""
        return self.recorder.wants(kind, node, self.step)

    def _asks(self, kind: str, node: Node) -> bool:
        return self.written is not None or self.wants(kind, node)

    def _tell(self, kind: str, node: Node, now: tuple[Any, ...], lasting: tuple[Any, ...] | None = None) -> None:
        """Tell an event; `lasting` are its fields with arrays that stay in place, where those of `now` do not."""
        if self.written is not None:
            self.written.append((kind, node, now if lasting is None else lasting))
        if self.wants(kind, node):
            getattr(self.recorder, kind)(self.step, node, *now)

    # -- forward: called while layers run ---------------------------------------------------------

    def layer(self, layer: Layer, run: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Run a layer and tell what it did; of several outputs the first is told."""
        node = self.nodes.get(id(layer))
        if node is None:  # the model itself, or a layer that was made within a call
            return run(*arguments)
        given, arrays = _aliased(arguments)
        call = self._enter(node, arrays, layer.own_weights)
        # what a layer itself changes, as the moving mean, is told as it was before
        held = {weight.name: lowered(weight) for weight in call.weights}
        parameters = {w.name: held[w.name] if w.trainable else held[w.name].copy() for w in call.weights}
        output = run(*given)
        call.output = output[0] if isinstance(output, (list, tuple)) else output
        self._tell_entries(call)
        self._open.pop()
        if self._asks("forward", node):
            inputs, told = _arrays(arrays), np.asarray(lowered(call.output))
            self._tell("forward", node, (inputs, told, parameters), (inputs, told, held))
        return output

    def group(self, name: str, function: Callable[[Any], Any], x: Tracked) -> Tracked:
        """Run a function of plain NumPy that counts as one operation."""
        call = self._open[-1]
        start = len(self.tape.entries)
        inner = alias(x)
        output = function(inner)
        if start not in call.groups:
            call.groups[start] = (len(self.tape.entries), name.lstrip("_"), inner, output)
        return output

    def loss(self, y: Any, prediction: Tracked, weights: Any = None) -> Tracked:
        """Compute the loss and tell it."""
        node = self.nodes[id(self.model.loss)]
        call, loss = self._enter(node, [prediction], []), self.model.loss
        if self.written is None:
            call.output = loss(y, prediction, weights)
        else:
            losses = loss.weighed(y, prediction, weights)
            call.output = loss.reduced(losses)
        self._tell_entries(call)
        self._open.pop()
        if self._asks("loss", node):
            told, value = np.asarray(lowered(prediction)), lowered(call.output)
            if self.written is None:
                samples = loss.samples(y, told, weights)
            else:
                samples = np.asarray(lowered(loss.reduced_to_samples(_outer(losses))))
            fields = (told, np.asarray(lowered(y)), value, samples)
            self._tell("loss", node, (*fields[:2], float(value), samples), fields)
        if not self._differentiates_data():
            _spare_data(self.tape.entries)
        return call.output

    def _differentiates_data(self) -> bool:
        """Say whether the way back goes on to the data: as in training it does not, unless operations are told."""
        asks = self.wants if self.written is None else self.recorder.keeps
        return any(asks("backward", node) for node in self.operations.values())

    def _enter(self, node: Node, inputs: list[Any], weights: list[Variable]) -> _Call:
        outer = self._open[-1]
        self._tell_entries(outer)
        call = _Call(node, len(self.tape.entries), inputs, weights=weights)
        outer.inside.append(call)
        outer.position = len(self.tape.entries)
        self._open.append(call)
        return call

    def _tell_entries(self, call: _Call) -> None:
        """Tell the operations that ran in a call since it was last looked at."""
        if not self.fine:
            return
        entries, position = self.tape.entries, call.position
        last = call.inside[-1] if call.inside else None
        if last is not None and last.node is not None and last.node.level == "layer":
            position = max(position, last.position)
        while position < len(entries):
            if position in call.groups:
                stop, name, inner, output = call.groups[position]
                self._tell_operation(call, name, [inner], output, None)
                position = max(stop, position + 1)
                continue
            entry = entries[position]
            if entry.primitive is not alias:
                self._tell_operation(call, entry.primitive.name, entry.values, entry.output, entry)
            position += 1
        call.position = len(entries)

    def _tell_operation(self, call: _Call, name: str, inputs: list[Any], output: Any, entry: Entry | None) -> None:
        if call.node is None:
            return
        node = self._operation_node(call, name)
        call.inside.append(_Call(node, len(self.tape.entries), inputs, output, entry=entry))
        if self._asks("forward", node):
            self._tell("forward", node, (_arrays(inputs), np.asarray(lowered(output)), {}))

    def _operation_node(self, call: _Call, kind: str) -> Node:
        """Return the node of the next operation of a call: the same one at every step."""
        key = (call.node.index, call.operations, kind)
        call.operations += 1
        if key not in self.operations:
            taken = sum(parent == key[0] and other == kind for parent, _, other in self.operations)
            name = f"{call.node.name}/{kind}" + (f"_{taken}" if taken else "")
            self.operations[key] = Node(next(self._indices), name, kind, "op", call.node.index)
        return self.operations[key]

    # -- backward and update: after the walk back -------------------------------------------------

    def backward(self, gradients: dict[int, Any]) -> None:
        """Tell the gradients of a finished backward pass, from the last layer to the first."""
        self._tell_backward(self._open[0], gradients)

    def _tell_backward(self, call: _Call, gradients: dict[int, Any]) -> None:
        for inner in reversed(call.inside):
            self._tell_backward(inner, gradients)
        arrived = gradients.get(id(call.output))
        is_loss = call.node is self.nodes.get(id(self.model.loss))
        if call.node is None or is_loss or arrived is None or not self._asks("backward", call.node):
            return
        if call.entry is not None:
            passed = _arrays(call.entry.contributions)
        else:
            found = [gradients.get(id(part)) for part in call.inputs if isinstance(part, Tracked)]
            passed = _arrays(part for part in found if part is not None)
        # A frozen weight has a gradient too; what no gradient reaches, as a moving mean, has none.
        weights = [each for each in call.weights if each.trainable or gradients.get(id(each)) is not None]
        given = {weight.name: _gradient(gradients, weight) for weight in weights}
        self._tell("backward", call.node, (np.asarray(lowered(arrived)), passed, given))

    def update(self, gradients: dict[int, Any]) -> None:
        """Let the optimizer change the weights, and tell what it changed."""
        optimizer = self.model.optimizer
        changed = [(*one, one[1].numpy()) for one in self.changing() if self.wants("update", one[0])]
        rate = optimizer.learning_rate  # a schedule's next one may be another
        optimizer.apply(gradients)
        for node, weight, gradient, before in changed:
            self.recorder.update(self.step, node, weight.name, before, weight.value, gradient, rate)

    def changing(self) -> Iterator[tuple[Node, Variable, Any]]:
        """Yield the weights that an update changes, each with its layer's node and the place of its gradient."""
        places = {id(weight): place for weight, place in self.model.optimizer.places()}
        for layer in self.model.walk():
            node = self.nodes.get(id(layer))
            if node is not None:
                yield from ((node, w, places[id(w)]) for w in layer.own_weights if id(w) in places)


def _aliased(arguments: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """Return a call's arguments with an alias for each array, and these arrays in one flat list."""
    given: list[Any] = []
    arrays: list[Any] = []
    for argument in arguments:
        if isinstance(argument, (list, tuple)):
            inner, found = _aliased(argument)
            given.append(inner)
            arrays += found
        elif is_input(argument):
            given.append(alias(argument))
            arrays.append(given[-1])
        else:
            given.append(argument)
    return given, arrays


def _spare_data(entries: Iterable[Entry]) -> None:
    """Let the way back pass by what no weight had a part in."""
    reached: set[int] = set()
    for entry in entries:
        entry.sources[:] = [each for each in entry.sources if isinstance(each[1], Variable) or id(each[1]) in reached]
        if entry.sources:
            reached.add(id(entry.output))


def _arrays(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(np.asarray(lowered(value)) for value in values)


def _outer(value: Any) -> Any:
    """Return what is under the innermost tape: tracked on the outer one, if there is one."""
    return value.value if isinstance(value, Tracked) else value


def _gradient(gradients: dict[int, Any], weight: Variable) -> Any:
    found = gradients.get(id(weight))
    return np.zeros_like(lowered(weight)) if found is None else np.asarray(lowered(found))
