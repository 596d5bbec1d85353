"""The training steps of a model that is being recorded: told from a tape, or from the memory of a plan.

A recorded step that is known to come again alike is written down as any other (`vizkit.nn.steps`), with a recording
that listens: then the plan computes what is told as well, as the gradient of the data and of every array on the way.
Each of these numbers has its place in the plan's memory. So the recorder is told once where the arrays of a step
stand (`Recorder.template`), and a step is recorded by copying that memory: the bits are those of a step on a tape.
A step that the recorder does not keep repeats the plan of the model alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from vizkit.autodiff import Tracked, threads
from vizkit.autodiff.buffers import Shelf
from vizkit.autodiff.plan import Plan, Score, Step, lowered
from vizkit.errors import DivergenceError
from vizkit.nn import changes
from vizkit.nn.feeding import Samples, length_of
from vizkit.nn.losses import Loss
from vizkit.trace.alternatives import AnyTemplate
from vizkit.trace.template import Early, Told, early

if TYPE_CHECKING:
    from vizkit.adapters.vizkit.recording import Recording

__all__ = ["RecordedSteps"]

_MOST_PLANS = 4  # kinds of batches whose steps are repeated, as for a model that is not recorded


class _Repeated:
    """A recorded step that can be repeated: a plan, and where the recorder finds its numbers.

    Parameters
    ----------
    plan
        Computes all that is told.
    loss
        The loss without what regularizers add, an array of shape ().
    """

    def __init__(self, plan: Plan, loss: Any) -> None:
        self.plan, self.loss = plan, loss
        self.numbers = np.empty(2)  # what the recorder wants as arrays of shape (): the loss and the learning rate
        self.value, self.rate = self.numbers[:1].reshape(()), self.numbers[1:].reshape(())
        self.events: list[Told] = []
        self.template: AnyTemplate | None = None


class RecordedSteps:
    """The training steps of one model while it is recorded.

    Parameters
    ----------
    recording
        The link between the model and the recorder.

    Attributes
    ----------
    plans
        The steps that are repeated, by the kinds of batches that they are for; ``None`` where the recorder keeps
        nothing of them.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording, self.model = recording, recording.model
        self.plans: dict[Any, _Repeated | None] = {}
        self._met: set[Any] = set()
        self._change, self._repeatable = -1, False

    def take(self, samples: Samples, part: Any, watched: Any) -> tuple[float, Samples, Any]:
        """Take a step and tell the recorder of it, if it wants to know; returns what `Steps.take` does.

        The predictions are of shape (batch, ...).
        """
        recording, step = self.recording, self.model._updates
        if self._change != changes.latest():
            self._forget()
        kind = (length_of(part), samples.kind)
        if kind in self.plans and recording.step != step:  # else something was told of this step already
            found = self.plans[kind]
            if found is not None and found.template.begin(step):
                return self._repeat(found, samples, part)
            steps = self.model._steps  # which were settled when these plans were made, and nothing was changed since
            plan = steps.plans.get(kind)
            return steps.take(samples, part, watched) if plan is None else steps.repeat(plan, samples, part)
        if self._may_be_repeated(kind):
            return self._write_down(kind, samples[part], watched)
        self._met.add(kind)
        tape = recording.begin(step)
        if tape is None:
            return self.model._steps.take(samples, part, watched)
        return self.model._steps.record(tape, samples[part])

    def _forget(self) -> None:
        self.plans.clear()
        self._met.clear()
        self.recording.describe()
        self.model._steps.settle()
        loss = type(self.model.loss)
        known = (loss.__call__, loss.samples) == (Loss.__call__, Loss.samples)
        self._repeatable = known and self.recording.has_template and self.model._steps.are_settled
        self._change = changes.latest()

    def _may_be_repeated(self, kind: Any) -> bool:
        return self._repeatable and kind in self._met and kind not in self.plans and len(self.plans) < _MOST_PLANS

    def _repeat(self, found: _Repeated, samples: Samples, part: Any) -> tuple[float, Samples, Any]:
        rate = self.model.optimizer.learning_rate  # a schedule's next one may be another
        try:
            taken = self.model._steps.repeat(found.plan, samples, part)
        except DivergenceError:
            self._tell_of_failure(found)
            raise
        found.numbers[0], found.numbers[1] = found.loss, rate
        found.template.end()
        return taken

    def _tell_of_failure(self, found: _Repeated) -> None:
        """Tell how far a step came that was not taken because its loss is no finite number."""
        found.value[...] = found.loss
        recording = self.recording
        recording.step = self.model._updates
        for kind, node, fields in found.events:
            if kind in ("forward", "loss"):
                getattr(recording.recorder, kind)(recording.step, node, *map(_unmarked, fields))

    def _write_down(self, kind: Any, batch: Samples, watched: Any) -> tuple[float, Samples, Any]:
        """Take and tell a step as on a tape, and write it down."""
        model, recording, steps = self.model, self.recording, self.model._steps
        recording.prepare(model._updates)
        shelf = Shelf()
        score = Score(shelf)
        tape = recording.listen(Step(score, recording))
        inputs = [None if array is None else shelf.put(array.copy()) for array in batch.arrays]
        x, y, weights = (None if array is None else Tracked(array, score) for array in inputs)
        with threads.alone(), score.holding(model.weights), tape.watch(model.weights):
            prediction = model(Tracked(_array(model._cast(x), score), tape), training=True)
            bare = recording.loss(y, prediction, weights)
            loss = model._with_penalties(bare)
            value = steps._checked(lowered(loss), batch)
            gradients = tape.backward(loss, keep=True)
            recording.backward(gradients)
        passed = {id(weight): gradients.get(id(weight)) for weight in watched}
        if model.optimizer.clips:  # what it shortens must not be what was told of the way back
            passed = {key: None if g is None else np.copy(g) for key, g in passed.items()}
        recording.update({key: lowered(g) for key, g in passed.items() if g is not None})
        events, recording.written = recording.written, None
        if tape.leaked or score.leaked:
            self._repeatable = False
        elif self._change == changes.latest():
            pairs = [(passed[id(weight)], place) for weight, place in model.optimizer.places()]
            plan = Plan(score, inputs, [loss, prediction], pairs)
            self.plans[kind] = self._told_by(plan, lowered(bare), events, shelf)
        return value, batch, lowered(prediction)

    def _told_by(self, plan: Plan, loss: Any, events: list[Told], shelf: Shelf) -> _Repeated | None:
        """Let the recorder know where the arrays of a step stand."""
        found = _Repeated(plan, loss)
        lasting = _Lasting(plan, [lowered(weight) for weight in self.model.weights], shelf)
        for kind, node, fields in events:
            told = lasting.field(fields)
            found.events.append((kind, node, (*told[:2], found.value, told[3]) if kind == "loss" else told))
        found.events += self._updates(found)
        found.template = self.recording.recorder.template(found.events)
        return None if found.template is None else found

    def _updates(self, found: _Repeated) -> Iterator[Told]:
        for node, weight, gradient in self.recording.changing():
            yield "update", node, (weight.name, early(weight.value), weight.value, gradient, found.rate)


