"""Gradient descent, with momentum if asked."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.checks import number
from vizkit.nn.optimizers.base import Flat, Optimizer

__all__ = ["SGD"]


class SGD(Optimizer):
    """Gradient descent: against the gradient, with momentum if asked.

    Parameters
    ----------
    learning_rate
        Size of the steps, or a schedule.
    momentum
        Share of the last step that is taken again, from 0 to 1.
    nesterov
        Look ahead along the momentum.
    **options
        ``weight_decay``, ``clipnorm``, ``clipvalue``, ``global_clipnorm`` as in `Optimizer`.

    Examples
    --------
    >>> SGD(0.1, momentum=0.9).config()
    {'name': 'SGD', 'learning_rate': 0.1, 'momentum': 0.9, 'nesterov': False}
    """

    _is_elementwise = True

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = number("momentum", momentum, 0, 1, includes_low=True)
        self.nesterov = bool(nesterov)
        self._slots = 1 if momentum else 0

    def _step(self, flat: Flat, rate: float, count: int) -> None:
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
