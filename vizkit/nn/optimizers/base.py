"""What all optimizers share: the flat arrays they work on, the learning rate, clipping, weight decay."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vizkit.autodiff import threads
from vizkit.checks import number
from vizkit.errors import ArgumentError, ShapeError
from vizkit.nn import changes
from vizkit.nn.layers.variables import Variable
from vizkit.typing import Float

__all__ = ["Flat", "Optimizer"]


class Flat:
    """Weights of one type behind one another, with their gradient and an optimizer's memory.

    Parameters
    ----------
    variables
        The weights; their arrays become views of ``values``.
    slots
        How many arrays of memory of that length the optimizer needs.
    start
        The number that these are filled with.
    """

    def __init__(self, variables: Sequence[Variable], slots: int, start: float = 0.0) -> None:
        self.variables = list(variables)
        self.values = np.concatenate([v.value.ravel() for v in variables])
        self.gradient, self.scratch, self.spare = (np.empty_like(self.values) for _ in range(3))
        self.slots = [np.full_like(self.values, start) for _ in range(slots)]
        stops = np.cumsum([v.size for v in variables])
        self.parts = [slice(int(stop) - v.size, int(stop)) for stop, v in zip(stops, variables, strict=True)]
        self.take_over()

    def take_over(self) -> None:
        """Copy the weights here, if they do not stand here already, and make them views of ``values``."""
        if all(variable.value.base is self.values for variable in self.variables):
            return
        for variable, part in zip(self.variables, self.parts, strict=True):
            own = self.values[part].reshape(variable.shape)
            own[...] = variable.value
            variable.value = own
        changes.notice()  # who has looked where the weights stand must look again

    def places(self) -> list[tuple[Variable, Float["..."]]]:
        """Return each weight with its part of ``gradient``, a view of the weight's shape (...)."""
        return [(v, self.gradient[part].reshape(v.shape)) for v, part in zip(self.variables, self.parts, strict=True)]

    def cut(self, start: int, stop: int) -> Flat:
        """Return the numbers from one place to another: what is done to them is done here."""
        part = copy.copy(self)
        for name in ("values", "gradient", "scratch", "spare"):
            setattr(part, name, getattr(self, name)[start:stop])
        part.slots = [slot[start:stop] for slot in self.slots]
        return part

    def fill(self, gradients: dict[int, Any]) -> None:
        """Copy the gradients, each of its variable's shape, into ``gradient``; missing ones are 0."""
        for variable, place in self.places():
            place[...] = gradients.get(id(variable), 0)


