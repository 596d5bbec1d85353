"""Optimizers: what is done with the gradients. Names, defaults and formulas are Keras's.

All weights of one type stand one behind the other in one flat array, so an optimizer is a few passes
over it in place, and costs the same for one weight array as for fifty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError
from vizkit.nn.layers.variables import Variable
from vizkit.nn.names import lookup

__all__ = ["SGD", "Adam", "Optimizer", "RMSprop", "get"]


class _Flat:
    """Weights of one type behind one another, with their gradient and an optimizer's memory."""

    def __init__(self, variables: Sequence[Variable], slots: int) -> None:
        self.variables = list(variables)
        self.values = np.concatenate([v.value.ravel() for v in variables])
        self.gradient, self.scratch = np.zeros_like(self.values), np.zeros_like(self.values)
        self.slots = [np.zeros_like(self.values) for _ in range(slots)]
        start = 0
        for variable in self.variables:
            stop = start + variable.value.size
            variable.value = self.values[start:stop].reshape(variable.value.shape)  # a view
            start = stop

    def fill(self, gradients: dict[int, Any]) -> None:
        parts = [gradients.get(id(v)) for v in self.variables]
        flat = [np.zeros(v.size) if g is None else g.reshape(-1) for g, v in zip(parts, self.variables, strict=True)]
        np.concatenate(flat, out=self.gradient)


class Optimizer:
    """Base class: define ``_step(flat, rate, count)``, which changes ``flat.values`` in place.

    Parameters
    ----------
    learning_rate
        Size of the steps, above 0; may be set between epochs.
    """

    _slots = 0  # arrays of memory for each weight

    def __init__(self, learning_rate: float = 0.01) -> None:
        self.learning_rate = _number("learning_rate", learning_rate, 0, np.inf)
        self.iterations = 0
        self._flats: list[_Flat] = []

    @property
    def name(self) -> str:
        """The optimizer's name."""
        return type(self).__name__

    def config(self) -> dict[str, Any]:
        """Return its name and settings."""
        settings = {k: v for k, v in vars(self).items() if k != "iterations" and not k.startswith("_")}
        return {"name": self.name, **settings}

    def build(self, variables: Sequence[Variable]) -> None:
        """Take over these weights; memory is kept when they are the ones it has already."""
        if [id(v) for flat in self._flats for v in flat.variables] == [id(v) for v in _by_type(variables)]:
            return
        groups: dict[Any, list[Variable]] = {}
        for variable in variables:
            groups.setdefault(variable.dtype, []).append(variable)
        self._flats = [_Flat(group, self._slots) for group in groups.values()]

    def apply(self, gradients: dict[int, Any]) -> None:
        """Change the weights once.

        Parameters
        ----------
        gradients
            ``id(variable) -> gradient`` of the variable's shape; one that is missing counts as 0.
        """
        self.iterations += 1
        for flat in self._flats:
            flat.fill(gradients)
            self._step(flat, self.learning_rate, self.iterations)

    def _step(self, flat: _Flat, rate: float, count: int) -> None:
        raise NotImplementedError(f"{self.name} must define _step(flat, rate, count).")


class SGD(Optimizer):
    """Gradient descent: against the gradient, with momentum if asked.

    Parameters
    ----------
    learning_rate
        Size of the steps.
    momentum
        Share of the last step that is taken again, from 0 to 1.
    nesterov
        Look ahead along the momentum.

    Examples
    --------
    >>> SGD(0.1, momentum=0.9).config()
    {'name': 'SGD', 'learning_rate': 0.1, 'momentum': 0.9, 'nesterov': False}
    """

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False) -> None:
        super().__init__(learning_rate)
        self.momentum = _number("momentum", momentum, 0, 1, includes_low=True)
        self.nesterov = bool(nesterov)
        self._slots = 1 if momentum else 0

    def _step(self, flat: _Flat, rate: float, count: int) -> None:
        move = np.multiply(flat.gradient, -rate, out=flat.scratch)
        if self.momentum:
            (velocity,) = flat.slots
            velocity *= self.momentum
            velocity += move
            if self.nesterov:
                flat.values += move
                move = np.multiply(velocity, self.momentum, out=flat.scratch)
            else:
                move = velocity
        flat.values += move