def _array(value: Any, score: Score) -> Any:
    """Return what a layer is given, of shape (...), tracked on the score."""
    return value if isinstance(value, Tracked) else Tracked(np.asarray(value), score)


class _Lasting:
    """Finds where later steps write what the first one told.

    Parameters
    ----------
    plan
        The plan of these steps.
    weights
        The model's weights, each an array of shape (...).
    shelf
        Takes what is the same at every step.
    """

    def __init__(self, plan: Plan, weights: list[Any], shelf: Shelf) -> None:
        self.moved, self.shelf = plan.moved, shelf
        self.weights = {id(_root(weight)) for weight in weights}
        outputs = [output for call in plan.calls for output in call.outputs]
        written = [array for array in (*plan.inputs, *outputs) if array is not None]
        self.written = {id(_root(array)) for array in written} | self.weights
        self.same: dict[int, tuple[Any, Any]] = {}  # by id: what never changes, and a copy that stands densely

    def field(self, value: Any) -> Any:
        """Return a field with the arrays, of shape (...), that later steps write.

        What shows a weight is marked: it is to be copied before the update.
        """
        if isinstance(value, dict):
            return {name: self.field(entry) for name, entry in value.items()}
        if isinstance(value, tuple):
            return tuple(map(self.field, value))
        array = self.moved.get(id(value), value)
        root = id(_root(array))
        if root not in self.written:
            known = self.same.setdefault(id(array), (array, self.shelf.put(np.array(array, order="C"))))
            return known[1]
        return early(array) if root in self.weights else array


def _root(array: Any) -> Any:
    """Return the array that owns the memory of one of shape (...)."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _unmarked(value: Any) -> Any:
    """Return a field with its arrays, of shape (...), as they are now."""
    if isinstance(value, Early):
        return value.array
    if isinstance(value, dict):
        return {name: _unmarked(entry) for name, entry in value.items()}
    return tuple(map(_unmarked, value)) if isinstance(value, tuple) else value
