"""Functions of one's own with a derivative written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vizkit.nn.autodiff.engine import Primitive

__all__ = ["primitive"]


def primitive(*derivatives: Callable[..., Any] | None) -> Callable[[Callable[..., Any]], Primitive]:
    """Decorate a function of arrays with its derivatives.

    Parameters
    ----------
    *derivatives
        For each array among the function's first parameters, a function
        ``(gradient, output, *inputs, **options) -> gradient of that input``; ``None`` where it is
        zero. The function's further parameters are options. Arrays are of shape (...), any.

    Returns
    -------
    callable
        The function, which now also takes tracked arrays.

    Examples
    --------
    >>> from vizkit.nn import autodiff
    >>> @primitive(lambda g, y, x: g * y * (1 - y))
    ... def logistic(x):
    ...     return 1 / (1 + np.exp(-x))
    >>> import numpy as np
    >>> float(autodiff.grad(logistic)(0.0))
    0.25
    """

    def wrap(function: Callable[..., Any]) -> Primitive:
        return Primitive(function, len(derivatives), derivatives)

    return wrap
