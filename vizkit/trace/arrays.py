"""Arrays that stay what they were: copied once, then read-only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vizkit.errors import ArgumentError

__all__ = ["DTYPES", "NATIVE", "frozen", "frozen_mapping", "frozen_tuple", "same_array"]

# The element types that a trace holds, in the file's spelling (without the byte order).
DTYPES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
NATIVE = frozenset(map(np.dtype, DTYPES))


def frozen(values: ArrayLike) -> NDArray[Any]:
    """Return a read-only array with the values, copied unless nobody else can change them.

    Parameters
    ----------
    values
        An array of shape (...), any, or what NumPy turns into one. Booleans, integers, floating
        point and complex numbers of the usual sizes.

    Raises
    ------
    ArgumentError
        When the elements are of another type, such as objects or text.

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.array([1.0, 2.0])
    >>> kept = frozen(weights)
    >>> weights[0] = 99
    >>> kept
    array([1., 2.])
    >>> kept.flags.writeable
    False
    """
    array = values if type(values) is np.ndarray else np.asarray(values)
    flags = array.flags
    if not flags.writeable and flags.c_contiguous and _owns_its_memory(array):
        return array
    copy = array.copy() if array.dtype in NATIVE else _converted(array)
    copy.setflags(write=False)
    return copy


def frozen_tuple(values: Any) -> tuple[NDArray[Any], ...]:
    """Return the arrays of a tuple or list (or one array) as a tuple of frozen arrays, each of shape (...)."""
    many = values if isinstance(values, (tuple, list)) else (values,)
    return tuple(frozen(value) for value in many)


def frozen_mapping(values: Mapping[str, ArrayLike]) -> Mapping[str, NDArray[Any]]:
    """Return the arrays of a mapping, each of shape (...), frozen, in a mapping that cannot be changed."""
    return MappingProxyType({str(name): frozen(value) for name, value in values.items()})


def same_array(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Say whether two arrays have the same type, the same shape (...) and bytes (so NaN equals itself).

    Examples
    --------
    >>> import numpy as np
    >>> same_array(np.array([np.nan]), np.array([np.nan]))
    True
    >>> same_array(np.array([0.0]), np.array([-0.0]))
    False
    """
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def _owns_its_memory(array: NDArray[Any]) -> bool:
    """Whether no writeable array shares the memory: it is the array's own, or immutable bytes."""
    base = array.base
    while isinstance(base, np.ndarray):
        if base.flags.writeable:
            return False
        base = base.base
    return base is None or (isinstance(base, memoryview) and base.readonly) or isinstance(base, bytes)


def _converted(array: NDArray[Any]) -> NDArray[Any]:
    """A copy in this machine's byte order, for an element type that is not simply copied."""
    dtype = array.dtype
    if dtype.str[1:] not in DTYPES:
        raise ArgumentError(
            f"A trace holds arrays of booleans, integers, floating point or complex numbers, not of {dtype} "
            f"(allowed: {', '.join(DTYPES)})."
        )
    return np.array(array, dtype=dtype.newbyteorder("="), order="C", copy=True, subok=False)
