"""One step of a convolution: a window of the input, the kernel, their products and the sum.

`ConvolutionStepView` computes what it shows: each product of a pixel and the weight that
lies on it, their sum, the value with the bias, and where that value stands in the feature
map. A small input is drawn as grids with the numbers in the cells; a large one as a picture
with the window as a small square and the products written out one above the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vizkit.checks import whole
from vizkit.errors import ArgumentError, ShapeError
from vizkit.trace import Trace
from vizkit.typing import ArrayLike, Float, Real
from vizkit.views import convolution_grids, convolution_written
from vizkit.views.convolution_recorded import RecordedConvolution
from vizkit.views.grids import matrix
from vizkit.views.numbers import is_index
from vizkit.views.picture import Picture, View

__all__ = ["STAGES", "ConvolutionStepView", "convolve", "output_shape"]

# What has been shown so far of a step, in the order in which it happens.
STAGES = ("image", "kernel", "window", "products", "sum", "bias", "result")


def output_shape(image: tuple[int, int], kernel: tuple[int, int], stride: int = 1) -> tuple[int, int]:
    """Return how many windows of a kernel's shape fit into an image, as (rows, columns).

    Along each axis there are ⌊(n − k) / s⌋ + 1 places for n pixels, k weights and stride s.

    Raises
    ------
    ShapeError
        If the kernel is larger than the image.

    Examples
    --------
    >>> output_shape((6, 6), (3, 3))
    (4, 4)
    """
    stride = whole("stride", stride)
    if kernel[0] > image[0] or kernel[1] > image[1]:
        raise ShapeError(f"A kernel fits into its image, but the kernel is {kernel} and the image {image}.")
    return (image[0] - kernel[0]) // stride + 1, (image[1] - kernel[1]) // stride + 1


def convolve(
    image: Float["height width"], kernel: Float["rows columns"], bias: Real = 0.0, stride: int = 1
) -> Float["row column"]:
    """Return the feature map of an image of shape (height, width): each window times the kernel, summed, plus bias.

    The kernel is not turned round: what networks call a convolution is a cross-correlation
    (Goodfellow, Bengio and Courville, Deep Learning, equation 9.6).

    Examples
    --------
    >>> convolve(np.eye(3), np.ones((2, 2)), bias=-1).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    output_shape(image.shape, kernel.shape, stride)
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return np.einsum("rcij,ij->rc", windows, kernel) + bias


