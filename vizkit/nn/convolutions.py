"""Convolution of images, its way back, and the bias and relu that follow: fused, with derivatives by hand.

A convolution is a sum of products of matrices, one for each weight of the kernel's window: the pixels that this
weight meets, as a matrix of (samples, channels) for each place, by that weight's matrix of (channels, filters).
NumPy multiplies such a stack in one call and reads the pixels where they are. Of an image with few channels a
matrix would be too narrow: there all pixels of a window are first laid side by side, so that one product remains.

Rows of an image are worked on at the same time (`threads.share`). No matrix is cut for that but the largest, between
rows of theirs (`threads.product`), so the results have the same bits on any number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.autodiff import buffers, fused
from vizkit.autodiff.engine import Primitive
from vizkit.autodiff.threads import BLAS_ALONE, MULTIPLICATIONS, at_once, elementwise, product, share, summed
from vizkit.nn.images import Pair, Windows, inward, outward, transposed_length

__all__ = ["add_bias", "conv2d", "conv2d_transpose", "rectify"]

FEW = 4  # channels up to which the pixels of a window are laid side by side
SAMPLES = 16  # with fewer a matrix of one place is too low, and those of a whole row are joined
BANDS = 2  # of rows, whose shares of a kernel's gradient are added in the end: fixed, so that bits are too


def _views(image: Any, windows: Windows) -> Any:
    """Return what the weights of the window meet: (rows and columns of weights, rows, columns, batch, channels).

    Pixels that lie side by side count as the channels of a window of one weight.
    """
    seen = windows.seen(image)
    down, right, rows, columns, batch, channels = seen.shape
    if channels > FEW or down * right == 1:
        return seen
    side_by_side = buffers.empty((rows, down, right, channels, columns, batch), image.dtype)
    np.copyto(side_by_side, seen.transpose(2, 0, 1, 5, 3, 4))
    return side_by_side.reshape(1, 1, rows, down * right * channels, columns, batch).transpose(0, 1, 2, 4, 5, 3)


def _joined(matrices: Any, wide: bool) -> Any:
    """Make the matrices of a row's places one, where `wide`."""
    rows, columns, batch, channels = matrices.shape
    return matrices.reshape(rows, columns * batch, channels) if wide else matrices


def _is_wide(shape: tuple[int, ...], work: int, stride: int) -> bool:
    """Say whether to join the places of a row, where a sample of a place takes `work` multiplications."""
    columns, batch = shape[1:3]
    return batch < SAMPLES or (stride == 1 and columns * batch * work <= BLAS_ALONE)


def _conv2d(x: Any, kernel: Any, strides: Pair = (1, 1), padding: str = "valid", dilation: Pair = (1, 1)) -> Any:
    filters = kernel.shape[3]
    windows = Windows.over(x.shape, kernel.shape[:2], strides, padding, dilation)
    views = _views(inward(x, windows.pads), windows)
    weights = kernel.reshape(*views.shape[:2], views.shape[5], filters)
    total = buffers.empty((*windows.places, len(x), filters), np.result_type(x, kernel))
    each = buffers.empty(total.shape, total.dtype)
    work = views.shape[5] * filters
    wide = _is_wide(total.shape, work, strides[1])

    def rows(start: int, stop: int) -> None:
        result, more = (_joined(array[start:stop], wide) for array in (total, each))
        for at in np.ndindex(views.shape[:2]):
            np.matmul(_joined(views[at][start:stop], wide), weights[at], out=more if any(at) else result)
            if any(at):
                np.add(result, more, out=result)

    load = kernel.size * total[..., 0].size // MULTIPLICATIONS
    share(rows, windows.places[0], load, at_once(each[0].size))
    return outward(total)


conv2d = Primitive(_conv2d, 2, name="conv2d")


def _spread(
    g: Any, kernel: Any, shape: tuple[int, ...], strides: Pair = (1, 1), padding: str = "valid", dilation: Pair = (1, 1)
) -> Any:
    """Lay the kernel, weighted by `g`, over an image of the given shape at each place where it stood."""
    windows = Windows.over(shape, kernel.shape[:2], strides, padding, dilation)
    passed = buffers.empty((*windows.image, shape[0], shape[3]), np.result_type(g, kernel))
    gradient = inward(g)
    each = buffers.empty((windows.image[0], *gradient.shape[1:3], shape[3]), passed.dtype)
    turned = buffers.empty((*windows.size, kernel.shape[3], kernel.shape[2]), kernel.dtype)
    np.copyto(turned, kernel.swapaxes(2, 3))  # BLAS takes a third less time when a small right matrix is in order
    work = kernel.shape[2] * kernel.shape[3]
    wide = _is_wide(gradient.shape, work, 1)

    def rows(start: int, stop: int) -> None:
        passed[start:stop].fill(0)
        for at, first in windows.offsets():
            standing, met = windows.rows_meeting(first[0], start, stop)
            more = each[start : start + standing.stop - standing.start]
            np.matmul(_joined(gradient[standing], wide), turned[at], out=_joined(more, wide))
            reached = passed[met, windows.met(first)[1]]
            np.add(reached, more, out=reached)

    load = kernel.size * gradient[..., 0].size // MULTIPLICATIONS
    share(rows, windows.image[0], load, at_once(each[0].size))
    return outward(passed, windows.pads)


@conv2d.derivative(0)
def _conv2d_image(g: Any, y: Any, x: Any, kernel: Any, **options: Any) -> Any:
    return _spread(g, kernel, x.shape, **options)


