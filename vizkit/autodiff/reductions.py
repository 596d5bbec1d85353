"""Reductions along axes, each beside its derivative."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from vizkit.autodiff.engine import Primitive, implements
from vizkit.errors import UnsupportedOperationError

__all__: list[str] = []


def _spread(reduced: Any, like: Any, axis: Any, keepdims: bool) -> Any:
    """Give a reduced array back its axes of length one, so that it broadcasts against `like`."""
    if axis is None or keepdims or np.ndim(like) == 0:
        return np.reshape(reduced, (1,) * np.ndim(like)) if axis is None else reduced
    return np.expand_dims(reduced, axis)


def _count(x: Any, axis: Any) -> int:
    axes = range(np.ndim(x)) if axis is None else np.atleast_1d(axis)
    return int(np.prod([np.shape(x)[i] for i in axes], dtype=int))


def _sum(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(a, axis=axis, keepdims=keepdims)


def _sum_a(g: Any, y: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.broadcast_to(_spread(g, a, axis, keepdims), a.shape)


def _mean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.mean(a, axis=axis, keepdims=keepdims)


def _mean_a(g: Any, y: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _sum_a(g / max(_count(a, axis), 1), y, a, axis, keepdims)


def _max(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims)


def _min(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.min(a, axis=axis, keepdims=keepdims)


def _extreme_a(g: Any, y: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    # all that reach the extreme share the gradient, as in PyTorch's amax
    reached = np.equal(a, _spread(y, a, axis, keepdims))
    share = _spread(g, a, axis, keepdims) / np.sum(reached, axis=axis, keepdims=True)
    return np.where(reached, share, 0)


sum_ = implements(np.sum)(Primitive(_sum, 1, [_sum_a], name="sum"))
mean = implements(np.mean)(Primitive(_mean, 1, [_mean_a], name="mean"))
max_ = implements(np.max, np.amax)(Primitive(_max, 1, [_extreme_a], name="max"))
min_ = implements(np.min, np.amin)(Primitive(_min, 1, [_extreme_a], name="min"))


@implements(np.prod)
def _prod(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Multiply by halves: products of pairs have derivatives that no zero harms."""
    axes = range(np.ndim(a)) if axis is None else [int(i) % np.ndim(a) for i in np.atleast_1d(axis)]
    for i in axes:
        left = np.moveaxis(a, i, 0)
        while len(left) > 1:
            half = len(left) // 2
            rest = left[2 * half :]
            left = left[:half] * left[half : 2 * half]
            left = np.concatenate([left, rest]) if len(rest) else left
        a = np.moveaxis(left if len(left) else np.ones((1, *left.shape[1:]), a.dtype), 0, i)
    return a if keepdims else np.squeeze(a, tuple(axes))


# What np.sum, np.mean, np.max and np.min do in the end, without the way there.
def _reducing(ufunc: np.ufunc) -> Any:
    return lambda out, a, axis=None, keepdims=False: partial(ufunc.reduce, a, axis, None, out, keepdims)


sum_.into, max_.into, min_.into = _reducing(np.add), _reducing(np.maximum), _reducing(np.minimum)


@mean.writes
def _mean_into(out: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    total, count = partial(np.add.reduce, a, axis, None, out, keepdims), np.intp(_count(a, axis))

    def average() -> None:
        total()
        np.true_divide(out, count, out, casting="unsafe")

    return average if a.dtype.kind == out.dtype.kind == "f" else None


def _cumsum(a: Any, axis: Any = None) -> Any:
    return np.cumsum(a, axis=axis)


def _cumsum_a(g: Any, y: Any, a: Any, axis: Any = None) -> Any:
    along = 0 if axis is None else axis
    return np.flip(np.cumsum(np.flip(g, along), axis=along), along).reshape(a.shape)


implements(np.cumsum)(Primitive(_cumsum, 1, [_cumsum_a], name="cumsum"))


@implements(np.var)
def _var(a: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    deviation = a - np.mean(a, axis=axis, keepdims=True)
    total = np.sum(deviation * deviation, axis=axis, keepdims=keepdims)
    return total / (_count(a, axis) - ddof)


def _root_back(g: Any, y: Any, squares: Any) -> Any:
    at_zero = np.equal(y, 0)
    return np.where(at_zero, 0, g / (2 * np.where(at_zero, 1, y)))


# of a sum of squares: where all of them are 0 a length has no slope, and 0 is taken, as PyTorch does
_root = Primitive(np.sqrt, 1, [_root_back], name="sqrt")


@implements(np.std)
def _std(a: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    return _root(np.var(a, axis=axis, ddof=ddof, keepdims=keepdims))


@implements(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if ord in (None, 2, "fro") and not (ord == 2 and axis is None and np.ndim(x) > 1):
        return _root(np.sum(x * x, axis=axis, keepdims=keepdims))
    if ord == 1 and (isinstance(axis, int) or np.ndim(x) == 1):
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    raise UnsupportedOperationError(
        f"np.linalg.norm of a tracked array takes ord 2 or, along one axis, 1; {ord!r} with axis {axis!r} was given."
    )


# Positions and truth values: nothing to differentiate.
def _argmax(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.argmax(a, axis=axis, keepdims=keepdims)


def _argmin(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.argmin(a, axis=axis, keepdims=keepdims)


def _any(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.any(a, axis=axis, keepdims=keepdims)


def _all(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.all(a, axis=axis, keepdims=keepdims)


implements(np.argmax)(Primitive(_argmax, 1, name="argmax"))
implements(np.argmin)(Primitive(_argmin, 1, name="argmin"))
implements(np.argsort)(Primitive(lambda a, axis=-1: np.argsort(a, axis=axis), 1, name="argsort"))
implements(np.any)(Primitive(_any, 1, name="any"))
implements(np.all)(Primitive(_all, 1, name="all"))
