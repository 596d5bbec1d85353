"""Elementwise primitives, each beside its derivatives.

Each line reads: the function, then for each input what the gradient ``g`` of the output ``y`` is
worth to it. Broadcasting is undone by the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from vizkit.autodiff.engine import Primitive, implements
from vizkit.autodiff.tracked import Tracked

__all__ = ["elementwise"]


def elementwise(ufunc: np.ufunc, *derivatives: Callable[..., Any] | None, name: str = "") -> Primitive:
    """Give a ufunc its derivatives, one for each input; ``None`` where the derivative is zero."""
    return implements(ufunc)(Primitive(ufunc, ufunc.nin, derivatives, name or ufunc.__name__))


elementwise(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
elementwise(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
elementwise(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
elementwise(np.true_divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)
elementwise(np.remainder, lambda g, y, a, b: g, lambda g, y, a, b: -g * np.floor_divide(a, b))
elementwise(np.negative, lambda g, y, x: -g)
elementwise(np.positive, lambda g, y, x: g)
elementwise(np.reciprocal, lambda g, y, x: -g * y * y)
elementwise(np.square, lambda g, y, x: g * (2 * x))
elementwise(np.sqrt, lambda g, y, x: g / (2 * y))
elementwise(np.cbrt, lambda g, y, x: g / (3 * y * y))
elementwise(np.absolute, lambda g, y, x: g * np.sign(x))
elementwise(np.exp, lambda g, y, x: g * y)
elementwise(np.exp2, lambda g, y, x: g * y * float(np.log(2)))
elementwise(np.expm1, lambda g, y, x: g * (y + 1))
elementwise(np.log, lambda g, y, x: g / x)
elementwise(np.log2, lambda g, y, x: g / (x * float(np.log(2))))
elementwise(np.log10, lambda g, y, x: g / (x * float(np.log(10))))
elementwise(np.log1p, lambda g, y, x: g / (1 + x))
elementwise(np.logaddexp, lambda g, y, a, b: g * np.exp(a - y), lambda g, y, a, b: g * np.exp(b - y))
elementwise(np.sin, lambda g, y, x: g * np.cos(x))
elementwise(np.cos, lambda g, y, x: -g * np.sin(x))
elementwise(np.tan, lambda g, y, x: g * (1 + y * y))
elementwise(np.arcsin, lambda g, y, x: g / np.sqrt(1 - x * x))
elementwise(np.arccos, lambda g, y, x: -g / np.sqrt(1 - x * x))
elementwise(np.arctan, lambda g, y, x: g / (1 + x * x))
elementwise(np.arctan2, lambda g, y, a, b: g * b / (a * a + b * b), lambda g, y, a, b: -g * a / (a * a + b * b))
elementwise(np.sinh, lambda g, y, x: g * np.cosh(x))
elementwise(np.cosh, lambda g, y, x: g * np.sinh(x))
elementwise(np.tanh, lambda g, y, x: g * (1 - y * y))
elementwise(np.hypot, lambda g, y, a, b: g * a / y, lambda g, y, a, b: g * b / y)


def _power(a: Any, b: Any) -> Any:
    return np.asarray(a) ** b if isinstance(a, np.generic) else a**b  # scalars would go another way than arrays


power = implements(np.power)(Primitive(_power, 2, name="power"))


@power.writes
def _power_into(out: Any, a: Any, b: Any) -> Any:
    return partial(np.square, a, out) if isinstance(b, (int, float)) and b == 2 else lambda: np.copyto(out, a**b)


@power.derivative(0)
def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    # where the exponent is 0 the power is the constant 1, also at a base of 0
    return g * np.where(np.equal(b, 0), 0, b * a ** np.where(np.equal(b, 0), 1, b - 1))


@power.derivative(1)
def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    return g * y * np.log(np.where(np.equal(a, 0), 1, a))


# Where both are equal each gets half, as in PyTorch.
def _share(g: Any, wins: Any, ties: Any) -> Any:
    return g * (wins + ties * g.dtype.type(0.5))


elementwise(
    np.maximum,
    lambda g, y, a, b: _share(g, np.greater(a, b), np.equal(a, b)),
    lambda g, y, a, b: _share(g, np.less(a, b), np.equal(a, b)),
)
elementwise(
    np.minimum,
    lambda g, y, a, b: _share(g, np.less(a, b), np.equal(a, b)),
    lambda g, y, a, b: _share(g, np.greater(a, b), np.equal(a, b)),
)


# Steps and comparisons: their derivative is zero wherever it exists.
for _ufunc in (
    *(np.sign, np.floor_divide, np.floor, np.ceil, np.rint, np.trunc, np.isnan, np.isinf, np.isfinite, np.signbit),
    *(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
    *(np.logical_and, np.logical_or, np.logical_not, np.logical_xor),
):
    elementwise(_ufunc)
implements(np.bitwise_and)(Primitive(np.bitwise_and, 2))
implements(np.bitwise_or)(Primitive(np.bitwise_or, 2))
implements(np.invert)(Primitive(np.invert, 1))


def _where(condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, x, y)


where = implements(np.where)(Primitive(_where, 3, name="where"))


@where.writes
def _where_into(out: Any, condition: Any, x: Any, y: Any) -> Any:
    def choose() -> None:
        np.copyto(out, y)
        np.copyto(out, x, where=condition)

    return choose if np.asarray(condition).dtype.kind == "b" else None


@where.derivative(1)
def _where_x(g: Any, output: Any, condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, g, 0)


@where.derivative(2)
def _where_y(g: Any, output: Any, condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, 0, g)


def _clip(a: Any, a_min: Any = None, a_max: Any = None) -> Any:
    return np.clip(a, a_min, a_max)


clip = Primitive(_clip, 1, name="clip")
clip.composed = True
clip.into = lambda out, a, a_min=None, a_max=None: partial(np.clip, a, a_min, a_max, out)


@clip.derivative()
def _clip_a(g: Any, y: Any, a: Any, a_min: Any = None, a_max: Any = None) -> Any:
    inside = np.greater_equal(a, -np.inf if a_min is None else a_min)
    return np.where(inside & np.less_equal(a, np.inf if a_max is None else a_max), g, 0)


@implements(np.clip)
def _clip_between(a: Any, a_min: Any = None, a_max: Any = None) -> Any:
    """Limits may be tracked as well: as in PyTorch, the gradient goes to one that is returned in place of a number."""
    if not isinstance(a_min, Tracked) and not isinstance(a_max, Tracked):
        return clip(a, a_min, a_max)
    a = a if a_min is None else np.where(np.less(a, a_min), a_min, a)
    return a if a_max is None else np.where(np.greater(a, a_max), a_max, a)


def _astype(x: Any, dtype: Any) -> Any:
    return x.astype(dtype)


astype = implements(np.astype)(Primitive(_astype, 1, [lambda g, y, x, dtype: g], name="astype"))
astype.into = lambda out, x, dtype: partial(np.copyto, out, x, "unsafe")
copy = implements(np.copy)(Primitive(lambda a: np.copy(a), 1, [lambda g, y, a: g], name="copy"))
round_ = implements(np.round)(Primitive(lambda a, decimals=0: np.round(a, decimals), 1, name="round"))
alias = Primitive(lambda x: x, 1, [lambda g, y, x: g], name="alias")
alias.transparent = alias.composed = True
