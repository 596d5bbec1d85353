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

from vizkit.checks import number
from vizkit.errors import ArgumentError, unknown_name
from vizkit.typing import Float

__all__ = ["ACTIVATIONS", "Activation", "Function", "activation", "central_difference"]

Function: TypeAlias = Callable[[Float["..."]], Float["..."]]

LEAK = 0.2  # leaky ReLU's slope for negative inputs, as in Keras (Maas et al. 2013 had 0.01)
ALPHA = 1.0  # ELU's limit is −ALPHA (Clevert et al. 2016)
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017, appendix
GELU_CUBIC = 0.044715  # of the approximation with tanh (Hendrycks and Gimpel 2016)


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
        From an array of any shape to one of the same shape and type.
    corners
        Where the derivative jumps.
    from_output
        The derivative as a function of the output, where that is less work.
    """

    name: str
    title: str
    function: Function
    derivative: Function
    corners: tuple[float, ...] = ()
    from_output: Function | None = None


def _above_zero(x: Float["..."], high: float, low: float) -> Float["..."]:
    """Return `high` where x lies above 0, else `low`, as the type of x."""
    kind = getattr(x, "dtype", np.dtype(float))
    return np.where(x > 0, high, low).astype(kind if kind.kind == "f" else float)


def _linear(x: Float["..."]) -> Float["..."]:
    return x * 1.0


def _linear_slope(x: Float["..."]) -> Float["..."]:
    return np.ones_like(x)


def _relu(x: Float["..."]) -> Float["..."]:
    """Return x where it is positive, else 0."""
    return np.maximum(x, 0.0)


def _relu_slope(x: Float["..."]) -> Float["..."]:
    return _above_zero(x, 1.0, 0.0)


def _relu6(x: Float["..."]) -> Float["..."]:
    """Return x between 0 and 6, else the nearer of these two."""
    return np.minimum(np.maximum(x, 0.0), 6.0)


def _relu6_slope(x: Float["..."]) -> Float["..."]:
    return np.where(x < 6.0, _above_zero(x, 1.0, 0.0), 0.0)


def _leaky_relu(x: Float["..."], negative_slope: float = LEAK) -> Float["..."]:
    """Return x where it is positive, else `negative_slope` times x."""
    return np.where(x > 0, x, negative_slope * x)


def _leaky_relu_slope(x: Float["..."], negative_slope: float = LEAK) -> Float["..."]:
    return _above_zero(x, 1.0, negative_slope)


def _elu(x: Float["..."], alpha: float = ALPHA) -> Float["..."]:
    """Return x where it is positive, else alpha (exp x − 1)."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def _elu_slope(x: Float["..."], alpha: float = ALPHA) -> Float["..."]:
    return np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0.0)))


def _selu(x: Float["..."]) -> Float["..."]:
    """Return an elu scaled so that mean 0 and variance 1 are kept from layer to layer."""
    return SELU_SCALE * _elu(x, SELU_ALPHA)


def _selu_slope(x: Float["..."]) -> Float["..."]:
    return SELU_SCALE * _elu_slope(x, SELU_ALPHA)


def _softplus(x: Float["..."]) -> Float["..."]:
    """Return log(1 + exp x), a smooth relu. Its derivative is the sigmoid."""
    return np.logaddexp(x, 0.0)


def _softsign(x: Float["..."]) -> Float["..."]:
    """Return x / (1 + |x|), between −1 and 1."""
    return x / (1.0 + np.abs(x))


def _softsign_slope(x: Float["..."]) -> Float["..."]:
    return 1.0 / np.square(1.0 + np.abs(x))


def _sigmoid(x: Float["..."]) -> Float["..."]:
    """Return 1 / (1 + exp −x), between 0 and 1."""
    small = np.exp(-np.abs(x))  # never overflows
    return np.where(np.greater_equal(x, 0), 1.0, small) / (1.0 + small)


def _sigmoid_slope(x: Float["..."]) -> Float["..."]:
    return _sigmoid(x) * _sigmoid(-x)


