"""Arrays that stay what they were: copied once, then read-only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vizkit.errors import ArgumentError, TraceQueryError

__all__ = ["DTYPES", "NATIVE", "ArraysByName", "frozen", "frozen_mapping", "frozen_tuple", "same_array"]

# The element types that a trace holds, in the file's spelling (without the byte order).
DTYPES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
NATIVE = frozenset(map(np.dtype, DTYPES))


class ArraysByName(Mapping[str, NDArray[Any]]):
    """Arrays by name, each of shape (...), that cannot be exchanged; asking for one that is not there says why.

    Parameters
    ----------
    arrays
        The arrays.

    Examples
    --------
    >>> import numpy as np
    >>> kept = ArraysByName({"bias": np.zeros(2)})
    >>> kept["bias"], kept.get("kernel"), "kernel" in kept
    (array([0., 0.]), None, False)
    """

    __slots__ = ("_arrays",)

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._arrays = arrays

    def __getitem__(self, name: str) -> NDArray[Any]:
        found = self._arrays.get(name)
        if found is None:
            there = ", ".join(map(repr, self._arrays)) or "none; trace.missing() may say why"
            raise TraceQueryError(f"The event holds no {name!r} among its arrays by name: {there}.")
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def get(self, name: str, default: Any = None) -> Any:
        """Return the array of this name, or `default`."""
        return self._arrays.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        return repr(self._arrays)


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
    return ArraysByName({str(name): frozen(value) for name, value in values.items()})


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
