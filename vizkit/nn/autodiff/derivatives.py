"""Derivatives of functions, for lessons about derivatives."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, ShapeError
from vizkit.nn.autodiff.engine import Tape
from vizkit.nn.autodiff.tracked import Tracked, plain

__all__ = ["grad", "value_and_grad"]


def value_and_grad(function: Callable[..., Any], argnum: int = 0) -> Callable[..., tuple[Any, Any]]:
    """Return a function that gives the value of `function` and its derivative.

    Parameters
    ----------
    function
        Plain NumPy code that returns a number (shape ``()``).
    argnum
        Which positional argument to differentiate with respect to; an array of any shape.

    Returns
    -------
    callable
        Takes what `function` takes, returns ``(value, gradient)``; the gradient has the
        argument's shape.

    Raises
    ------
    ShapeError
        When `function` returns an array of more than one number.

    Examples
    --------
    >>> value, slope = value_and_grad(lambda x: x**2)(3.0)
    >>> float(value), float(slope)
    (9.0, 6.0)
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        if not -len(args) <= argnum < len(args):
            raise ArgumentError(f"argnum must name one of the {len(args)} positional arguments, not {argnum}.")
        tape = Tape()
        leaf = Tracked(_as_float(args[argnum]), tape)
        arguments = list(args)
        arguments[argnum] = leaf
        output = function(*arguments, **kwargs)
        if np.shape(output) != ():
            raise ShapeError(f"Only a number has a gradient; the function returned shape {np.shape(output)}.")
        if not isinstance(output, Tracked) or output.tape is not tape:
            return output, np.zeros_like(leaf.value)
        gradient = tape.backward(output).get(id(leaf))
        return output.value, np.zeros_like(leaf.value) if gradient is None else _own(gradient)

    return run


def grad(function: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """Return the derivative of a function that returns a number.

    Parameters
    ----------
    function
        Plain NumPy code that returns a number (shape ``()``).
    argnum
        Which positional argument to differentiate with respect to; an array of any shape.

    Returns
    -------
    callable
        Takes what `function` takes, returns the gradient, of the argument's shape. It can itself
        be differentiated.

    Examples
    --------
    >>> import numpy as np
    >>> grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0])).tolist()
    [3.0, 12.0]
    >>> float(grad(grad(np.sin))(np.pi / 2))
    -1.0
    """
    pair = value_and_grad(function, argnum)

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        return pair(*args, **kwargs)[1]

    return run


def _as_float(x: Any) -> Any:
    if isinstance(x, Tracked) and x.tape is not None:
        return x
    x = np.asarray(plain(x))
    return x if x.dtype.kind == "f" else x.astype(float)


def _own(gradient: Any) -> Any:
    """Return a gradient of the caller's own: never a read-only view of something shared."""
    return gradient if isinstance(gradient, Tracked) else np.array(gradient)[()]
