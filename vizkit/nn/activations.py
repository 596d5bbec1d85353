"""Activation functions, which the engine differentiates.

Those of single numbers stand in `vizkit.functions`, each formula beside its derivative; here they
become primitives of the engine. Softmax and its logarithm look at all scores of a sample at once.
Names and defaults are Keras's. Each takes and gives an array of any shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vizkit import functions
from vizkit.autodiff import Primitive, primitive
from vizkit.nn.names import by_name, lookup

__all__ = [
    "elu", "gelu", "get", "hard_sigmoid", "leaky_relu", "linear", "log_softmax", "mish", "names", "relu", "relu6",
    "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "tanh",
]  # fmt: skip


def linear(x: Any) -> Any:
    """Return `x` itself.

    Examples
    --------
    >>> linear(-3.0)
    -3.0
    """
    return x


def _differentiable(name: str) -> Primitive:
    """Return a formula of `vizkit.functions` as a primitive, with the derivative that stands beside it."""
    formula = functions.ACTIVATIONS[name]

    def derivative(g: Any, y: Any, x: Any, **options: Any) -> Any:
        return g * (formula.derivative(x, **options) if formula.from_output is None else formula.from_output(y))

    found = Primitive(formula.function, 1, [derivative], name)
    found.composed = True
    return found


relu = _differentiable("relu")
relu6 = _differentiable("relu6")
leaky_relu = _differentiable("leaky_relu")  # negative_slope=0.2
elu = _differentiable("elu")  # alpha=1.0
selu = _differentiable("selu")
gelu = _differentiable("gelu")  # approximate=False
silu = _differentiable("silu")
mish = _differentiable("mish")
softplus = _differentiable("softplus")
softsign = _differentiable("softsign")
sigmoid = _differentiable("sigmoid")
hard_sigmoid = _differentiable("hard_sigmoid")
tanh = _differentiable("tanh")


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


@primitive(lambda g, y, x, axis=-1: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True))
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Return the logarithm of the softmax along `axis`, also where the softmax is too small to be told from 0.

    `x` and the result are of shape (...), any and the same.

    Examples
    --------
    >>> log_softmax(np.array([0.0, -1e4])).tolist()
    [0.0, -10000.0]
    """
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


softmax.composed = log_softmax.composed = True

_NAMES = by_name(
    elu, gelu, hard_sigmoid, leaky_relu, linear, log_softmax, mish, relu, relu6, selu, sigmoid, silu, softmax, softplus,
    softsign, tanh, swish=silu,
)  # fmt: skip


def names() -> list[str]:
    """Return the names of all activations.

    Examples
    --------
    >>> names()[:2]
    ['elu', 'gelu']
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
