"""What is kept of an array in its place: count, mean, deviation, extremes and a histogram."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "NUMBERS", "Summary", "flat_floats", "named_arrays", "no_summary", "summarise", "summarise_into"]

BINS = 32
NUMBERS = 3 + 2 + BINS  # that a summary has, beside the array's shape
_COUNTED = 1 << 14  # values that a histogram counts at most, evenly spaced: enough for a picture, and fast
_BLOCK = 1 << 10  # values that are added up in their own precision
_ONES = {np.dtype(kind): np.ones(_BLOCK, kind) for kind in ("f4", "f8")}
# Widths of bins between which the reciprocal of a width and its product with a number are numbers of the type.
_WIDTHS = {kind: (float(np.finfo(kind).tiny * BINS), float(np.finfo(kind).max / BINS)) for kind in _ONES}


class Summary(NamedTuple):
    """An array in a few numbers; of complex numbers, their absolute values.

    Parameters
    ----------
    shape
        The array's shape, shape (axes,).
    moments
        How many of its numbers are finite, their mean and their standard deviation, shape (3,).
    extremes
        The smallest and the largest finite number, shape (2,); NaN when there is none.
    histogram
        How many numbers are in each of 32 equal bins between the extremes, shape (32,).
    """

    shape: NDArray[np.int64]
    moments: NDArray[np.float64]
    extremes: NDArray[np.float64]
    histogram: NDArray[np.int64]


def summarise(array: NDArray[Any]) -> Summary:
    """Return the summary of an array of shape (...).

    Up to 1,024 numbers at a time are added up in the array's own precision. Of more than 16,384 numbers the
    histogram counts evenly spaced ones.

    Examples
    --------
    >>> summary = summarise(np.array([[0.0, 1.0], [2.0, np.nan]]))
    >>> summary.moments.round(3).tolist(), summary.extremes.tolist()
    ([3.0, 1.0, 0.816], [0.0, 2.0])
    >>> summary.histogram[[0, 16, 31]].tolist()
    [1, 1, 1]
    """
    numbers = np.empty(NUMBERS)
    summary = no_summary(array.shape, numbers)
    with np.errstate(all="ignore"):
        summarise_into(flat_floats(array), summary)
    return summary


def no_summary(shape: tuple[int, ...], numbers: NDArray[np.float64]) -> Summary:
    """Return where the summary of an array of a shape is to be written: in `numbers`, of shape (37,)."""
    return Summary(np.array(shape, np.int64), numbers[:3], numbers[3:5], numbers[5:].view(np.int64))


def summarise_into(values: NDArray[Any], summary: Summary) -> None:
    """Write the summary of floats on one axis, of shape (values,), to its place.

    NumPy's warnings of numbers that are not finite are to be switched off.
    """
    low, high = _extremes(values)
    if not (isfinite(low) and isfinite(high)):
        values = values[np.isfinite(values)]
        low, high = _extremes(values)
    _, moments, extremes, histogram = summary
    extremes[:] = low, high
    if not values.size:
        moments[:] = 0, np.nan, np.nan
        histogram.fill(0)
        return
    mean = _mean(values)
    moments[:] = values.size, mean, _deviation(values, mean, max(high - mean, mean - low))
    _count(values, low, high, histogram)


def flat_floats(array: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers of an array of shape (...) on one axis, as floats of 32 or 64 bits; a view where it can be."""
    values = np.ascontiguousarray(array).reshape(-1)
    values = np.abs(values) if values.dtype.kind == "c" else values
    if values.dtype not in _ONES:
        values = values.astype(np.float32 if values.dtype.itemsize < 4 else np.float64)
    return values


def _extremes(values: NDArray[Any]) -> tuple[float, float]:
    if not values.size:
        return np.nan, np.nan
    return float(np.minimum.reduce(values)), float(np.maximum.reduce(values))


def _mean(values: NDArray[Any]) -> float:
    """The mean: of each block the sum by BLAS, which takes a third of NumPy's time, of these in double precision."""
    whole = values.size - values.size % _BLOCK
    total = float(np.add.reduce(values[whole:] if whole else values))
    if whole:
        total += float(np.add.reduce(values[:whole].reshape(-1, _BLOCK) @ _ONES[values.dtype], dtype=np.float64))
    if isfinite(total):
        return total / values.size
    return float(np.add.reduce(values.astype(np.float64) / values.size))  # of numbers too large to be added up


def _deviation(values: NDArray[Any], mean: float, largest: float) -> float:
    """The standard deviation; `largest` is the largest distance from the mean, of numbers that may be tiny or huge."""
    if 1e-12 < largest < 1e12:  # else their squares might not be numbers of this type
        square = float(np.dot(values, values)) / values.size
        if isfinite(square) and mean * mean < 0.9 * square:  # else too many digits would be lost
            return sqrt(square - mean * mean)
        deviations = values - values.dtype.type(mean)
        return sqrt(float(np.dot(deviations, deviations)) / values.size)
    unit = largest or 1.0
    return unit * sqrt(np.mean(((values.astype(np.float64) - mean) / unit) ** 2))


def _count(values: NDArray[Any], low: float, high: float, histogram: NDArray[np.int64]) -> None:
    """Count how many values, or evenly spaced ones among them, are in each bin."""
    some = values[:: -(-values.size // _COUNTED)]
    width = (high - low) / BINS
    least, most = _WIDTHS[values.dtype]
    if not least < width < most:
        some, unit = some.astype(np.float64), max(abs(low), abs(high)) or 1.0
        some, low, width = some / unit, low / unit, (high / unit - low / unit) / BINS
    if not width:
        histogram.fill(0)
        histogram[0] = some.size
        return
    kind = some.dtype.type
    places = np.subtract(some, kind(low))
    places *= kind(1 / width)
    counts = np.bincount(places.astype(np.intp), minlength=BINS + 1)
    histogram[:] = counts[:BINS]
    histogram[-1] += counts[BINS]  # the last bin has both its ends


def named_arrays(names: tuple[str, ...], values: tuple[Any, ...]) -> Iterator[tuple[str, str, Any]]:
    """Yield quantity, item and array, of shape (...), of each array of an event's fields.

    Parameters
    ----------
    names
        The names of the fields.
    values
        The fields: arrays, or several of them by position or name; text and numbers are left out.
    """
    for name, value in zip(names, values, strict=True):
        if isinstance(value, Mapping):
            yield from ((name, str(item), array) for item, array in value.items())
        elif isinstance(value, (tuple, list)):
            yield from ((name, str(item), array) for item, array in enumerate(value))
        elif not isinstance(value, (str, float)):
            yield name, "", value
