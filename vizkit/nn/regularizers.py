"""Regularizers: what large weights cost, beside the loss. Names and defaults are Keras's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vizkit.autodiff import Tracked
from vizkit.checks import number
from vizkit.nn.changes import Noticed
from vizkit.nn.names import by_name, lookup

__all__ = ["L1", "L1L2", "L2", "Regularizer", "get"]


class Regularizer(Noticed):
    """Base class: define ``__call__(weight)``, which gives a number.

    Examples
    --------
    >>> class Sparse(Regularizer):
    ...     def __call__(self, weight):
    ...         return np.sum(np.sqrt(np.abs(weight)))
    """

    def __call__(self, weight: Any) -> Any:
        """Return what a weight of any shape costs, of shape ``()``."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(weight).")


class L1L2(Regularizer):
    """l1 times the sum of |w|, and l2 times the sum of w².

    Parameters
    ----------
    l1, l2
        The factors, from 0.

    Examples
    --------
    >>> L1L2(l1=1.0, l2=0.5)(np.array([1.0, -2.0])).item()
    5.5
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = number("l1", l1, includes_low=True)
        self.l2 = number("l2", l2, includes_low=True)

    def __call__(self, weight: Any) -> Any:
        """Return what a weight of any shape costs, of shape ``()``."""
        cost = 0.0
        if self.l1:
            cost = cost + self.l1 * np.sum(np.abs(weight))
        if self.l2:
            cost = cost + self.l2 * np.sum(np.square(weight))
        return cost


class L1(L1L2):
    """l1 times the sum of |w|: pulls weights to 0 by equal steps, so that many end there."""

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)


class L2(L1L2):
    """l2 times the sum of w²: pulls weights to 0 in proportion to their size."""

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)


l1, l2, l1_l2 = L1, L2, L1L2  # Keras writes them both ways
_NAMES = by_name(L1, L2, l1_l2=lambda: L1L2(0.01, 0.01), L1=L1, L2=L2, L1L2=L1L2)


def get(identifier: Any) -> Callable[[Tracked], Any] | None:
    """Return a regularizer by its name; ``None`` is none, something callable is returned as it is.

    Raises
    ------
    UnknownNameError
        When no regularizer has this name.

    Examples
    --------
    >>> get("l2").l2
    0.01
    """
    if identifier is None:
        return None
    if isinstance(identifier, Mapping):
        settings = dict(identifier)
        return lookup("regularizer", settings.pop("name"), _NAMES)(**settings)
    found = lookup("regularizer", identifier, _NAMES)
    return found() if isinstance(identifier, str) else found