class Optimizer:
    """Base class: define ``_step(flat, rate, count)``, which changes ``flat.values`` in place.

    Parameters
    ----------
    learning_rate
        Size of the steps, above 0, or a schedule ``step -> size``; may be set between epochs.
    weight_decay
        Before a step each weight is multiplied by 1 − weight_decay × learning rate.
    clipnorm
        Longest gradient of a single weight array; a longer one is shortened.
    clipvalue
        Largest single number of a gradient.
    global_clipnorm
        Longest gradient of all weights together.
    """

    _slots = 0  # arrays of memory for each weight
    _is_elementwise = False  # whether what happens to a number of the weights depends on no other one
    _slot_start = 0.0

    def __init__(
        self,
        learning_rate: Any = 0.01,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = None if weight_decay is None else number("weight_decay", weight_decay, includes_low=True)
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        if sum(limit is not None for limit in clips.values()) > 1:
            raise ArgumentError(f"Only one way of clipping can be chosen; {clips} were given.")
        for name, limit in clips.items():
            setattr(self, name, None if limit is None else number(name, limit))
        self.iterations = 0
        self._flats: list[Flat] = []

    @property
    def name(self) -> str:
        """The optimizer's name."""
        return type(self).__name__

    @property
    def learning_rate(self) -> float:
        """Size of the next step."""
        rate = self._learning_rate
        return float(rate(self.iterations)) if callable(rate) else rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        """Take another learning rate, or a schedule."""
        self._learning_rate: float | Callable[[int], float] = (
            value if callable(value) else number("learning_rate", value)
        )

    def config(self) -> dict[str, Any]:
        """Return its name and settings."""
        rate = self._learning_rate
        rate = rate.config() if hasattr(rate, "config") else getattr(rate, "__name__", rate)
        public = {k: v for k, v in vars(self).items() if k[0] != "_" and k != "iterations" and v is not None}
        return {"name": self.name, "learning_rate": rate, **public}

    def build(self, variables: Sequence[Variable]) -> None:
        """Take over these weights; memory is kept when they are the ones it has already."""
        groups: dict[Any, list[Variable]] = {}
        for variable in variables:
            groups.setdefault(variable.dtype, []).append(variable)
        known = [[id(variable) for variable in flat.variables] for flat in self._flats]
        if known == [[id(variable) for variable in group] for group in groups.values()]:
            for flat in self._flats:
                flat.take_over()  # in case another model that shares them has trained them meanwhile
            return
        self._flats = [Flat(group, self._slots, self._slot_start) for group in groups.values()]

    def apply(self, gradients: dict[int, Any]) -> None:
        """Change the weights once.

        Parameters
        ----------
        gradients
            ``id(variable) -> gradient`` of the variable's shape; one that is missing counts as 0.
        """
        for flat in self._flats:
            flat.fill(gradients)
        self.update()

    def places(self) -> list[tuple[Variable, Float["..."]]]:
        """Return each weight with the place for its gradient, an array of its shape (...), that `update` reads."""
        return [pair for flat in self._flats for pair in flat.places()]

    def update(self) -> None:
        """Change the weights once, with the gradients that stand in their `places`."""
        rate = self.learning_rate
        self.iterations += 1
        self._clip()
        for flat in self._flats:
            if self.weight_decay:
                flat.values *= 1 - self.weight_decay * rate
            self._share(flat, rate)

    def _share(self, flat: Flat, rate: float) -> None:
        """Take a step with all weights, those of a large network in parts at the same time."""
        if not self._is_elementwise or flat.values.size < threads.WORTH:
            self._step(flat, rate, self.iterations)
            return

        def work(start: int, stop: int) -> None:
            part = flat if stop - start == flat.values.size else flat.cut(start, stop)
            self._step(part, rate, self.iterations)

        threads.share(work, flat.values.size, load=flat.values.size)

    @property
    def clips(self) -> bool:
        """Whether `update` may shorten the gradients in their places."""
        return any(limit is not None for limit in (self.clipvalue, self.clipnorm, self.global_clipnorm))

    def are_finite(self) -> bool:
        """Say whether all weights are finite numbers."""
        return all(np.isfinite(flat.values).all() for flat in self._flats)

    def _clip(self) -> None:
        if self.clipvalue is not None:
            for flat in self._flats:
                np.clip(flat.gradient, -self.clipvalue, self.clipvalue, out=flat.gradient)
        elif self.clipnorm is not None:
            for flat in self._flats:
                for part in flat.parts:
                    _shorten([flat.gradient[part]], self.clipnorm)
        elif self.global_clipnorm is not None:
            _shorten([flat.gradient for flat in self._flats], self.global_clipnorm)

    def _step(self, flat: Flat, rate: float, count: int) -> None:
        raise NotImplementedError(f"{self.name} must define _step(flat, rate, count).")

    def state(self) -> list[Float["numbers"]]:
        """Return copies of its memory, each array of shape (numbers,), for `restore`."""
        return [slot.copy() for flat in self._flats for slot in flat.slots]

    def restore(self, iterations: int, state: Sequence[Float["numbers"]]) -> None:
        """Go on where another optimizer of this kind stood.

        Parameters
        ----------
        iterations
            How many steps that one had taken.
        state
            Its `state`, each array of shape (numbers,).

        Raises
        ------
        ShapeError
            When the state belongs to other weights; nothing is changed then.
        """
        mine = [slot for flat in self._flats for slot in flat.slots]
        wanted, given = [slot.shape for slot in mine], [np.shape(array) for array in state]
        if wanted != given:
            raise ShapeError(f"The memory of {self.name} has the shapes {wanted}; a state with {given} was given.")
        for slot, array in zip(mine, state, strict=True):
            slot[...] = array
        self.iterations = int(iterations)


def _shorten(parts: Sequence[Any], longest: float) -> None:
    """Scale arrays in place so that together they are no longer than this."""
    length = np.sqrt(sum(float(np.sum(np.square(part, dtype=float))) for part in parts))
    if length > longest:
        for part in parts:
            part *= longest / length
