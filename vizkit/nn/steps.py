"""The training steps of a model: on a tape, or repeated by a plan.

`Steps.take` is what training is: predict, compare, differentiate, change the weights. `_on_a_tape` shows how, and is
the way of every step that does not come again. From its third step on, a model that is known to do the same each time
repeats a plan instead (`vizkit.autodiff.plan`). It gives the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vizkit.autodiff import Tape, Tracked, threads
from vizkit.autodiff.plan import Plan, Score, Step, lowered
from vizkit.errors import ArgumentError
from vizkit.nn import changes
from vizkit.nn.diagnosis import diverged
from vizkit.nn.feeding import Samples, length_of

if TYPE_CHECKING:
    from vizkit.nn.training import Trainer

__all__ = ["Steps", "is_repeatable"]

_MOST_PLANS = 4  # kinds of batches that have a plan of their own: the usual ones, the last ones, few others


class Steps:
    """The training steps of one model.

    Parameters
    ----------
    model
        A compiled model.

    Attributes
    ----------
    plans
        The plans so far, by the kinds of batches that they are for.
    """

    def __init__(self, model: Trainer) -> None:
        self.model = model
        self.plans: dict[Any, Plan] = {}
        self._met: set[Any] = set()  # the kinds of batches there were since the latest change
        self._change = -1
        self._repeatable = False

    @property
    def are_settled(self) -> bool:
        """Whether the model does the same at every step, and nothing about it was changed since the last one."""
        return self._repeatable and self._change == changes.latest()

    def __reduce__(self) -> tuple[Any, ...]:
        return Steps, (self.model,)  # a copy of a model makes plans of its own

    def take(self, samples: Samples, part: Any, watched: Sequence[Any]) -> tuple[float, Samples, Any]:
        """Take a step with the samples that `part` picks; return the loss before it, the batch and the predictions.

        The predictions, of shape (batch, ...), and the batch may be written over by the next step.
        """
        self.settle()
        kind = (length_of(part), samples.kind)
        plan = self.plans.get(kind)
        if plan is not None:
            return self.repeat(plan, samples, part)
        batch = samples[part]
        if self._repeatable and kind in self._met and len(self.plans) < _MOST_PLANS:
            with threads.alone():
                return self._write_down(kind, batch, watched)
        self._met.add(kind)
        with threads.alone():
            return self._on_a_tape(batch, watched)

    def settle(self) -> None:
        """Forget all plans, if anything was changed since they were made."""
        if self._change != changes.latest():
            self.plans.clear()
            self._met.clear()
            self._change, self._repeatable = changes.latest(), is_repeatable(self.model)

    def _on_a_tape(self, batch: Samples, watched: Sequence[Any]) -> tuple[float, Samples, Any]:
        """Go forward, backward, and change the weights."""
        tape = Tape()
        with tape.watch(watched):
            prediction, loss = self._forward(batch.x, batch.y, batch.weights)
            value = self._followed(loss, batch)
            gradients = tape.backward(loss)
        self.model.optimizer.apply(gradients)
        return value, batch, lowered(prediction)

    def _write_down(self, kind: Any, batch: Samples, watched: Sequence[Any]) -> tuple[float, Samples, Any]:
        """Do the same on two tapes, and make a plan of what was written on the outer one."""
        score = Score()
        tape = Step(score)
        inputs = [None if array is None else array.copy() for array in batch.arrays]
        x, y, weights = (None if array is None else Tracked(array, score) for array in inputs)
        with score.holding(self.model.weights), tape.watch(watched):
            prediction, loss = self._forward(x, y, weights)
            value = self._checked(lowered(loss), batch)
            gradients = tape.backward(loss) if isinstance(loss, Tracked) and loss.tape is tape else {}
        self.model.optimizer.apply({key: lowered(gradient) for key, gradient in gradients.items()})
        if tape.leaked or score.leaked or not gradients:
            self._repeatable = False
        elif self._change == changes.latest():
            places = [(gradients.get(id(weight)), place) for weight, place in self.model.optimizer.places()]
            self.plans[kind] = Plan(score, inputs, [loss, prediction], places)
        return value, batch, lowered(prediction)

    def repeat(self, plan: Plan, samples: Samples, part: Any) -> tuple[float, Samples, Any]:
        """Do the same by a plan, without any code of layers; what is returned is as of `take`."""
        plan.load(samples.arrays, part)
        if plan.product > threads.BLAS_ALONE:
            with threads.alone():
                plan.run()
        else:
            plan.run()
        loss, prediction = plan.results
        value = loss.item()
        if not math.isfinite(value):
            self._checked(value, samples[part])
        self.model.optimizer.update()
        return value, Samples(*plan.inputs), prediction

    def record(self, tape: Tape, batch: Samples) -> tuple[float, Samples, Any]:
        """Do the same on the tape of a recording, and tell the recorder of it; what is returned is as of `take`."""
        model, recording = self.model, tape.recording
        with threads.alone(), tape.watch(model.weights):
            prediction = model(Tracked(np.asarray(model._cast(batch.x)), tape), training=True)
            loss = model._with_penalties(recording.loss(batch.y, prediction, batch.weights))
            value = self._followed(loss, batch)
            gradients = tape.backward(loss, keep=True)
            recording.backward(gradients)
        recording.update(gradients)
        return value, batch, lowered(prediction)

    def _forward(self, x: Any, y: Any, weights: Any) -> tuple[Any, Any]:
        prediction = self.model(x, training=True)
        return prediction, self.model._with_penalties(self.model.loss(y, prediction, weights))

    def _followed(self, loss: Any, batch: Samples) -> float:
        """Return the number of a loss on a tape, after checking that training can go on with it."""
        value = self._checked(lowered(loss), batch)
        if not isinstance(loss, Tracked):
            raise ArgumentError(f"The loss {self.model.loss.name} depends on no weight: it is {value:g} in any case.")
        return value

    def _checked(self, loss: Any, batch: Samples) -> float:
        if self.model.stops_at_nan and not math.isfinite(loss):
            raise diverged(self.model, f"The loss is {float(loss)}", batch)
        return float(loss)


def is_repeatable(model: Trainer) -> bool:
    """Say whether a model does the same operations at every step: whether all that is in it is vizkit's own.

    A class of one's own says so with ``repeatable = True``. Its ``call`` may then depend on nothing but its arguments,
    its weights and its public attributes, and whatever is random in it stands within a primitive.
    """
    parts = [model.loss, model.loss.function, *(regularizer for regularizer, _ in model._penalties)]
    for layer in model.walk():
        parts += [layer, *(value for name, value in vars(layer).items() if "activation" in name)]
    return all(_is_known(part) for part in parts if part is not None)


def _is_known(part: Any) -> bool:
    said = vars(type(part)).get("repeatable")
    return said if said is not None else getattr(part, "__module__", "").split(".")[0] == "vizkit"
