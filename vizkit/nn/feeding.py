"""The data on their way into a model: checked at once, shuffled, cut into batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DataError, ShapeError
from vizkit.nn.autodiff import plain

__all__ = ["batches", "checked", "checked_pair", "hold_out", "pair"]


def checked(name: str, data: Any) -> Any:
    """Return data as an array of numbers with at least one sample, all of them finite.

    Raises
    ------
    DataError
        When they are empty, not numbers, or hold NaN or infinity.

    Examples
    --------
    >>> checked("x", [[1.0]]).shape
    (1, 1)
    """
    try:
        array = np.asarray(plain(data))
    except ValueError as error:
        raise DataError(f"{name} is no array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} must be numbers; its elements are of type {array.dtype}.")
    if array.ndim == 0 or len(array) == 0:
        raise DataError(f"{name} must hold at least one sample; its shape is {array.shape}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))
        raise DataError(
            f"{name} must be finite; {len(bad)} of its {array.size} numbers are NaN or infinite, the first at "
            f"{tuple(int(i) for i in bad[0])}."
        )
    return array


def checked_pair(x: Any, y: Any, names: tuple[str, str] = ("x", "y")) -> tuple[Any, Any]:
    """Return inputs and targets as arrays of as many samples.

    Raises
    ------
    DataError
        When one of them is not what `checked` allows.
    ShapeError
        When they have different numbers of samples.

    Examples
    --------
    >>> [a.shape for a in checked_pair([[1.0]], [2.0])]
    [(1, 1), (1,)]
    """
    if y is None:
        raise ArgumentError(f"Training and evaluating need targets: give {names[1]}.")
    x, y = checked(names[0], x), checked(names[1], y)
    if len(x) != len(y):
        raise ShapeError(f"{names[0]} holds {len(x)} samples, but {names[1]} {len(y)}; each needs its target.")
    return x, y


def pair(name: str, data: Any) -> tuple[Any, Any]:
    """Return inputs and targets that were given as one pair.

    Raises
    ------
    ArgumentError
        When they are no pair.

    Examples
    --------
    >>> pair("validation_data", [[1.0], [2.0]])
    ([1.0], [2.0])
    """
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        count = f" of {len(data)}" if isinstance(data, (tuple, list)) else ""
        raise ArgumentError(f"{name} is a pair (x, y); a {type(data).__name__}{count} was given.")
    return data[0], data[1]


def hold_out(x: Any, y: Any, share: float) -> tuple[Any, Any, Any, Any]:
    """Cut the last `share` of the samples off, for validation, as Keras does.

    Raises
    ------
    ArgumentError
        When a part would be empty.

    Examples
    --------
    >>> [len(part) for part in hold_out(np.zeros(10), np.zeros(10), 0.2)]
    [8, 8, 2, 2]
    """
    if not isinstance(share, (int, float)) or not 0 < share < 1:
        raise ArgumentError(f"validation_split lies between 0 and 1; {share!r} was given.")
    cut = int(len(x) * (1 - share))
    if cut == 0 or cut == len(x):
        raise ArgumentError(f"validation_split={share} of {len(x)} samples leaves one part empty.")
    return x[:cut], y[:cut], x[cut:], y[cut:]


def batches(count: int, size: int, random: np.random.Generator | None = None) -> Iterator[Any]:
    """Yield what picks the samples of each batch, in order or shuffled.

    Examples
    --------
    >>> [part.tolist() for part in batches(3, 2, np.random.default_rng(0))]
    [[2, 0], [1]]
    """
    if random is None:
        yield from (slice(start, start + size) for start in range(0, count, size))
        return
    order = random.permutation(count)
    yield from (order[start : start + size] for start in range(0, count, size))