class RMSprop(Optimizer):
    """Steps divided by the recent size of the gradient.

    Parameters
    ----------
    learning_rate
        Size of the steps.
    rho
        How slowly the size is forgotten.
    epsilon
        Keeps the division finite.

    Examples
    --------
    >>> RMSprop().rho
    0.9
    """

    _slots = 1

    def __init__(self, learning_rate: float = 0.001, rho: float = 0.9, epsilon: float = 1e-7) -> None:
        super().__init__(learning_rate)
        self.rho, self.epsilon = _number("rho", rho, 0, 1, True), _number("epsilon", epsilon, 0, np.inf)

    def _step(self, flat: _Flat, rate: float, count: int) -> None:
        (square,), scratch = flat.slots, flat.scratch
        square *= self.rho
        np.multiply(flat.gradient, flat.gradient, out=scratch)
        scratch *= 1 - self.rho
        square += scratch
        np.sqrt(square + self.epsilon, out=scratch)
        np.divide(flat.gradient, scratch, out=scratch)
        scratch *= rate
        flat.values -= scratch


class Adam(Optimizer):
    """Steps along the mean gradient, divided by its recent size (Kingma and Ba 2015).

    Parameters
    ----------
    learning_rate
        Size of the steps.
    beta_1, beta_2
        How slowly the mean and the mean square are forgotten.
    epsilon
        Keeps the division finite.

    Examples
    --------
    >>> Adam().learning_rate
    0.001
    """

    _slots = 2

    def __init__(
        self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7
    ) -> None:
        super().__init__(learning_rate)
        self.beta_1 = _share("beta_1", beta_1)
        self.beta_2 = _share("beta_2", beta_2)
        self.epsilon = _number("epsilon", epsilon, 0, np.inf)

    def _step(self, flat: _Flat, rate: float, count: int) -> None:
        # The memories leave out the factors 1 − β; those stand in the rate and in epsilon instead,
        # which saves two passes over all weights.
        (mean, square), scratch = flat.slots, flat.scratch
        size = (1 - self.beta_2) ** 0.5
        mean *= self.beta_1
        mean += flat.gradient
        square *= self.beta_2
        square += np.multiply(flat.gradient, flat.gradient, out=scratch)
        np.sqrt(square, out=scratch)
        scratch += self.epsilon / size
        np.divide(mean, scratch, out=scratch)
        unbiased = (1 - self.beta_2**count) ** 0.5 / (1 - self.beta_1**count)
        scratch *= rate * unbiased * (1 - self.beta_1) / size
        flat.values -= scratch


def _by_type(variables: Sequence[Variable]) -> list[Variable]:
    kinds = list(dict.fromkeys(v.dtype for v in variables))
    return sorted(variables, key=lambda v: kinds.index(v.dtype))


def _share(name: str, value: Any) -> float:
    if value == 1:
        raise ArgumentError(f"{name} is a number at least 0 and less than 1; {value!r} was given.")
    return _number(name, value, 0, 1, includes_low=True)


def _number(name: str, value: Any, low: float, high: float, includes_low: bool = False) -> float:
    """Return a finite number within its limits, or raise."""
    real = isinstance(value, (int, float, np.number)) and np.isfinite(value)
    if not real or value > high or value < low or (value == low and not includes_low):
        rule = f"{'at least' if includes_low else 'above'} {low:g}" + (
            f" and at most {high:g}" if high < np.inf else ""
        )
        raise ArgumentError(f"{name} is a number {rule}; {value!r} was given.")
    return float(value)


_NAMES: dict[str, Callable[[], Optimizer]] = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}


def get(identifier: Any) -> Optimizer:
    """Return an optimizer by its name; one that is given is returned as it is.

    Raises
    ------
    UnknownNameError
        When no optimizer has this name.
    ArgumentError
        When it is neither a name nor an optimizer.

    Examples
    --------
    >>> get("adam").name
    'Adam'
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if not isinstance(identifier, str):
        raise ArgumentError(f"An optimizer is given by its name or as an Optimizer; {identifier!r} was given.")
    return lookup("optimizer", identifier.lower(), _NAMES)()
