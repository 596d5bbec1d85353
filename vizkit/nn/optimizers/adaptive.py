"""Optimizers that divide each weight's step by the size that its gradient has had."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.checks import number, share
from vizkit.nn.optimizers.base import Flat, Optimizer

__all__ = ["Adagrad", "Adam", "AdamW", "RMSprop"]


class Adagrad(Optimizer):
    """Steps divided by the root of all squared gradients so far (Duchi et al. 2011).

    Parameters
    ----------
    learning_rate
        Size of the steps, or a schedule.
    initial_accumulator_value
        Where the sum of squares begins, from 0.
    epsilon
        Keeps the division finite.
    **options
        ``weight_decay``, ``clipnorm``, ``clipvalue``, ``global_clipnorm`` as in `Optimizer`.

    Examples
    --------
    >>> Adagrad().initial_accumulator_value
    0.1
    """

    _slots = 1
    _is_elementwise = True

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        start = number("initial_accumulator_value", initial_accumulator_value, includes_low=True)
        self.initial_accumulator_value = self._slot_start = start
        self.epsilon = number("epsilon", epsilon)

    def _step(self, flat: Flat, rate: float, count: int) -> None:
        (squares,), scratch = flat.slots, flat.scratch
        squares += np.multiply(flat.gradient, flat.gradient, out=scratch)
        np.add(squares, self.epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.divide(flat.gradient, scratch, out=scratch)
        scratch *= rate
        flat.values -= scratch


class RMSprop(Optimizer):
    """Steps divided by the recent size of the gradient (Tieleman and Hinton 2012).

    Parameters
    ----------
    learning_rate
        Size of the steps, or a schedule.
    rho
        How slowly the size is forgotten.
    momentum
        Share of the last step that is taken again, from 0 to 1.
    epsilon
        Keeps the division finite.
    centered
        Whether the mean gradient is taken out of the size.
    **options
        ``weight_decay``, ``clipnorm``, ``clipvalue``, ``global_clipnorm`` as in `Optimizer`.

    Examples
    --------
    >>> RMSprop().rho
    0.9
    """

    _slots = 3  # mean square, last step, mean
    _is_elementwise = True

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho, self.epsilon = number("rho", rho, 0, 1, True), number("epsilon", epsilon)
        self.momentum, self.centered = number("momentum", momentum, 0, 1, True), bool(centered)
        self._slots = 3 if centered else 2 if momentum else 1

    def _step(self, flat: Flat, rate: float, count: int) -> None:
        square, *others = flat.slots
        scratch = flat.scratch
        _blend(square, np.multiply(flat.gradient, flat.gradient, out=scratch), self.rho)
        size = np.add(square, self.epsilon, out=flat.spare)
        if self.centered:
            mean = others[1]
            np.copyto(scratch, flat.gradient)
            _blend(mean, scratch, self.rho)
            size -= np.multiply(mean, mean, out=scratch)
        np.divide(flat.gradient, np.sqrt(size, out=size), out=scratch)
        scratch *= rate
        if self.momentum:
            move = others[0]
            move *= self.momentum
            move += scratch
            flat.values -= move
        else:
            flat.values -= scratch


class Adam(Optimizer):
    """Steps along the mean gradient, divided by its recent size (Kingma and Ba 2015).

    Parameters
    ----------
    learning_rate
        Size of the steps, or a schedule.
    beta_1, beta_2
        How slowly the mean and the mean square are forgotten.
    epsilon
        Keeps the division finite.
    amsgrad
        Whether the size never shrinks again (Reddi et al. 2018).
    **options
        ``weight_decay``, ``clipnorm``, ``clipvalue``, ``global_clipnorm`` as in `Optimizer`.

    Examples
    --------
    >>> Adam().learning_rate
    0.001
    """

    _slots = 2
    _is_elementwise = True

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2 = share("beta_1", beta_1), share("beta_2", beta_2)
        self.epsilon, self.amsgrad = number("epsilon", epsilon), bool(amsgrad)
        self._slots = 3 if amsgrad else 2

    def _step(self, flat: Flat, rate: float, count: int) -> None:
        # The memories leave out the factors 1 − β; those stand in the rate and in epsilon instead,
        # which saves two passes over all weights.
        mean, square, *peak = flat.slots
        scratch, size = flat.scratch, (1 - self.beta_2) ** 0.5
        mean *= self.beta_1
        mean += flat.gradient
        square *= self.beta_2
        square += np.multiply(flat.gradient, flat.gradient, out=scratch)
        if peak:
            square = np.maximum(peak[0], square, out=peak[0])
        np.sqrt(square, out=scratch)
        scratch += self.epsilon / size
        np.divide(mean, scratch, out=scratch)
        unbiased = (1 - self.beta_2**count) ** 0.5 / (1 - self.beta_1**count)
        scratch *= rate * unbiased * (1 - self.beta_1) / size
        flat.values -= scratch


class AdamW(Adam):
    """Adam with weight decay (Loshchilov and Hutter 2019).

    Parameters
    ----------
    learning_rate
        Size of the steps, or a schedule.
    weight_decay
        Before a step each weight is multiplied by 1 − weight_decay × learning rate.
    beta_1, beta_2, epsilon, amsgrad, **options
        As in `Adam`.

    Examples
    --------
    >>> AdamW().weight_decay
    0.004
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options)


def _blend(memory: Any, new: Any, keep: float) -> None:
    """Let a memory keep a share of itself and take the rest from `new`, both in place."""
    memory *= keep
    new *= 1 - keep
    memory += new
