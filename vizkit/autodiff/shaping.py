"""Primitives that move elements without changing them, each beside its derivative."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from vizkit.autodiff.engine import Primitive, implements
from vizkit.autodiff.tracked import Tracked, getitem_key, plain
from vizkit.errors import UnsupportedOperationError

__all__: list[str] = []


def _reshape(a: Any, shape: Any) -> Any:
    return np.reshape(a, shape)


def _transpose(a: Any, axes: Any = None) -> Any:
    return np.transpose(a, axes)


def _transpose_a(g: Any, y: Any, a: Any, axes: Any = None) -> Any:
    if axes is None:
        return np.transpose(g)
    return np.transpose(g, [int(i) for i in np.argsort([axis % a.ndim for axis in axes])])


def _broadcast_to(array: Any, shape: Any) -> Any:
    return np.broadcast_to(array, shape)


implements(np.reshape)(Primitive(_reshape, 1, [lambda g, y, a, shape: g.reshape(a.shape)], name="reshape"))
implements(np.transpose)(Primitive(_transpose, 1, [_transpose_a], name="transpose"))
implements(np.broadcast_to)(
    Primitive(_broadcast_to, 1, [lambda g, y, array, shape: g], name="broadcast_to")  # the engine sums
)


@implements(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    order = list(range(a.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return np.transpose(a, order)


@implements(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    order = np.moveaxis(np.empty(tuple(range(a.ndim))), source, destination).shape
    return np.transpose(a, order)  # each axis of the empty array has its own number as its length


@implements(np.expand_dims)
def _expand_dims(a: Any, axis: Any) -> Any:
    return np.reshape(a, np.expand_dims(np.broadcast_to(0.0, a.shape), axis).shape)


@implements(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Any:
    return np.reshape(a, np.squeeze(np.broadcast_to(0.0, a.shape), axis).shape)


@implements(np.ravel)
def _ravel(a: Any) -> Any:
    return np.reshape(a, -1)


# Indexing, and its reverse: what was read is added back to where it was read from.
def _plain_index(index: Any) -> Any:
    return tuple(plain(part) for part in index) if isinstance(index, tuple) else plain(index)


def _read(a: Any, index: Any) -> Any:
    return a[index]


def _scatter(values: Any, index: Any, shape: tuple[int, ...]) -> Any:
    target = np.zeros(shape, values.dtype)
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, (list, np.ndarray)) for part in parts):
        np.add.at(target, index, values)  # an index may name an element twice
    else:
        target[index] = values
    return target


getitem = Primitive(_read, 1, [lambda g, y, a, index: scatter(g, index=index, shape=a.shape)], name="getitem")
scatter = Primitive(_scatter, 1, [lambda g, y, values, index, shape: g[index]], name="scatter")
getitem.composed = True


@scatter.writes
def _scatter_into(out: Any, values: Any, index: Any, shape: tuple[int, ...]) -> Any:
    target = out[index]

    def add() -> None:
        out.fill(0)
        np.copyto(target, values)

    return add if np.may_share_memory(target, out) else None  # an index of arrays picks no view


@implements(getitem_key)
def _getitem(a: Any, index: Any) -> Any:
    return getitem(a, index=_plain_index(index))


@implements(np.take)
def _take(a: Any, indices: Any, axis: int | None = None) -> Any:
    if axis is None:
        return np.ravel(a)[indices]
    return a[(slice(None),) * (axis % a.ndim) + (np.asarray(plain(indices)),)]


@implements(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: int = -1) -> Any:
    indices = plain(indices)
    grid = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    grid[axis] = indices
    return arr[tuple(grid)]


@implements(np.flip)
def _flip(m: Any, axis: Any = None) -> Any:
    axes = range(m.ndim) if axis is None else [int(i) % m.ndim for i in np.atleast_1d(axis)]
    return m[tuple(slice(None, None, -1 if i in axes else None) for i in range(m.ndim))]


@implements(np.repeat)
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    length = a.size if axis is None else a.shape[axis]
    return np.take(a, np.repeat(np.arange(length), repeats), axis=axis)


@implements(np.roll)
def _roll(a: Any, shift: int, axis: int | None = None) -> Any:
    if axis is None:
        return np.roll(np.ravel(a), shift, 0).reshape(a.shape)
    return np.take(a, np.roll(np.arange(a.shape[axis]), shift), axis=axis)


# Joining and cutting.
def _concatenate(*arrays: Any, axis: int | None = 0) -> Any:
    return np.concatenate(arrays, axis=axis)


def _concatenate_part(position: int, g: Any, y: Any, *arrays: Any, axis: int | None = 0) -> Any:
    if axis is None:
        start = sum(np.size(a) for a in arrays[:position])
        return g[start : start + np.size(arrays[position])].reshape(arrays[position].shape)
    start = sum(np.shape(a)[axis] for a in arrays[:position])
    stop = start + np.shape(arrays[position])[axis]
    return g[(slice(None),) * (axis % g.ndim) + (slice(start, stop),)]


concatenate = Primitive(_concatenate, None, [_concatenate_part], name="concatenate")
concatenate.option_names = ["axis"]
concatenate.composed = True
concatenate.into = lambda out, *arrays, axis=0: partial(np.concatenate, arrays, axis, out)


@implements(np.concatenate, np.concat)
def _concatenate_list(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    return concatenate(*arrays, axis=axis)


@implements(np.stack)
def _stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis=axis)


@implements(np.vstack)
def _vstack(tup: Sequence[Any]) -> Any:
    return np.concatenate([a.reshape(1, -1) if a.ndim < 2 else a for a in tup], axis=0)


@implements(np.hstack)
def _hstack(tup: Sequence[Any]) -> Any:
    parts = [a.reshape(-1) if a.ndim == 0 else a for a in tup]
    return np.concatenate(parts, axis=0 if parts[0].ndim == 1 else 1)


@implements(np.split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    np.split(np.arange(ary.shape[axis]), indices_or_sections)  # raises when the parts are not equal
    return np.array_split(ary, indices_or_sections, axis)


@implements(np.array_split)
def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    pieces = np.array_split(np.arange(ary.shape[axis]), indices_or_sections)
    before = (slice(None),) * (axis % ary.ndim)
    stops = np.cumsum([len(piece) for piece in pieces])
    return [ary[(*before, slice(int(n) - len(p), int(n)))] for n, p in zip(stops, pieces, strict=True)]


def _pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    return np.pad(array, pad_width, mode, constant_values=constant_values)


def _pad_array(g: Any, y: Any, array: Any, pad_width: Any, **options: Any) -> Any:
    widths = np.broadcast_to(pad_width, (array.ndim, 2))
    return g[tuple(slice(int(w[0]), int(w[0]) + n) for w, n in zip(widths, array.shape, strict=True))]


pad = Primitive(_pad, 1, [_pad_array], name="pad")
pad.composed = True


@implements(np.pad)
def _pad_constant(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    if mode != "constant":
        raise UnsupportedOperationError(f"np.pad of a tracked array knows mode 'constant'; {mode!r} was given.")
    return pad(array, pad_width=pad_width, constant_values=constant_values)


# What only asks for the shape or makes a new array of it.
@implements(np.shape)
def _shape(a: Tracked) -> tuple[int, ...]:
    return a.shape


@implements(np.ndim)
def _ndim(a: Tracked) -> int:
    return a.ndim


@implements(np.size)
def _size(a: Tracked, axis: int | None = None) -> int:
    return a.size if axis is None else a.shape[axis]


@implements(np.zeros_like)
def _zeros_like(a: Tracked, dtype: Any = None) -> Any:
    return np.zeros(a.shape, dtype or a.dtype)


@implements(np.ones_like)
def _ones_like(a: Tracked, dtype: Any = None) -> Any:
    return np.ones(a.shape, dtype or a.dtype)


@implements(np.full_like)
def _full_like(a: Tracked, fill_value: Any, dtype: Any = None) -> Any:
    return np.full(a.shape, fill_value, dtype or a.dtype)
