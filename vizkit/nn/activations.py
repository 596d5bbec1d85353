"""Activation functions: plain NumPy, differentiated by the engine.

Where the plain formula would overflow, lose digits, or miss the derivative at 0, the derivative is
written beside it. Each takes and gives an array of any shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vizkit.nn.autodiff import operation, primitive
from vizkit.nn.names import lookup

__all__ = ["elu", "get", "leaky_relu", "linear", "names", "relu", "sigmoid", "softmax", "softplus", "tanh"]


def linear(x: Any) -> Any:
    """Return `x` itself.

    Examples
    --------
    >>> linear(-3.0)
    -3.0
    """
    return x


@primitive(lambda g, y, x: g * (y > 0))
def relu(x: Any) -> Any:
    """Return `x` where it is positive, else 0. The derivative at 0 is 0.

    `x` and the result are of shape (...), any and the same.

    Examples
    --------
    >>> relu(np.array([-3.0, 5.0])).tolist()
    [0.0, 5.0]
    """
    return np.maximum(x, 0)


@operation
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Return `x` where it is positive, else `negative_slope` times `x`.

    `x` and the result are of shape (...), any and the same.

    Examples
    --------
    >>> leaky_relu(np.array([-1.0, 5.0])).tolist()
    [-0.2, 5.0]
    """
    return np.where(x > 0, x, negative_slope * x)


@operation
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return `x` where it is positive, else alpha (exp x − 1) (Clevert et al. 2016).

    `x` and the result are of shape (...), any and the same.

    Examples
    --------
    >>> elu(np.array([-1e4, 5.0])).tolist()
    [-1.0, 5.0]
    """
    negative = np.where(x > 0, 0, x)  # keeps exp from overflowing where it is not used
    return np.where(x > 0, x, alpha * np.expm1(negative))


@operation
def softplus(x: Any) -> Any:
    """Return log(1 + exp x), a smooth relu. Its derivative is the sigmoid.

    `x` and the result are of shape (...), any and the same.

    Examples
    --------
    >>> softplus(np.array([-1e4, 1e4])).tolist()
    [0.0, 10000.0]
    """
    return np.logaddexp(x, 0)


@primitive(lambda g, y, x: g * y * (1 - y))
def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp −x), between 0 and 1.

    `x` and the result are of shape (...), any and the same.

    Examples
    --------
    >>> sigmoid(np.array([-1e4, 0.0, 1e4])).tolist()
    [0.0, 0.5, 1.0]
    """
    small = np.exp(-np.abs(x))  # at most 1, so nothing overflows
    return np.where(np.greater_equal(x, 0), 1, small) / (1 + small)


@operation
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent, between −1 and 1.

    Examples
    --------
    >>> float(tanh(0.0))
    0.0
    """
    return np.tanh(x)


@primitive(lambda g, y, x, axis=-1: y * (g - np.sum(g * y, axis=axis, keepdims=True)))
def softmax(x: Any, axis: int = -1) -> Any:
    """Return exp x divided by its sum along `axis`: scores become probabilities.

    `x` and the result are of shape (...), any and the same.

    Examples
    --------
    >>> softmax(np.array([2.0, 1.0, 0.1])).round(3).tolist()
    [0.659, 0.242, 0.099]
    """
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)


_NAMES: dict[str, Callable[..., Any]] = {
    "elu": elu,
    "leaky_relu": leaky_relu,
    "linear": linear,
    "relu": relu,
    "sigmoid": sigmoid,
    "softmax": softmax,
    "softplus": softplus,
    "tanh": tanh,
}


def names() -> list[str]:
    """Return the names of all activations.

    Examples
    --------
    >>> names()[:2]
    ['elu', 'leaky_relu']
    """
    return sorted(_NAMES)


def get(identifier: str | Callable[..., Any] | None) -> Callable[..., Any]:
    """Return an activation by its name; ``None`` is linear, a callable is returned as it is.

    It keeps the shape: what goes in of shape (...) comes out so.

    Raises
    ------
    UnknownNameError
        When no activation has this name.

    Examples
    --------
    >>> get("relu")(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return linear if identifier is None else lookup("activation", identifier, _NAMES)
