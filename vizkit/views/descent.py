"""The descent of a loss by one parameter, as numbers: where it was, its slopes, its steps.

`Descent` reads them from a trace's events, or takes them as arrays; `vizkit.views.ssr` draws them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vizkit.checks import number
from vizkit.errors import ArgumentError, DataError, ShapeError, TraceQueryError
from vizkit.typing import ArrayLike, Float
from vizkit.views.numbers import sequence

__all__ = ["Descent"]


@dataclass(frozen=True, eq=False)
class Descent:
    """Gradient descent of one number.

    Attributes
    ----------
    values
        Shape (steps,): the parameter before each step.
    losses
        Shape (steps,): the loss there.
    slopes
        Shape (steps,): the derivative of the loss by the parameter there.
    after
        Shape (steps,): the parameter after each step.
    rate
        The learning rate of the first step.

    Examples
    --------
    >>> way = Descent.from_arrays([0, 2], [9, 1], [-6, -2], rate=1 / 3)
    >>> way.after.tolist()
    [2.0, 2.6666666666666665]
    """

    values: Float["step"]
    losses: Float["step"]
    slopes: Float["step"]
    after: Float["step"]
    rate: float

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def from_arrays(cls, values: ArrayLike, losses: ArrayLike, slopes: ArrayLike, rate: float = 0.1) -> Descent:
        """Make it from the parameter, loss and slope at each step, all of shape (steps,).

        Raises
        ------
        ShapeError
            If they are not equally many.
        ArgumentError
            If the rate is not above 0.
        """
        found = [sequence(values, "values"), sequence(losses, "losses"), sequence(slopes, "slopes")]
        if len({len(numbers) for numbers in found}) > 1:
            counts = [len(numbers) for numbers in found]
            raise ShapeError(f"Each step has a value, a loss and a slope, but {counts} of them came.")
        rate = number("rate", rate)
        return cls(*found, found[0] - rate * found[2], rate)

    @classmethod
    def from_trace(cls, trace: Any, parameter: str | None = None, layer: str | None = None) -> Descent:
        """Read it from the loss and update events of a trace.

        Parameters
        ----------
        trace
            A trace of a run that changed a parameter of one number.
        parameter, layer
            Which one; needed when the run changed several.

        Raises
        ------
        TraceQueryError
            If the trace has no such updates, or those of several parameters.
        ShapeError
            If the parameter is more than one number.
        """
        events = [event for event in trace.events("update", layer=layer) if parameter in (None, event.parameter)]
        names = sorted({f"{event.node.name}/{event.parameter}" for event in events})
        if len(names) != 1:
            came = ", ".join(names) or "none"
            raise TraceQueryError(f"A descent is one parameter's: name its layer and parameter. Found: {came}.")
        if events[0].before.size != 1:
            raise ShapeError(f"A descent is of one number, but {names[0]} has the shape {events[0].before.shape}.")
        losses = {event.step: event.value for event in trace.events("loss")}
        if missing := [event.step for event in events if event.step not in losses]:
            raise TraceQueryError(f"The trace holds no loss of the steps {missing[:5]}: keep the loss events.")
        numbers = np.array(
            [(e.before.item(), losses[e.step], e.gradient.item(), e.after.item()) for e in events], dtype=float
        )
        if not np.isfinite(numbers).all():
            raise DataError(f"The descent leaves the finite numbers at step {_first_bad(numbers)}.")
        numbers.setflags(write=False)
        return cls(*numbers.T, rate=events[0].learning_rate)

    @classmethod
    def ensure(cls, given: Any) -> Descent:
        """Return a descent of itself, a trace, or (values, losses, slopes), each of shape (steps,)."""
        if isinstance(given, Descent):
            return given
        if hasattr(given, "events"):
            return cls.from_trace(given)
        if not isinstance(given, tuple | list) or len(given) != 3:
            raise ArgumentError(f"A descent is a trace or (values, losses, slopes), but {given!r:.60} was given.")
        return cls.from_arrays(*given)

    def step_sizes(self) -> Float["step"]:
        """Return how far each step goes, signed, of shape (steps,)."""
        return self.after - self.values


def _first_bad(numbers: Float["step four"]) -> int:
    return int(np.flatnonzero(~np.isfinite(numbers).all(axis=1))[0])