def _hard_sigmoid(x: Float["..."]) -> Float["..."]:
    """Return x / 6 + ½ within 0 and 1: the sigmoid drawn with three straight lines."""
    return _relu6(x + 3.0) / 6.0


def _hard_sigmoid_slope(x: Float["..."]) -> Float["..."]:
    return _relu6_slope(x + 3.0) / 6.0


def _tanh(x: Float["..."]) -> Float["..."]:
    """Return the hyperbolic tangent, between −1 and 1."""
    return np.tanh(x)


def _tanh_slope(x: Float["..."]) -> Float["..."]:
    return 4.0 * _sigmoid_slope(2.0 * x)  # 1 − tanh², without its cancellation for large inputs


def _silu(x: Float["..."]) -> Float["..."]:
    """Return x times its sigmoid (Elfwing et al. 2018)."""
    return x * _sigmoid(x)


def _silu_slope(x: Float["..."]) -> Float["..."]:
    share = _sigmoid(x)
    return share + x * share * _sigmoid(-x)


def _mish(x: Float["..."]) -> Float["..."]:
    """Return x tanh(softplus x) (Misra 2019)."""
    return x * np.tanh(_softplus(x))


def _mish_slope(x: Float["..."]) -> Float["..."]:
    smooth = _softplus(x)
    return np.tanh(smooth) + x * _tanh_slope(smooth) * _sigmoid(x)


def _gelu(x: Float["..."], approximate: bool = False) -> Float["..."]:
    """Return x times the normal distribution's share below x; `approximate` takes a sigmoid for it."""
    return x * (_sigmoid(_gelu_bend(x)) if approximate else _normal_share(x))


def _gelu_slope(x: Float["..."], approximate: bool = False) -> Float["..."]:
    if approximate:
        share, other = _sigmoid(_gelu_bend(x)), _sigmoid(-_gelu_bend(x))
        bend_slope = math.sqrt(8.0 / math.pi) * (1.0 + 3.0 * GELU_CUBIC * np.square(x))
        return share + x * share * other * bend_slope
    return _normal_share(x) + x * np.exp(-0.5 * np.square(x)) / math.sqrt(2.0 * math.pi)


def _tail_terms(count: int = 32) -> tuple[float, ...]:
    """Return Chebyshev coefficients of log(erfc z / t) + z² over t = 1 / (1 + z / 2), from z = 26 to 0."""
    angles = [math.pi * (k + 0.5) / count for k in range(count)]
    places = [_TAIL_END + (1 - _TAIL_END) * (1 + math.cos(angle)) / 2 for angle in angles]
    depths = [2 / t - 2 for t in places]
    values = [math.log(math.erfc(z) / t) + z * z for z, t in zip(depths, places, strict=True)]
    sums = [sum(v * math.cos(n * a) for v, a in zip(values, angles, strict=True)) for n in range(count)]
    return (sums[0] / count, *(2 * total / count for total in sums[1:]))


_TAIL_END = 1 / (1 + 26 / 2)  # beyond z = 26 erfc leaves the floating point numbers
_TAIL = _tail_terms()


def _normal_share(x: Float["..."]) -> Float["..."]:
    """Return the share of the standard normal distribution below x, exact to twelve digits.

    It is ½ erfc(−x / √2). NumPy has no erfc, so the smooth part of its tail is a sum of Chebyshev
    polynomials (Clenshaw's recurrence) in t, with arithmetic alone.
    """
    z = np.minimum(np.abs(x), 60.0) * math.sqrt(0.5)
    t = 1.0 / (1.0 + 0.5 * z)
    place = (2.0 * t - (1.0 + _TAIL_END)) / (1.0 - _TAIL_END)
    last, before = 0.0 * z, 0.0 * z
    for term in reversed(_TAIL[1:]):
        last, before = 2.0 * place * last - before + term, last
    tail = 0.5 * t * np.exp(place * last - before + _TAIL[0] - z * z)
    return np.where(x > 0, 1.0 - tail, tail)


