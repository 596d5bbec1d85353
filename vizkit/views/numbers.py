"""Arrays as views take them: checked once, copied and read-only."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DataError, ShapeError
from vizkit.typing import ArrayLike, Float

__all__ = ["checked_span", "chosen", "is_index", "padded", "sequence", "stack"]


def _finite(values: Float["..."], what: str) -> Float["..."]:
    if not values.size:
        raise DataError(f"The {what} must hold at least one number, but none came.")
    if not np.isfinite(values).all():
        at = [int(index) for index in np.argwhere(~np.isfinite(values))[0]]
        raise DataError(f"The {what} must be finite, but number {at} is {values[tuple(at)]}.")
    values.setflags(write=False)
    return values


def _array(values: ArrayLike, what: str) -> Float["..."]:
    try:
        return np.array(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"The {what} must be numbers, but {values!r:.80} was given.") from error


def is_index(value: object, count: int) -> bool:
    """Say whether something is a whole number from 0 up to, but without, a count.

    Examples
    --------
    >>> is_index(2, 3), is_index(3, 3), is_index(-1, 3), is_index(1.0, 3), is_index("1", 3)
    (True, False, False, False, False)
    """
    return isinstance(value, Integral) and not isinstance(value, bool) and 0 <= value < count


def chosen(what: str, index: int | None, count: int) -> int:
    """Return which of several samples, channels or the like is meant; None is enough where there is only one.

    Raises
    ------
    ArgumentError
        If there is none of that number, or it is None and there are several.

    Examples
    --------
    >>> chosen("sample", 2, 3), chosen("filter", None, 1)
    (2, 0)
    """
    if index is None and count > 1:
        raise ArgumentError(f"There are {count} {what}s, so one must be chosen, 0 to {count - 1}; None was given.")
    index = 0 if index is None else index
    if not is_index(index, count):
        raise ArgumentError(f"The {what}s are numbered 0 to {count - 1}, but {index!r} was given.")
    return index


def checked_span(span: Any) -> tuple[float, float]:
    """Return the two ends of a range, the lower first.

    Raises
    ------
    ArgumentError
        If it is not a lower and a higher finite number.

    Examples
    --------
    >>> checked_span([0, 1])
    (0.0, 1.0)
    """
    ends = span if isinstance(span, tuple | list | np.ndarray) and len(span) == 2 else (np.nan, np.nan)
    if not all(isinstance(end, Real) and np.isfinite(end) for end in ends) or not ends[0] < ends[1]:
        raise ArgumentError(f"The span goes from a lower to a higher number, but {span!r:.60} was given.")
    return float(ends[0]), float(ends[1])


def sequence(values: ArrayLike, what: str = "values") -> Float["value"]:
    """Return a read-only copy of finite numbers on one axis; a column counts, a scalar is one number.

    Raises
    ------
    ShapeError
        If there are no numbers, or more than one axis longer than 1.
    DataError
        If there is no number at all, or one is NaN or infinite.

    Examples
    --------
    >>> sequence([[1], [2]]).tolist(), sequence(3).tolist()
    ([1.0, 2.0], [3.0])
    """
    found = _array(values, what)
    if sum(length != 1 for length in found.shape) > 1:
        raise ShapeError(f"The {what} must lie on one axis, but shape {found.shape} was given.")
    return _finite(found.reshape(-1), what)


def stack(values: ArrayLike, points: int, what: str = "outputs") -> Float["step point"]:
    """Return finite numbers as a read-only array of shape (steps, points); one row counts as one step.

    Raises
    ------
    ShapeError
        If a row does not hold `points` numbers.

    Examples
    --------
    >>> stack([[[1], [2]], [[3], [4]]], points=2).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    found = _array(values, what)
    if found.ndim > 1 and found.shape[-1] == 1 and points != 1:
        found = found[..., 0]
    if found.ndim == 0 or found.ndim > 2 or found.shape[-1] != points:
        raise ShapeError(
            f"The {what} must be of shape (steps, {points}) or ({points},), but shape {np.shape(values)} was given."
        )
    return _finite(found.reshape(-1, points), what)


def padded(values: ArrayLike, below: float = 0.08, above: float = 0.08) -> tuple[float, float]:
    """Return a range that holds all values, of shape (...), with a share of their extent added below and above.

    Examples
    --------
    >>> padded([0, 10], 0.1, 0.2)
    (-1.0, 12.0)
    """
    flat = np.ravel(np.asarray(values, dtype=float))
    low, high = float(flat.min()), float(flat.max())
    extent = high - low
    if extent <= 1e-9 * max(abs(low), abs(high), 1.0):  # as good as one value: ticks have no more decimals
        extent = max(abs(high), 1.0)
        low, high = low - extent / 2, high + extent / 2
    return low - below * extent, high + above * extent
