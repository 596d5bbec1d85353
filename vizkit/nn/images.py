"""Convolution and pooling of images: fused primitives with derivatives written by hand.

What goes in and comes out is (batch, height, width, channels). Inside, an image stands as (height, width,
batch, channels): then one offset of the kernel is one stacked product of matrices over the whole batch,
and no window is ever copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from vizkit.nn.autodiff.engine import Primitive

__all__ = [
    "avg_pool2d", "conv2d", "conv2d_transpose", "max_pool2d", "output_length", "same_padding", "transposed_length",
]  # fmt: skip

Pair = tuple[int, int]


def output_length(length: int, window: int, stride: int, padding: str, dilation: int = 1) -> int:
    """Return how many places a window has along an axis: what a convolution's output measures.

    Examples
    --------
    >>> output_length(6, 3, 1, "valid"), output_length(6, 3, 2, "same")
    (4, 3)
    """
    if padding == "same":
        return -(-length // stride)
    return max(0, (length - dilation * (window - 1) - 1) // stride + 1)


def same_padding(length: int, window: int, stride: int, dilation: int = 1) -> Pair:
    """Return the zeros before and after an axis that padding ``"same"`` adds.

    Examples
    --------
    >>> same_padding(6, 3, 1), same_padding(6, 2, 1)
    ((1, 1), (0, 1))
    """
    places = -(-length // stride)
    missing = max(0, (places - 1) * stride + dilation * (window - 1) + 1 - length)
    return missing // 2, missing - missing // 2


def _padding(shape: tuple[int, ...], window: Pair, strides: Pair, padding: str, dilation: Pair) -> list[Pair]:
    if padding == "valid":
        return [(0, 0), (0, 0)]
    return [same_padding(shape[1 + i], window[i], strides[i], dilation[i]) for i in (0, 1)]


def _inward(x: Any, pads: list[Pair], fill: float = 0.0) -> Any:
    """Bring (batch, height, width, channels) to the padded working layout."""
    turned = x.transpose(1, 2, 0, 3)
    if pads == [(0, 0), (0, 0)]:
        return np.ascontiguousarray(turned)
    (top, bottom), (left, right) = pads
    height, width, batch, channels = turned.shape
    padded = np.full((height + top + bottom, width + left + right, batch, channels), fill, x.dtype)
    padded[top : top + height, left : left + width] = turned
    return padded


def _outward(padded: Any, pads: list[Pair]) -> Any:
    """Cut the padding off and bring the working layout back."""
    (top, bottom), (left, right) = pads
    height, width = padded.shape[:2]
    return padded[top : height - bottom, left : width - right].transpose(2, 0, 1, 3)


def _offsets(
    window: Pair, places: tuple[int, ...], strides: Pair, dilation: Pair
) -> Iterator[tuple[Pair, tuple[slice, slice]]]:
    """Yield each position in the window with the slices of the image that it meets."""
    for i in range(window[0]):
        for j in range(window[1]):
            starts = (i * dilation[0], j * dilation[1])
            rows, columns = (
                slice(start, start + (count - 1) * stride + 1, stride)
                for start, count, stride in zip(starts, places, strides, strict=True)
            )
            yield (i, j), (rows, columns)


def _conv2d(x: Any, kernel: Any, strides: Pair = (1, 1), padding: str = "valid", dilation: Pair = (1, 1)) -> Any:
    window = kernel.shape[:2]
    places = tuple(output_length(x.shape[1 + i], window[i], strides[i], padding, dilation[i]) for i in (0, 1))
    image = _inward(x, _padding(x.shape, window, strides, padding, dilation))
    shape = (*places, x.shape[0], kernel.shape[3])
    total = np.zeros(shape, np.result_type(x, kernel))
    product = np.empty_like(total)
    for at, met in _offsets(window, places, strides, dilation):
        total += np.matmul(image[met], kernel[at], out=product)
    return total.transpose(2, 0, 1, 3)


conv2d = Primitive(_conv2d, 2, name="conv2d")


def _spread(
    g: Any, kernel: Any, shape: tuple[int, ...], strides: Pair = (1, 1), padding: str = "valid", dilation: Pair = (1, 1)
) -> Any:
    """Lay the kernel, weighted by `g`, over an image of the given shape at each place where it stood."""
    window = kernel.shape[:2]
    pads = _padding(shape, window, strides, padding, dilation)
    height, width = (shape[1 + i] + sum(pads[i]) for i in (0, 1))
    passed = np.zeros((height, width, shape[0], shape[3]), np.result_type(g, kernel))
    gradient = np.ascontiguousarray(g.transpose(1, 2, 0, 3))
    for at, met in _offsets(window, gradient.shape[:2], strides, dilation):
        passed[met] += np.matmul(gradient, kernel[at].T)
    return _outward(passed, pads)


@conv2d.derivative(0)
def _conv2d_image(g: Any, y: Any, x: Any, kernel: Any, **options: Any) -> Any:
    return _spread(g, kernel, x.shape, **options)


@conv2d.derivative(1)
def _conv2d_kernel(
    g: Any, y: Any, x: Any, kernel: Any, strides: Pair = (1, 1), padding: str = "valid", dilation: Pair = (1, 1)
) -> Any:
    window = kernel.shape[:2]
    image = _inward(x, _padding(x.shape, window, strides, padding, dilation))
    gradient = np.ascontiguousarray(g.transpose(1, 2, 0, 3))
    flat = gradient.reshape(-1, gradient.shape[3])
    passed = np.empty(kernel.shape, kernel.dtype)
    for at, met in _offsets(window, gradient.shape[:2], strides, dilation):
        passed[at] = image[met].reshape(len(flat), -1).T @ flat
    return passed


def transposed_length(length: int, window: int, stride: int, padding: str, dilation: int = 1) -> int:
    """Return what a transposed convolution's output measures along an axis, as Keras defines it.

    It is the length of an image over which a window has `length` places.

    Examples
    --------
    >>> transposed_length(4, 3, 1, "valid"), transposed_length(4, 3, 2, "same")
    (6, 8)
    """
    reach = dilation * (window - 1) + 1
    return length * stride + (max(reach - stride, 0) if padding == "valid" else 0)


def _conv2d_transpose(
    x: Any, kernel: Any, strides: Pair = (1, 1), padding: str = "valid", dilation: Pair = (1, 1)
) -> Any:
    """Go the way of `conv2d` backwards: its kernel is of shape (height, width, filters, channels of `x`)."""
    height, width = (
        transposed_length(x.shape[1 + i], kernel.shape[i], strides[i], padding, dilation[i]) for i in (0, 1)
    )
    return _spread(x, kernel, (x.shape[0], height, width, kernel.shape[2]), strides, padding, dilation)


conv2d_transpose = Primitive(
    _conv2d_transpose,
    2,
    [
        lambda g, y, x, kernel, **options: _conv2d(g, kernel, **options),
        lambda g, y, x, kernel, **options: _conv2d_kernel(x, None, g, kernel, **options),
    ],
    "conv2d_transpose",
)


def _max_pool2d(x: Any, window: Pair, strides: Pair, padding: str = "valid") -> Any:
    places = tuple(output_length(x.shape[1 + i], window[i], strides[i], padding) for i in (0, 1))
    image = _inward(x, _padding(x.shape, window, strides, padding, (1, 1)), -np.inf)
    largest = None
    for _, met in _offsets(window, places, strides, (1, 1)):
        largest = image[met].copy() if largest is None else np.maximum(largest, image[met], out=largest)
    return largest.transpose(2, 0, 1, 3)


max_pool2d = Primitive(_max_pool2d, 1, name="max_pool2d")


@max_pool2d.derivative()
def _max_pool2d_image(g: Any, y: Any, x: Any, window: Pair, strides: Pair, padding: str = "valid") -> Any:
    """Pass each gradient to the first place, in reading order, that reached its maximum."""
    pads = _padding(x.shape, window, strides, padding, (1, 1))
    image = _inward(x, pads, -np.inf)
    largest, gradient = y.transpose(1, 2, 0, 3), g.transpose(1, 2, 0, 3)
    passed = np.zeros_like(image)
    open_ = np.ones(largest.shape, bool)
    for _, met in _offsets(window, largest.shape[:2], strides, (1, 1)):
        here = np.equal(image[met], largest)
        here &= open_
        open_ &= ~here
        passed[met] += gradient * here
    return _outward(passed, pads)


def _window_sizes(shape: tuple[int, ...], window: Pair, strides: Pair, padding: str) -> Any:
    """Return how many elements of the image, without its padding, each window covers: (rows, columns, 1, 1)."""
    counts = []
    for length, size, stride in zip(shape[1:3], window, strides, strict=True):
        before = same_padding(length, size, stride)[0] if padding == "same" else 0
        starts = np.arange(output_length(length, size, stride, padding)) * stride - before
        counts.append(np.minimum(starts + size, length) - np.maximum(starts, 0))
    return np.outer(*counts)[:, :, None, None]


def _avg_pool2d(x: Any, window: Pair, strides: Pair, padding: str = "valid") -> Any:
    sizes = _window_sizes(x.shape, window, strides, padding)
    image = _inward(x, _padding(x.shape, window, strides, padding, (1, 1)))
    total = np.zeros((*sizes.shape[:2], *image.shape[2:]), x.dtype)
    for _, met in _offsets(window, sizes.shape[:2], strides, (1, 1)):
        total += image[met]
    total /= sizes.astype(x.dtype)
    return total.transpose(2, 0, 1, 3)


avg_pool2d = Primitive(_avg_pool2d, 1, name="avg_pool2d")


@avg_pool2d.derivative()
def _avg_pool2d_image(g: Any, y: Any, x: Any, window: Pair, strides: Pair, padding: str = "valid") -> Any:
    pads = _padding(x.shape, window, strides, padding, (1, 1))
    sizes = _window_sizes(x.shape, window, strides, padding)
    share = g.transpose(1, 2, 0, 3) / sizes.astype(g.dtype)
    height, width = (x.shape[1 + i] + sum(pads[i]) for i in (0, 1))
    passed = np.zeros((height, width, *share.shape[2:]), x.dtype)
    for _, met in _offsets(window, sizes.shape[:2], strides, (1, 1)):
        passed[met] += share
    return _outward(passed, pads)
