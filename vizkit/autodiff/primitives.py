"""Functions of one's own with a derivative written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from vizkit.autodiff.engine import Entry, Primitive
from vizkit.autodiff.tracked import Tracked

__all__ = ["Fused", "fused", "primitive"]


class Fused(Primitive):
    """A primitive that computes the gradients of all its inputs at once, from what it kept while it ran.

    Parameters
    ----------
    forward
        Takes the arrays, then options; returns the output, of shape (...), and whatever `backward` needs.
    arrays
        How many of its parameters are arrays; ``None`` when all positional ones are.
    backward
        ``(gradient, output, saved, *inputs, **options)``, returns one gradient for each array, or
        ``None`` in its place.
    """

    def __init__(self, forward: Callable[..., Any], arrays: int | None, backward: Callable[..., Any]) -> None:
        super().__init__(forward, arrays)
        self.backward = backward

    def run(self, entry: Entry) -> Any:
        """Return the output of a call, and keep beside it what the derivative needs."""
        output, entry.saved = self.forward(*entry.values, **entry.options)
        return output

    def pull(self, entry: Entry, gradient: Any) -> Iterator[tuple[Tracked, Any]]:
        """Yield each source of a call with its share of `gradient`, which is of the output's shape (...)."""
        shares = self.backward(gradient, entry.output.value, entry.saved, *entry.values, **entry.options)
        for position, source in entry.sources:
            if shares[position] is not None:
                yield source, shares[position]


def fused(arrays: int | None, backward: Callable[..., Any]) -> Callable[[Callable[..., Any]], Fused]:
    """Decorate a function of arrays that keeps something for its derivative.

    Parameters
    ----------
    arrays
        How many of its first parameters are arrays, of shape (...), any; ``None`` when all positional ones are. The
        others are options.
    backward
        ``(gradient, output, saved, *inputs, **options)``, returns one gradient for each array.

    Examples
    --------
    >>> from vizkit import autodiff
    >>> import numpy as np
    >>> @fused(1, lambda g, y, slope, x: [g * slope])
    ... def bend(x):
    ...     slope = np.where(x > 0, 1.0, 0.1)
    ...     return x * slope, slope
    >>> float(bend(-2.0)), float(autodiff.grad(bend)(-2.0))
    (-0.2, 0.1)
    """
    return lambda function: Fused(function, arrays, backward)


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
    >>> from vizkit import autodiff
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
