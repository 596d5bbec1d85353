"""Checking numbers that users choose."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.errors import ArgumentError

__all__ = ["number", "share"]


def number(name: str, value: Any, low: float = 0.0, high: float = np.inf, includes_low: bool = False) -> float:
    """Return a finite number above `low` (or from it on) and up to `high`.

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
    if not real or value > high or value < low or (value == low and not includes_low):
        rule = f"{'at least' if includes_low else 'above'} {low:g}"
        rule += f" and at most {high:g}" if high < np.inf else ""
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
    if value == 1:
        raise ArgumentError(f"{name} is a number at least 0 and less than 1; {value!r} was given.")
    return number(name, value, 0, 1, includes_low=True)