@dataclass(frozen=True, eq=False)
class ConvolutionStepView(View):
    """Input, kernel, products and sum of one window, and the place of the result.

    Attributes
    ----------
    image
        Shape (height, width).
    kernel
        Shape (rows, columns), not larger than the image.
    bias
        What is added to the sum.
    row, column
        The place in the feature map, from 0.
    stride
        By how many pixels the window moves.
    stage
        What is shown so far, one of `STAGES`.
    done
        How many values of the feature map are filled in, in reading order; None for all.
    part
        Whether the image is one of several channels: the sum is then only its part of the value, and the
        bias, which is added once for all channels, is left out.
    """

    image: Float["height width"]
    kernel: Float["rows columns"]
    bias: float = 0.0
    row: int = 0
    column: int = 0
    stride: int = 1
    stage: str = "result"
    done: int | None = None
    part: bool = False

    def __post_init__(self) -> None:
        rows, columns = output_shape(self.image.shape, self.kernel.shape, self.stride)
        if not (is_index(self.row, rows) and is_index(self.column, columns)):
            raise ArgumentError(
                f"The feature map has rows 0 to {rows - 1} and columns 0 to {columns - 1},"
                f" but row {self.row!r}, column {self.column!r} was given."
            )
        if self.stage not in STAGES:
            raise ArgumentError(f"A stage is one of {', '.join(STAGES)}, but {self.stage!r} was given.")

    @classmethod
    def from_arrays(
        cls, image: ArrayLike, kernel: ArrayLike, bias: Real = 0.0, row: int = 0, column: int = 0, stride: int = 1
    ) -> ConvolutionStepView:
        """Make the view from an image of shape (height, width) and a kernel of shape (rows, columns).

        Raises
        ------
        ShapeError, DataError, ArgumentError
            If a shape does not fit, a number is not finite, or the window is not in the image.

        Examples
        --------
        >>> view = ConvolutionStepView.from_arrays(np.eye(3), np.eye(2), bias=-1)
        >>> view.products.tolist(), view.sum, view.value
        ([[1.0, 0.0], [0.0, 1.0]], 2.0, 1.0)
        """
        offset = float(matrix([[bias]], "bias")[0, 0])
        return cls(matrix(image, "image"), matrix(kernel, "kernel"), offset, row, column, stride)

    @classmethod
    def from_trace(
        cls, trace: Trace, layer: str | None = None, *, sample: int = 0, channel: int | None = None,
        filter: int = 0, row: int = 0, column: int = 0, step: int | None = None,
    ) -> ConvolutionStepView:  # fmt: skip
        """Make the view of one window of a recorded convolution layer.

        Of a layer with several input channels one is chosen with `channel`; the sum is then this
        channel's part, and the bias, which is added once for all channels, is left out.

        Raises
        ------
        TraceQueryError
            If the trace holds no such convolution.
        ArgumentError
            If the sample, channel, filter, row or column does not exist.
        """
        recorded = RecordedConvolution.of(trace, layer, step)
        image, kernel, bias = recorded.plane(sample, channel, filter)
        return cls.from_arrays(image, kernel, bias, row, column, recorded.stride)

    @classmethod
    def ensure(
        cls, data: ConvolutionStepView | Trace | ArrayLike, kernel: ArrayLike | None = None, *, bias: Real = 0.0,
        **options: Any,
    ) -> ConvolutionStepView:  # fmt: skip
        """Return a view from itself, from an image of shape (height, width) and a kernel, or from a trace.

        The options are those of `from_arrays` or of `from_trace`.
        """
        if isinstance(data, cls):
            return data
        if isinstance(data, Trace):
            if kernel is not None or bias:
                raise ArgumentError("A trace brings its own kernel and bias, but a kernel or bias was given with it.")
            return cls.from_trace(data, **options)
        if kernel is None:
            raise ArgumentError("An image needs a kernel of shape (rows, columns) beside it, but none was given.")
        return cls.from_arrays(data, kernel, bias, **options)

    @property
    def corner(self) -> tuple[int, int]:
        """Row and column of the window's upper left pixel."""
        return self.row * self.stride, self.column * self.stride

    @cached_property
    def pixels(self) -> Float["rows columns"]:
        """The window: the part of the image that lies under the kernel."""
        (top, left), (rows, columns) = self.corner, self.kernel.shape
        return self.image[top : top + rows, left : left + columns]

    @cached_property
    def products(self) -> Float["rows columns"]:
        """Each pixel of the window times the weight that lies on it."""
        return self.pixels * self.kernel

    @cached_property
    def sum(self) -> float:
        """The sum of the products."""
        return float(self.products.sum())

    @property
    def value(self) -> float:
        """The sum with the bias: the value in the feature map."""
        return self.sum + self.bias

    @cached_property
    def feature_map(self) -> Float["row column"]:
        """The values of all windows."""
        return convolve(self.image, self.kernel, self.bias, self.stride)

    @cached_property
    def filled(self) -> np.ndarray:
        """Which values of the feature map are shown: the first `done` in reading order."""
        shape = self.feature_map.shape
        done = self.feature_map.size if self.done is None else self.done
        return np.arange(self.feature_map.size).reshape(shape) < done

    def reached(self, stage: str) -> bool:
        """Say whether a stage is shown already."""
        return STAGES.index(self.stage) >= STAGES.index(stage)

    def draw(self) -> Picture:
        """Draw grids when the numbers fit into the cells, else the picture with the products written out."""
        written = self.part or not convolution_grids.fits(self)
        return convolution_written.draw(self) if written else convolution_grids.draw(self)
