"""Pooling of images: one number of each window.

The mean is plain NumPy. The largest number has a derivative written by hand: it is found along a window's rows first,
then among them, by comparisons of whole arrays, two at a time. Which of two was larger is kept, and leads the gradient
back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from vizkit.autodiff import buffers, fused, operation
from vizkit.autodiff.threads import at_once, share
from vizkit.nn.images import Pair, Windows, inward, output_length, outward, same_padding

__all__ = ["avg_pool2d", "max_pool2d"]


def _climb(parts: list[Any], largest: Any, beats: Any, careful: bool) -> None:
    """Find the largest among arrays; `beats` tells of each but the first where it beat those before it.

    An equal number does not, and what is not a number does: so PyTorch decides whose the gradient is. Only where
    `careful` is the latter looked for.
    """
    best = parts[0]
    for part, won in zip(parts[1:], beats, strict=True):
        np.greater(part, best, out=won)
        if careful:
            np.logical_or(won, np.isnan(part), out=won)
        best = np.maximum(best, part, out=largest)
    if best is not largest:
        np.copyto(largest, best)


def _descend(gradient: Any, beats: Any, parts: list[Any]) -> None:
    """Write the gradient where the last of the arrays that beat those before it has its place, and 0 elsewhere."""
    for part, won in zip(parts[:0:-1], beats[::-1], strict=True):
        np.multiply(gradient, won, out=part)
        gradient = np.subtract(gradient, part, out=parts[0])
    if len(parts) == 1:
        np.copyto(parts[0], gradient)


def _descend_onto(gradient: Any, beats: Any, parts: list[Any]) -> None:
    """Do the same where the arrays overlap: add, to what their places already have."""
    won, rest = (buffers.empty(gradient.shape, gradient.dtype) for _ in range(2))
    np.copyto(rest, gradient)
    for part, where in zip(parts[:0:-1], beats[::-1], strict=True):
        np.multiply(rest, where, out=won)
        np.subtract(rest, won, out=rest)
        np.add(part, won, out=part)
    np.add(parts[0], rest, out=parts[0])


class _Climbing:
    """The windows of one pooling, which of their elements were the largest, and memory to find that out in.

    ``across`` is for what each window's rows hold: the largest number of each, later the gradient of each.
    """

    def __init__(self, windows: Windows, image: Any) -> None:
        self.windows = windows
        (height, columns), rest = (windows.image[0], windows.places[1]), image.shape[2:]
        self.across = buffers.empty((height, columns, *rest), image.dtype)
        self.along = buffers.empty((windows.size[1] - 1, height, columns, *rest), bool)
        self.among = buffers.empty((windows.size[0] - 1, *windows.places, *rest), bool)

    def run(self, work: Callable[[int, int], None], size: int) -> None:
        """Work on the rows of windows of an image of `size` numbers: in parts, unless windows overlap."""
        rows = self.windows.places[0]
        if self.windows.overlap or not rows:
            work(0, rows)
        else:
            share(work, rows, 2 * size, at_once(size // rows))

    def elements(self, image: Any, start: int, stop: int) -> tuple[slice, list[Any], list[Any]]:
        """Return which rows of an image some rows of windows see; the elements of these; and those of ``across``."""
        windows = self.windows
        seen = slice(start * windows.strides[0], max(0, (stop - 1) * windows.strides[0] + windows.size[0]))
        along = [image[seen, windows.met((0, j))[1]] for j in range(windows.size[1])]
        among = [self.across[windows.met((i, 0), start, stop)[0]] for i in range(windows.size[0])]
        return seen, along, among


def _max_pool2d_image(g: Any, y: Any, climbing: _Climbing, x: Any, **options: Any) -> list[Any]:
    """Pass each gradient to the first place, in reading order, that reached its maximum."""
    windows = climbing.windows
    gradient = g.transpose(1, 2, 0, 3)
    passed = buffers.empty((*windows.image, *gradient.shape[2:]), g.dtype)
    _clear(passed, windows)
    if windows.size != windows.strides:
        climbing.across.fill(0)
    descend = _descend_onto if windows.overlap else _descend

    def down(start: int, stop: int) -> None:
        seen, along, among = climbing.elements(passed, start, stop)
        descend(gradient[start:stop], climbing.among[:, start:stop], among)
        descend(climbing.across[seen], climbing.along[:, seen], along)

    climbing.run(down, passed.size)
    return [outward(passed, windows.pads)]


@fused(1, _max_pool2d_image)
def max_pool2d(x: Any, window: Pair, strides: Pair, padding: str = "valid") -> tuple[Any, _Climbing]:
    """Return the largest number of each window, of shape (batch, rows, columns, channels).

    Examples
    --------
    >>> max_pool2d(np.arange(16.0).reshape(1, 4, 4, 1), window=(2, 2), strides=(2, 2))[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """
    windows = Windows.over(x.shape, window, strides, padding)
    image = inward(x, windows.pads, -np.inf)
    climbing = _Climbing(windows, image)
    largest = buffers.empty((*windows.places, *image.shape[2:]), x.dtype)

    def up(start: int, stop: int) -> None:
        seen, along, among = climbing.elements(image, start, stop)
        for careful in (False, True):
            _climb(along, climbing.across[seen], climbing.along[:, seen], careful)
            _climb(among, largest[start:stop], climbing.among[:, start:stop], careful)
            if not np.isnan(np.max(largest[start:stop], initial=-np.inf)):
                break

    climbing.run(up, image.size)
    return outward(largest), climbing


def _clear(passed: Any, windows: Windows) -> None:
    """Set to 0 what no window will write to; everything, where windows overlap or leave gaps."""
    if windows.size == windows.strides:
        passed[windows.places[0] * windows.size[0] :].fill(0)
        passed[:, windows.places[1] * windows.size[1] :].fill(0)
    else:
        passed.fill(0)


def _window_sizes(shape: tuple[int, ...], window: Pair, strides: Pair, padding: str) -> Any:
    """Return how many elements of the image, without its padding, each window covers: (rows, columns, 1)."""
    counts = []
    for length, size, stride in zip(shape[1:3], window, strides, strict=True):
        before = same_padding(length, size, stride)[0] if padding == "same" else 0
        starts = np.arange(output_length(length, size, stride, padding)) * stride - before
        counts.append(np.minimum(starts + size, length) - np.maximum(starts, 0))
    return np.outer(*counts)[:, :, None]


@operation
def avg_pool2d(x: Any, window: Pair, strides: Pair, padding: str = "valid") -> Any:
    """Return the mean of each window, of shape (batch, rows, columns, channels); padding does not count.

    Examples
    --------
    >>> avg_pool2d(np.arange(16.0).reshape(1, 4, 4, 1), (2, 2), (2, 2))[0, :, :, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """
    windows = Windows.over(x.shape, window, strides, padding)
    image = np.pad(x, ((0, 0), *windows.pads, (0, 0))) if np.any(windows.pads) else x
    parts = (image[:, *windows.met(first)] for _, first in windows.offsets())
    return functools.reduce(np.add, parts) / _window_sizes(x.shape, window, strides, padding).astype(x.dtype)
