"""Memory that is used again at every step.

A training step does the same each time with arrays of the same shapes, and what costs a small network most is
not the arithmetic but fetching fresh memory for it. A function that needs an array to work in asks here for it.
Where nobody has opened a `Scratch` it gets a new one; a plan (`vizkit.autodiff.plan`) opens one around each of its
calls, and the function then gets, at its first, second, ... request, the array that it got there one step before.

What a function keeps for its derivative, and what it returns, may be such an array too: no other call gets it.
"""

from __future__ import annotations

from contextvars import ContextVar
from types import TracebackType
from typing import Any

import numpy as np

__all__ = ["Scratch", "Shelf", "empty", "empty_like", "zeros"]

_open: ContextVar[Scratch | None] = ContextVar("scratch", default=None)


class Scratch:
    """The arrays of one call, kept from one run of it to the next; used in a ``with`` block.

    Examples
    --------
    >>> scratch = Scratch()
    >>> with scratch:
    ...     first = empty((2, 3), "float32")
    >>> with scratch:
    ...     empty((2, 3), "float32") is first
    True
    """

    __slots__ = ("_arrays", "_taken", "_token")

    def __init__(self) -> None:
        self._arrays: list[Any] = []
        self._taken = 0

    def __enter__(self) -> Scratch:
        self._taken = 0
        self._token = _open.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _open.reset(self._token)

    def take(self, shape: Any, dtype: Any) -> np.ndarray:
        """Return the next array, of shape `shape` and of this type; its numbers are whatever was left in it."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        place = self._taken
        self._taken += 1
        if place < len(self._arrays):
            known = self._arrays[place]
            if known.shape == shape and known.dtype == dtype:
                return known
        new = np.empty(shape, dtype)
        self._arrays[place : place + 1] = [new]
        return new

    def give(self, known: np.ndarray, other: np.ndarray) -> None:
        """Hand out another array, of the same shape (...) and type, in place of a known one from now on."""
        self._arrays = [other if array is known else array for array in self._arrays]


class Shelf:
    """Memory in which small arrays stand side by side, so that many of them are copied in one go.

    Examples
    --------
    >>> shelf = Shelf()
    >>> one, two = shelf.put(np.zeros(2)), shelf.put(np.ones(3))
    >>> one.base is two.base, two
    (True, array([1., 1., 1.]))
    """

    SMALL, LENGTH = 2**12, 2**16  # bytes: of what is put here, and of one board

    __slots__ = ("_boards",)

    def __init__(self) -> None:
        self._boards: dict[np.dtype, tuple[np.ndarray, int]] = {}  # and how many numbers stand on it

    def put(self, array: np.ndarray) -> np.ndarray:
        """Return a copy here of an array of shape (...), or the array itself if it is large or no row of floats."""
        if array.nbytes > self.SMALL or array.dtype.kind != "f" or not array.flags.c_contiguous:
            return array
        board, begin = self._boards.get(array.dtype, (None, 0))
        if board is None or begin + array.size > len(board):
            board, begin = np.zeros(self.LENGTH // array.itemsize, array.dtype), 0
        self._boards[array.dtype] = board, begin + array.size
        place = board[begin : begin + array.size].reshape(array.shape)
        place[...] = array
        return place


def empty(shape: int | tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array to work in, as ``np.empty``: its numbers are arbitrary.

    Examples
    --------
    >>> empty((2, 3), "float32").shape
    (2, 3)
    """
    scratch = _open.get()
    return np.empty(shape, dtype) if scratch is None else scratch.take(shape, dtype)


def empty_like(x: Any) -> Any:
    """Return an array to work in that is like `x`, of shape (...), and lies in memory as it does.

    Of a tracked array there is none: ``None``, which NumPy takes as ``out=`` for an array of its own.

    Examples
    --------
    >>> empty_like(np.ones((2, 3, 4)).transpose(2, 0, 1)).strides
    (8, 96, 32)
    """
    if not isinstance(x, np.ndarray):
        return None
    order = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    memory = empty(tuple(x.shape[axis] for axis in order), x.dtype)
    return memory.transpose(sorted(range(x.ndim), key=order.__getitem__))


def zeros(shape: int | tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array of zeros to work in, of shape `shape`, as ``np.zeros``.

    Examples
    --------
    >>> zeros(2, "float32").tolist()
    [0.0, 0.0]
    """
    scratch = _open.get()
    if scratch is None:
        return np.zeros(shape, dtype)
    array = scratch.take(shape, dtype)
    array.fill(0)
    return array