def _gelu_bend(x: Float["..."]) -> Float["..."]:
    # ½ (1 + tanh u) is the sigmoid of 2u, which loses no digits where tanh is near −1
    return math.sqrt(8.0 / math.pi) * (x + GELU_CUBIC * (x * np.square(x)))


_ALL = (
    Activation("linear", "linear", _linear, _linear_slope),
    Activation("relu", "ReLU", _relu, _relu_slope, (0.0,), from_output=lambda y: y > 0),
    Activation("relu6", "ReLU6", _relu6, _relu6_slope, (0.0, 6.0), from_output=lambda y: (y > 0) & (y < 6.0)),
    Activation("leaky_relu", "leaky ReLU", _leaky_relu, _leaky_relu_slope, (0.0,)),
    Activation("elu", "ELU", _elu, _elu_slope),
    Activation("selu", "SELU", _selu, _selu_slope, (0.0,)),
    Activation("softplus", "softplus", _softplus, _sigmoid, from_output=lambda y: -np.expm1(-y)),
    Activation("softsign", "softsign", _softsign, _softsign_slope),
    Activation("gelu", "GELU", _gelu, _gelu_slope),  # exact, with the normal distribution (Hendrycks & Gimpel 2016)
    Activation("silu", "SiLU", _silu, _silu_slope),
    Activation("mish", "Mish", _mish, _mish_slope),
    Activation("sigmoid", "sigmoid", _sigmoid, _sigmoid_slope, from_output=lambda y: y * (1 - y)),
    Activation("hard_sigmoid", "hard sigmoid", _hard_sigmoid, _hard_sigmoid_slope, (-3.0, 3.0)),
    Activation("tanh", "tanh", _tanh, _tanh_slope, from_output=lambda y: 1 - np.square(y)),
    # Of the scores (x, 0), the share of the first: the one curve that softmax has.
    Activation("softmax", "softmax of (x, 0)", _sigmoid, _sigmoid_slope),
)

ACTIVATIONS = MappingProxyType({entry.name: entry for entry in _ALL})
_OTHER_NAMES = {"leakyrelu": "leaky_relu", "leaky relu": "leaky_relu", "swish": "silu", "identity": "linear"}

_STEP = float(np.finfo(float).eps ** (1 / 3))


def central_difference(function: Function, step: float = _STEP) -> Function:
    """Return the numerical derivative of a function, (f(x + h) − f(x − h)) / 2h.

    h is `step` × max(1, |x|). With the default, the cube root of the machine's precision, about
    6e-6, the error is about 1e-10 times the size of the function and of its third derivative.

    Parameters
    ----------
    function
        From an array of shape (...) to one of the same shape.
    step
        The relative step, above 0.

    Examples
    --------
    >>> float(np.round(central_difference(np.exp)(np.array(0.0)), 8))
    1.0
    """
    step = number("step", step)

    def slope(x: Float["..."]) -> Float["..."]:
        x = np.asarray(x, dtype=float)
        reach = step * np.maximum(1.0, np.abs(x))
        above, below = x + reach, x - reach
        return (np.asarray(function(above)) - np.asarray(function(below))) / (above - below)

    return slope


def activation(given: str | Function | Activation) -> Activation:
    """Return an activation by its name, or made from a callable with a numerical derivative.

    A callable takes an array of shape (...) and returns one of the same shape.

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
        name = given.strip().lower()
        name = _OTHER_NAMES.get(name, name)
        if name not in ACTIVATIONS:
            raise unknown_name("activation", given, ACTIVATIONS)
        return ACTIVATIONS[name]
    if not callable(given):
        raise ArgumentError(
            f"An activation is a name or a callable, but a {type(given).__name__} was given: {given!r}."
        )
    name = getattr(given, "__name__", type(given).__name__)
    title = "f" if name == "<lambda>" else name
    return Activation(title, title, given, central_difference(given))