@conv2d.derivative(1)
def _conv2d_kernel(
    g: Any, y: Any, x: Any, kernel: Any, strides: Pair = (1, 1), padding: str = "valid", dilation: Pair = (1, 1)
) -> Any:
    windows = Windows.over(x.shape, kernel.shape[:2], strides, padding, dilation)
    views = _views(inward(x, windows.pads), windows)
    gradient = inward(g)
    passed = buffers.empty((*views.shape[:2], views.shape[5], gradient.shape[3]), kernel.dtype)
    batch, work = gradient.shape[2], passed[0, 0].size
    if batch < SAMPLES or batch * work > BLAS_ALONE:
        _cross_whole(views, gradient, passed)
    else:
        joined = min(gradient.shape[1], BLAS_ALONE // (batch * work)) if strides[1] == 1 else 1
        _cross_bands(views, gradient, passed, joined)
    return passed.reshape(kernel.shape)


def _cross_whole(views: Any, gradient: Any, passed: Any) -> None:
    """Multiply the pixels that each weight meets by the gradient, in one product."""
    flat = gradient.reshape(-1, gradient.shape[3])
    pixels = buffers.empty(views.shape[2:], views.dtype)
    for at in np.ndindex(views.shape[:2]):
        np.copyto(pixels, views[at])
        product(pixels.reshape(-1, pixels.shape[3]).T, flat, passed[at])


def _cross_bands(views: Any, gradient: Any, passed: Any, joined: int) -> None:
    """Do the same in one product for every `joined` columns, and add these up: within bands of rows, then the bands."""
    rows, columns = gradient.shape[:2]
    bands, stacked = min(BANDS, rows), -(-columns // joined)
    height = min(-(-rows // bands), at_once(stacked * passed.size))
    shares = buffers.empty((bands, *passed.shape), passed.dtype)
    sums = buffers.empty((bands, *passed.shape), passed.dtype)
    products = buffers.empty((bands, *passed.shape[:2], height, stacked, *passed.shape[2:]), passed.dtype)

    def work(start: int, stop: int) -> None:
        for band in range(start, stop):
            first, last = rows * band // bands, rows * (band + 1) // bands
            for low in range(first, last, height):
                here = slice(low, min(low + height, last))
                crossed = products[band][:, :, : here.stop - low]
                _cross(views[:, :, here], gradient[here], joined, crossed)
                np.sum(crossed, axis=(2, 3), out=sums[band] if low > first else shares[band])
                if low > first:
                    np.add(shares[band], sums[band], out=shares[band])

    share(work, bands, passed.size * gradient.size // gradient.shape[3] // MULTIPLICATIONS)
    np.sum(shares, axis=0, out=passed)


def _cross(views: Any, gradient: Any, joined: int, products: Any) -> None:
    """Multiply stacks of so many columns; what remains of a row makes the row's last product."""
    whole = gradient.shape[1] // joined
    edge = whole * joined
    for columns, places in ((slice(0, edge), slice(0, whole)), (slice(edge, None), slice(whole, None))):
        out = products[:, :, :, places]
        if out.size:
            left = views[:, :, :, columns].reshape(*out.shape[:4], -1, views.shape[5])
            right = gradient[:, columns].reshape(*out.shape[2:4], -1, gradient.shape[3])
            np.matmul(left.swapaxes(4, 5), right, out=out)


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


def _summed(g: Any) -> Any:
    """Return the sum of a gradient over all but its channels: what a bias gets."""
    return np.sum(summed(inward(g), 1), axis=(0, 1, 2))


def _add_bias(x: Any, bias: Any) -> Any:
    maps = x.transpose(1, 2, 0, 3)
    total = buffers.empty(maps.shape, np.result_type(x, bias))
    return outward(elementwise(np.add, maps, bias, out=total))


add_bias = Primitive(_add_bias, 2, [lambda g, y, x, bias: g, lambda g, y, x, bias: _summed(g)], name="add")


def _rectify_back(g: Any, y: Any, saved: Any, x: Any, bias: Any) -> list[Any]:
    maps, gradient = y.transpose(1, 2, 0, 3), g.transpose(1, 2, 0, 3)
    passed = buffers.empty(maps.shape, g.dtype)
    lit = buffers.empty(maps.shape, bool)
    rows = buffers.empty((len(maps), *maps.shape[2:]), g.dtype)

    def work(start: int, stop: int) -> None:
        here = slice(start, stop)
        np.greater(maps[here], 0, out=lit[here])
        np.multiply(gradient[here], lit[here], out=passed[here])
        np.sum(passed[here], axis=1, out=rows[here])

    share(work, len(maps), 2 * maps.size, at_once(maps[0].size))
    return [outward(passed), np.sum(rows, axis=(0, 1))]


@fused(2, _rectify_back)
def rectify(x: Any, bias: Any) -> tuple[Any, None]:
    """Return max(x + bias, 0), of the shape (batch, height, width, filters) of `x`, in whose memory it stands.

    Meant for what a convolution has just made: nobody else may need `x` any more. The numbers are those of the
    sum and of `relu` one after the other.

    Examples
    --------
    >>> rectify(np.array([[[[-3.0, 2.0]]]]), np.array([1.0, 1.0])).tolist()
    [[[[0.0, 3.0]]]]
    """
    maps = x.transpose(1, 2, 0, 3)
    biases, nothing = (buffers.empty(maps.shape[1:], x.dtype) for _ in range(2))  # a row of places: long loops are fast
    biases[:1] = bias
    biases[1:] = biases[:1]
    nothing.fill(0)

    def work(start: int, stop: int) -> None:
        here = maps[start:stop]
        np.add(here, biases, out=here)
        np.maximum(here, nothing, out=here)

    share(work, len(maps), 2 * maps.size, at_once(maps[0].size))
    return x, None
