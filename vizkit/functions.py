"""The activation functions, each beside its derivative, in plain NumPy.

`ACTIVATIONS` holds them by name. Both formulas take an array of any shape and return one of
the same shape; they stay finite and exact for large inputs of either sign. At a corner the
derivative is the one from the left, as in PyTorch, but for ``elu``, whose two sides agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from vizkit.errors import ArgumentError, unknown_name
from vizkit.typing import Float

__all__ = ["ACTIVATIONS", "Activation", "Function", "activation", "central_difference"]

Function: TypeAlias = Callable[[Float["..."]], Float["..."]]

LEAK = 0.2  # leaky ReLU's slope for negative inputs, as in Keras (Maas et al. 2013 had 0.01)
ALPHA = 1.0  # ELU's limit is −ALPHA (Clevert et al. 2016)


@dataclass(frozen=True, slots=True)
class Activation:
    """A function of one number with its derivative.

    Attributes
    ----------
    name
        How it is called in code.
    title
        How it is written for people.
    function, derivative
        From an array of any shape to one of the same shape.
    corners
        Where the derivative jumps.
    """

    name: str
    title: str
    function: Function
    derivative: Function
    corners: tuple[float, ...] = ()


def _linear(x: Float["..."]) -> Float["..."]:
    return x * 1.0


def _linear_slope(x: Float["..."]) -> Float["..."]:
    return np.ones_like(x)


def _relu(x: Float["..."]) -> Float["..."]:
    return np.maximum(x, 0.0)


def _relu_slope(x: Float["..."]) -> Float["..."]:
    return np.where(x > 0, 1.0, 0.0)


def _leaky_relu(x: Float["..."]) -> Float["..."]:
    return np.where(x > 0, x, LEAK * x)


def _leaky_relu_slope(x: Float["..."]) -> Float["..."]:
    return np.where(x > 0, 1.0, LEAK)


def _elu(x: Float["..."]) -> Float["..."]:
    return np.where(x > 0, x, ALPHA * np.expm1(np.minimum(x, 0.0)))


def _elu_slope(x: Float["..."]) -> Float["..."]:
    return np.where(x > 0, 1.0, ALPHA * np.exp(np.minimum(x, 0.0)))


def _softplus(x: Float["..."]) -> Float["..."]:
    return np.logaddexp(0.0, x)


def _sigmoid(x: Float["..."]) -> Float["..."]:
    small = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _sigmoid_slope(x: Float["..."]) -> Float["..."]:
    return _sigmoid(x) * _sigmoid(-x)


def _tanh(x: Float["..."]) -> Float["..."]:
    return np.tanh(x)


def _tanh_slope(x: Float["..."]) -> Float["..."]:
    return 4.0 * _sigmoid_slope(2.0 * x)  # 1 − tanh², without its cancellation for large inputs


def _silu(x: Float["..."]) -> Float["..."]:
    return x * _sigmoid(x)


def _silu_slope(x: Float["..."]) -> Float["..."]:
    share = _sigmoid(x)
    return share + x * share * _sigmoid(-x)


_erfc = np.vectorize(math.erfc, otypes=[float])


def _normal_share(x: Float["..."]) -> Float["..."]:
    return 0.5 * _erfc(-np.asarray(x) / math.sqrt(2.0))


def _gelu(x: Float["..."]) -> Float["..."]:
    return x * _normal_share(x)


def _gelu_slope(x: Float["..."]) -> Float["..."]:
    return _normal_share(x) + x * np.exp(-0.5 * np.square(x)) / math.sqrt(2.0 * math.pi)


_ALL = (
    Activation("linear", "linear", _linear, _linear_slope),
    Activation("relu", "ReLU", _relu, _relu_slope, corners=(0.0,)),
    Activation("leaky_relu", "leaky ReLU", _leaky_relu, _leaky_relu_slope, corners=(0.0,)),
    Activation("elu", "ELU", _elu, _elu_slope),
    Activation("softplus", "softplus", _softplus, _sigmoid),
    Activation("gelu", "GELU", _gelu, _gelu_slope),  # exact, with the normal distribution (Hendrycks & Gimpel 2016)
    Activation("silu", "SiLU", _silu, _silu_slope),
    Activation("sigmoid", "sigmoid", _sigmoid, _sigmoid_slope),
    Activation("tanh", "tanh", _tanh, _tanh_slope),
    # Of the scores (x, 0), the share of the first: the one curve that softmax has.
    Activation("softmax", "softmax of (x, 0)", _sigmoid, _sigmoid_slope),
)

ACTIVATIONS = MappingProxyType({entry.name: entry for entry in _ALL})

_STEP = float(np.finfo(float).eps ** (1 / 3))


def central_difference(function: Function, step: float = _STEP) -> Function:
    """Return the numerical derivative of a function, (f(x + h) − f(x − h)) / 2h.

    h is `step` × max(1, |x|). With the default, the cube root of the machine's precision, about
    6e-6, the error is about 1e-10 times the size of the function and of its third derivative.

    Parameters
    ----------
    function
        From an array of any shape to one of the same shape.
    step
        The relative step, above 0.

    Examples
    --------
    >>> float(np.round(central_difference(np.exp)(np.array(0.0)), 8))
    1.0
    """
    if not step > 0:
        raise ArgumentError(f"The step of a difference lies above 0, but {step!r} was given.")

    def slope(x: Float["..."]) -> Float["..."]:
        x = np.asarray(x, dtype=float)
        reach = step * np.maximum(1.0, np.abs(x))
        above, below = x + reach, x - reach
        return (np.asarray(function(above)) - np.asarray(function(below))) / (above - below)

    return slope


def activation(given: str | Function | Activation) -> Activation:
    """Return an activation by its name, or made from a callable with a numerical derivative.

    A callable takes an array of any shape and returns one of the same shape.

    Raises
    ------
    UnknownNameError
        If no activation has that name; the message names the nearest.
    ArgumentError
        If it is neither a name nor callable.

    Examples
    --------
    >>> float(activation("relu").function(np.array(-3.0)))
    0.0
    >>> activation(np.square).name
    'square'
    """
    if isinstance(given, Activation):
        return given
    if isinstance(given, str):
        key = given.strip().lower()
        key = {"leakyrelu": "leaky_relu", "leaky relu": "leaky_relu", "swish": "silu", "identity": "linear"}.get(
            key, key
        )
        if key not in ACTIVATIONS:
            raise unknown_name("activation", given, ACTIVATIONS)
        return ACTIVATIONS[key]
    if not callable(given):
        raise ArgumentError(
            f"An activation is a name or a callable, but a {type(given).__name__} was given: {given!r}."
        )
    name = getattr(given, "__name__", type(given).__name__)
    title = "f" if name == "<lambda>" else name
    return Activation(title, title, given, central_difference(given))
