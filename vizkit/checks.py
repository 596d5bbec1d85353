"""Checking what users give: numbers within limits, arrays of finite numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DataError, ShapeError

__all__ = ["array", "array_pair", "number", "share", "whole"]


def number(
    name: str,
    value: Any,
    low: float = 0.0,
    high: float = np.inf,
    includes_low: bool = False,
    includes_high: bool = True,
) -> float:
    """Return a finite number above `low` (or from it on) and up to `high` (or below it).

    Raises
    ------
    ArgumentError
        When it is none, or outside its limits.

    Examples
    --------
    >>> number("delta", 2)
    2.0
    """
    real = isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and np.isfinite(value)
    above = real and (value > low or (value == low and includes_low))
    if not above or value > high or (value == high and not includes_high):
        rule = f"{'at least' if includes_low else 'above'} {low:g}"
        rule += f" and {'at most' if includes_high else 'less than'} {high:g}" if high < np.inf else ""
        raise ArgumentError(f"{name} is a number {rule}; {value!r} was given.")
    return float(value)


def share(name: str, value: Any) -> float:
    """Return a number from 0 up to but without 1.

    Raises
    ------
    ArgumentError
        When it is none.

    Examples
    --------
    >>> share("rho", 0)
    0.0
    """
    return number(name, value, 0, 1, includes_low=True, includes_high=False)


def whole(name: str, value: Any, least: int = 1) -> int:
    """Return a whole number from `least` on.

    Raises
    ------
    ArgumentError
        When it is none.

    Examples
    --------
    >>> whole("units", 3)
    3
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ArgumentError(f"{name} is a whole number from {least}; {value!r} was given.")
    return int(value)


def array(name: str, data: Any) -> Any:
    """Return data as an array of numbers with at least one sample, all of them finite.

    Raises
    ------
    DataError
        When they are empty, not numbers, or hold NaN or infinity.

    Examples
    --------
    >>> array("x", [[1.0]]).shape
    (1, 1)
    """
    try:
        numbers = np.asarray(data)
    except ValueError as error:
        raise DataError(f"{name} is no array: {error}") from error
    if numbers.dtype.kind not in "biuf":
        raise DataError(f"{name} must be numbers; its elements are of type {numbers.dtype}.")
    if numbers.ndim == 0 or len(numbers) == 0:
        raise DataError(f"{name} must hold at least one sample; its shape is {numbers.shape}.")
    if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        bad = np.argwhere(~np.isfinite(numbers))
        raise DataError(
            f"{name} must be finite; {len(bad)} of its {numbers.size} numbers are NaN or infinite, the first at "
            f"{tuple(int(i) for i in bad[0])}."
        )
    return numbers


def array_pair(x: Any, y: Any) -> tuple[Any, Any]:
    """Return inputs and targets as arrays of as many samples.

    Raises
    ------
    DataError
        When one of them is not what `array` allows.
    ShapeError
        When they have different numbers of samples.

    Examples
    --------
    >>> [a.shape for a in array_pair([[1.0]], [2.0])]
    [(1, 1), (1,)]
    """
    if y is None:
        raise ArgumentError("Training and evaluating need targets: give y.")
    x, y = array("x", x), array("y", y)
    if len(x) != len(y):
        raise ShapeError(f"x holds {len(x)} samples, but y {len(y)}; each needs its target.")
    return x, y
