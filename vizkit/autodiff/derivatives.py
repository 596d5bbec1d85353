"""Derivatives of functions, for lessons about derivatives."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from vizkit.autodiff.engine import Tape
from vizkit.autodiff.tracked import Tracked, plain
from vizkit.errors import ArgumentError, ShapeError

__all__ = ["grad", "jacobian", "value_and_grad"]


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
        leaf, output = _follow(function, argnum, args, kwargs)
        if np.shape(output) != ():
            raise ShapeError(
                f"Only a number has a gradient, arrays have a jacobian; the function returned shape {np.shape(output)}."
            )
        if not _depends(output, leaf):
            return output, np.zeros_like(leaf.value)
        return output.value, _gradient(leaf, output)

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


def jacobian(function: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """Return the derivatives of all outputs of a function with respect to all elements of an argument.

    Parameters
    ----------
    function
        Plain NumPy code that returns an array of any shape, or a number.
    argnum
        Which positional argument to differentiate with respect to; an array of any shape.

    Returns
    -------
    callable
        Takes what `function` takes, returns an array of shape (..., ...): the output's axes, then the argument's.
        It can itself be differentiated.

    Examples
    --------
    >>> import numpy as np
    >>> jacobian(lambda x: np.array([[1.0, 2.0], [0.0, 3.0]]) @ x)(np.zeros(2)).tolist()
    [[1.0, 2.0], [0.0, 3.0]]
    >>> hessian = jacobian(grad(lambda x: x[0] ** 2 * x[1]))
    >>> hessian(np.array([1.0, 2.0])).tolist()
    [[4.0, 2.0], [2.0, 0.0]]
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        leaf, output = _follow(function, argnum, args, kwargs)
        shape = np.shape(output) + leaf.shape
        if not _depends(output, leaf) or 0 in shape:
            return np.zeros(shape, leaf.dtype)
        units = np.eye(output.size, dtype=output.dtype).reshape(-1, *output.shape)
        return np.reshape(np.stack([_gradient(leaf, output, unit) for unit in units]), shape)

    return run


def _follow(function: Callable[..., Any], argnum: int, args: tuple[Any, ...], kwargs: Any) -> tuple[Tracked, Any]:
    """Call a function with one argument tracked; return that and the output."""
    if not -len(args) <= argnum < len(args):
        raise ArgumentError(f"argnum must name one of the {len(args)} positional arguments, not {argnum}.")
    leaf = Tracked(_as_float(args[argnum]), Tape())
    arguments = list(args)
    arguments[argnum] = leaf
    return leaf, function(*arguments, **kwargs)


def _depends(output: Any, leaf: Tracked) -> bool:
    return isinstance(output, Tracked) and output.tape is leaf.tape


def _gradient(leaf: Tracked, output: Tracked, seed: Any = None) -> Any:
    """Return the derivative of an output, weighed by `seed`, in an array of the caller's own."""
    gradient = leaf.tape.backward(output, seed).get(id(leaf))
    if gradient is None:
        return np.zeros_like(leaf.value)
    return gradient if isinstance(gradient, Tracked) else np.array(gradient)[()]


def _as_float(x: Any) -> Any:
    if isinstance(x, Tracked) and x.tape is not None:
        return x
    x = np.asarray(plain(x))
    return x if x.dtype.kind == "f" else x.astype(float)
