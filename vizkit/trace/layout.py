"""Where the arrays of a chunk stand in its data: written and read, with checks.

In the metadata an array is ``{"dtype": "f4", "shape": [8, 2], "at": 64, "crc": 123456}``.
In a block of steps the shape is that of one step, and the data hold the steps one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import TraceVersionError
from vizkit.trace.arrays import DTYPES
from vizkit.trace.chunks import Chunk, padding

__all__ = ["Packer", "read_array", "whole_number"]

_MOST_AXES = 32
_LONGEST = 2**48  # more than any file holds; keeps products small enough to compute


class Packer:
    """Collects the arrays of one chunk and says where each will stand.

    Examples
    --------
    >>> packer = Packer()
    >>> packer.add(np.array([1.0, 2.0], "f4"), shape=(2,))["at"]
    0
    >>> packer.add(np.array(3.0), shape=())["at"]
    8
    """

    def __init__(self) -> None:
        self.parts: list[NDArray[Any]] = []
        self._length = 0

    def add(self, array: NDArray[Any], shape: Sequence[int]) -> dict[str, Any]:
        """Add an array and return its entry in the metadata; `shape` is what the entry says."""
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        entry = {"dtype": little.dtype.str[1:], "shape": list(shape), "at": self._length, "crc": crc32(_bytes(little))}
        self.parts.append(_bytes(little))
        self._length += little.nbytes + padding(little.nbytes)
        return entry


def read_array(chunk: Chunk, entry: Any, steps: int | None = None) -> NDArray[Any]:
    """Return the array, of shape (...) or (steps, ...), that an entry of a chunk's metadata describes: a view.

    Parameters
    ----------
    chunk
        The chunk that holds it.
    entry
        What the metadata say.
    steps
        In a block, the number of its steps: the first axis of the result.

    Raises
    ------
    TraceFileError
        When the entry makes no sense or the array's checksum is wrong.
    TraceVersionError
        When the array is stored in a way that a newer vizkit introduced.
    """
    if not isinstance(entry, dict) or not {"dtype", "shape", "at", "crc"} <= entry.keys():
        raise chunk.damaged(f"an array is described by {str(entry)[:80]!r}")
    if "encoding" in entry:
        raise TraceVersionError(
            f"{chunk.file} stores arrays as {str(entry['encoding'])[:20]!r}, which needs a newer vizkit."
        )
    shape, dtype, at = _shape(chunk, entry["shape"]), entry["dtype"], entry["at"]
    shape = shape if steps is None else (steps, *shape)
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise chunk.damaged(f"an array has the element type {str(dtype)[:20]!r}")
    kind = np.dtype(f"<{dtype}")
    size = prod(shape) * kind.itemsize
    if not whole_number(at) or at % 8 or at + size > len(chunk.data):
        raise chunk.damaged(f"an array of {size} bytes at {at} does not fit into {len(chunk.data)} bytes of data")
    if crc32(memoryview(chunk.data)[at : at + size]) != entry["crc"]:
        raise chunk.damaged(f"the checksum of the array at byte {at} of its data is wrong")
    try:
        return np.ndarray(shape, kind, buffer=chunk.data, offset=at if size else 0)
    except ValueError:  # an empty array whose other axes are too long
        raise chunk.damaged(f"an array has the impossible shape {shape}") from None


def whole_number(value: Any) -> bool:
    """Say whether a JSON value is a whole number from 0 that fits into 48 bits."""
    return type(value) is int and 0 <= value < _LONGEST


def _shape(chunk: Chunk, shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, list) or len(shape) > _MOST_AXES or not all(map(whole_number, shape)):
        raise chunk.damaged(f"an array has the impossible shape {str(shape)[:80]!r}")
    return tuple(shape)


def _bytes(array: NDArray[Any]) -> NDArray[Any]:
    """The array's memory as bytes; unlike the array itself, also where it is empty or has no axes."""
    return array.reshape(-1).view(np.uint8)
