"""The figure of one step of a convolution."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from vizkit.plots.draw import draw
from vizkit.theme import Theme
from vizkit.typing import ArrayLike, Real
from vizkit.views.convolution import ConvolutionStepView

__all__ = ["convolution_step"]


def convolution_step(
    image: Any,
    kernel: ArrayLike | None = None,
    *,
    row: int = 0,
    column: int = 0,
    bias: Real = 0.0,
    ax: Axes | None = None,
    theme: Theme | str | None = None,
    **options: Any,
) -> Axes:
    """Draw one window of a convolution: its pixels times the kernel, the products and their sum, the result's place.

    Parameters
    ----------
    image
        Shape (height, width); or a trace, whose first convolution layer is then shown.
    kernel
        Shape (rows, columns), not larger than the image. Not with a trace.
    row, column
        The window's place in the feature map, from 0.
    bias
        What is added to the sum. Not with a trace.
    ax, theme
        As for `vizkit.plots.draw`.
    options
        With arrays ``stride``; with a trace ``layer``, ``sample``, ``channel``, ``filter``, ``step``.

    Raises
    ------
    ShapeError, DataError, ArgumentError
        If the shapes do not fit, a number is not finite, or there is no such window.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = convolution_step([[1, 0, 2], [0, 1, 0], [3, 0, 1]], [[0, 1], [1, 0]], row=1, column=0, bias=-1)
    >>> plt.close(ax.figure)
    """
    view = ConvolutionStepView.ensure(image, kernel, bias=bias, row=row, column=column, **options)
    return draw(view, ax, theme)
