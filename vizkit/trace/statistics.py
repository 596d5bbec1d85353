"""What is kept of an array in its place: count, mean, deviation, extremes and a histogram."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "NUMBERS", "Known", "Summary", "summaries", "summarise"]

# By the memory of an array, of shape (...): the array itself, which holds the memory, and its summary.
Known: TypeAlias = "dict[tuple[Any, ...], tuple[NDArray[Any], Summary]]"
BINS = 32
NUMBERS = 3 + 2 + BINS  # that a summary has, beside the array's shape
_COUNTED = 1 << 14  # values that a histogram counts at most, evenly spaced: enough for a picture, and fast


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

    The sums are taken in the array's own precision. Of more than 16,384 numbers the histogram counts
    evenly spaced ones.

    Examples
    --------
    >>> summary = summarise(np.array([[0.0, 1.0], [2.0, np.nan]]))
    >>> summary.moments.round(3).tolist(), summary.extremes.tolist()
    ([3.0, 1.0, 0.816], [0.0, 2.0])
    >>> summary.histogram[[0, 16, 31]].tolist()
    [1, 1, 1]
    """
    shape = np.array(array.shape, np.int64)
    values = np.ascontiguousarray(array).reshape(-1)
    values = np.abs(values) if values.dtype.kind == "c" else values
    if values.dtype.kind != "f" or values.dtype.itemsize < 4:
        values = values.astype(np.float32 if values.dtype.itemsize < 4 else np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        if values.size and not (np.isfinite(values.min()) and np.isfinite(values.max())):
            values = values[np.isfinite(values)]
        if not values.size:
            nothing = np.full(2, np.nan)
            return Summary(shape, np.array([0.0, np.nan, np.nan]), nothing, np.zeros(BINS, np.int64))
        mean, low, high = values.mean(), values.min(), values.max()
        moments = np.array([values.size, mean, _deviation(values, mean, max(high - mean, mean - low))], np.float64)
    extremes = np.array([low, high], np.float64)
    return Summary(shape, moments, extremes, _histogram(values, *extremes))


def _deviation(values: NDArray[Any], mean: Any, largest: Any) -> Any:
    """The standard deviation; `largest` is the largest distance from the mean, of numbers that may be tiny or huge."""
    deviations = values - mean
    if not 1e-12 < largest < 1e12:  # their squares might not be numbers of this type
        unit = float(largest) or 1.0
        return unit * np.sqrt(np.mean((deviations.astype(np.float64) / unit) ** 2))
    return np.sqrt(np.dot(deviations, deviations) / values.size)


def _histogram(values: NDArray[Any], low: float, high: float) -> NDArray[np.int64]:
    some = values[:: -(-values.size // _COUNTED)].astype(np.float64)
    width = high / BINS - low / BINS
    with np.errstate(over="ignore", invalid="ignore"):
        places = (some / width - low / width) if width > 0 else np.zeros_like(some)
    if not (np.isfinite(places.min()) and np.isfinite(places.max())):
        places = np.nan_to_num(places, nan=0.0)
    places = np.clip(places, 0, BINS - 1).astype(np.intp)
    return np.bincount(places, minlength=BINS).astype(np.int64)


def summaries(
    names: tuple[str, ...], values: tuple[Any, ...], known: Known | None = None
) -> Iterator[tuple[str, str, Summary]]:
    """Yield quantity, item and summary of each array, of shape (...), of an event's fields.

    Parameters
    ----------
    names
        The names of the fields.
    values
        The fields: arrays, or several of them by position or name; text and numbers are left out.
    known
        Arrays that are still as they were, and their summaries; it takes up the new ones.
    """

    def summary(value: Any) -> Summary:
        array = np.asarray(value)
        if known is None:
            return summarise(array)
        place = array.__array_interface__["data"][0], array.shape, array.strides, array.dtype
        if place not in known:
            known[place] = array, summarise(array)
        return known[place][1]

    for name, value in zip(names, values, strict=True):
        if isinstance(value, Mapping):
            yield from ((name, str(item), summary(array)) for item, array in value.items())
        elif isinstance(value, (tuple, list)):
            yield from ((name, str(item), summary(array)) for item, array in enumerate(value))
        elif not isinstance(value, (str, float)):
            yield name, "", summary(value)
