"""Images as layers look at them: where a window stands, and how an image lies in memory.

What goes in and comes out is (batch, height, width, channels). Inside, an image stands as (height, width,
batch, channels): then one offset of the kernel is one stacked product of matrices over the whole batch, and no
window is ever copied. `inward` and `outward` lead from one to the other; where an array already lies in memory
as the other needs it, which between two layers it does, they cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from vizkit.autodiff import buffers

__all__ = ["Windows", "inward", "output_length", "outward", "same_padding", "transposed_length"]

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


@dataclass(frozen=True)
class Windows:
    """All places of a window on an image.

    Attributes
    ----------
    size, strides, dilation
        Of the window, down and right.
    places
        How many rows and columns of places there are.
    pads
        What padding adds above and below, left and right.
    image
        Height and width of the image with its padding.
    """

    size: Pair
    strides: Pair
    dilation: Pair
    places: Pair
    pads: tuple[Pair, Pair]
    image: Pair

    @classmethod
    def over(cls, shape: tuple[int, ...], size: Pair, strides: Pair, padding: str, dilation: Pair = (1, 1)) -> Windows:
        """Return the places on images of shape (batch, height, width, channels)."""
        axes = list(zip(shape[1:3], size, strides, dilation, strict=True))
        top, left = (same_padding(*axis) if padding == "same" else (0, 0) for axis in axes)
        rows, columns = (output_length(n, w, s, padding, d) for n, w, s, d in axes)
        image = (shape[1] + sum(top), shape[2] + sum(left))
        return cls(tuple(size), tuple(strides), tuple(dilation), (rows, columns), (top, left), image)

    @property
    def overlap(self) -> bool:
        """Whether a pixel can lie in two windows."""
        return any(d * (w - 1) + 1 > s for w, s, d in zip(self.size, self.strides, self.dilation, strict=True))

    def offsets(self) -> Iterator[tuple[Pair, Pair]]:
        """Yield each position in the window with the pixel that it meets when the window stands first."""
        for i in range(self.size[0]):
            for j in range(self.size[1]):
                yield (i, j), (i * self.dilation[0], j * self.dilation[1])

    def met(self, first: Pair, start: int = 0, stop: int | None = None) -> tuple[slice, slice]:
        """Return where an image meets one position of all windows, which meets the pixel `first` at first.

        Of the rows of windows those from `start` to `stop` are meant, all when ``None``.
        """
        spans = (start, self.places[0] if stop is None else stop), (0, self.places[1])
        rows, columns = (
            slice(begin + low * stride, begin + low * stride + max(0, (high - low - 1) * stride + 1), stride)
            for begin, (low, high), stride in zip(first, spans, self.strides, strict=True)
        )
        return rows, columns

    def seen(self, image: Any) -> Any:
        """Return a view of an image of shape (height, width, ...): what each position of the window meets.

        It is of the shape (rows of the window, columns of the window, rows of places, columns of places, ...).
        """
        down, right, *rest = image.strides
        steps = [
            step * by for steps in (self.dilation, self.strides) for step, by in zip((down, right), steps, strict=True)
        ]
        shape = (*self.size, *self.places, *image.shape[2:])
        return np.lib.stride_tricks.as_strided(image, shape, (*steps, *rest), writeable=False)

    def rows_meeting(self, first: int, start: int, stop: int) -> tuple[slice, slice]:
        """Return which rows of windows meet the image's rows `start` to `stop`, and which of those they meet.

        Meant is the position in the window that meets the row `first` at first.
        """
        stride = self.strides[0]
        low, high = (min(max(0, -(-(edge - first) // stride)), self.places[0]) for edge in (start, stop))
        return slice(low, high), slice(
            first + low * stride, first + high * stride - (stride - 1) * (high > low), stride
        )


def inward(x: Any, pads: tuple[Pair, Pair] = ((0, 0), (0, 0)), fill: float = 0.0) -> Any:
    """Bring (batch, height, width, channels) to the padded working layout, (height, width, batch, channels).

    Without padding an array that lies in memory like that already is not copied.
    """
    turned = x.transpose(1, 2, 0, 3)
    (top, bottom), (left, right) = pads
    height, width, batch, channels = turned.shape
    if not any((top, bottom, left, right)):
        if turned.flags.c_contiguous:
            return turned
        image = buffers.empty(turned.shape, x.dtype)
        np.copyto(image, turned)
        return image
    image = buffers.empty((height + top + bottom, width + left + right, batch, channels), x.dtype)
    for border in (image[:top], image[top + height :], image[:, :left], image[:, left + width :]):
        border.fill(fill)
    image[top : top + height, left : left + width] = turned
    return image


def outward(image: Any, pads: tuple[Pair, Pair] = ((0, 0), (0, 0))) -> Any:
    """Cut the padding off the working layout and show it as (batch, height, width, channels), without a copy."""
    (top, bottom), (left, right) = pads
    height, width = image.shape[:2]
    return image[top : height - bottom, left : width - right].transpose(2, 0, 1, 3)
