"""Figures from inside a convolution layer: its feature maps and its kernels, and a whole small network."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from vizkit.plots.draw import draw
from vizkit.theme import Theme
from vizkit.typing import ArrayLike
from vizkit.views.blueprint import BlueprintView
from vizkit.views.images import FeatureMapsView, KernelsView

__all__ = ["blueprint", "feature_maps", "kernels"]


def blueprint(
    trace: Any,
    sample: int = 0,
    *,
    classes: tuple[str, ...] | None = None,
    ax: Axes | None = None,
    theme: Theme | str | None = None,
) -> Axes:
    """Draw a small convolutional network with all its numbers, from the image to the answer.

    Parameters
    ----------
    trace
        A recorded forward pass of one Conv2D filter over one channel, an activation, a max pooling
        and a Dense layer.
    sample
        Which image of the recorded batch.
    classes
        A name for each answer; its index without.
    ax, theme
        As for `vizkit.plots.draw`.

    Raises
    ------
    TraceQueryError
        If one of the layers is missing.
    ShapeError, ArgumentError
        If there is more than one channel or filter, or the sample does not exist.
    """
    view = BlueprintView.ensure(trace, sample, classes=classes)
    return draw(view, ax, theme)


def feature_maps(
    data: Any,
    x: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    theme: Theme | str | None = None,
    **options: Any,
) -> Axes:
    """Draw the feature maps of a convolution layer beside the image they were made from, all on one colour scale.

    Parameters
    ----------
    data
        A trained model, a trace, or maps of shape (height, width, map).
    x
        With a model: an image of shape (height, width) or (height, width, channels), or a batch of
        shape (batch, height, width, channels). With maps: the image of shape (height, width).
    ax, theme
        As for `vizkit.plots.draw`.
    options
        With a model or a trace: ``layer`` (its name; the first convolution without), ``sample``, ``step``.

    Raises
    ------
    TraceQueryError, UnknownNameError
        If there is no such convolution layer.
    ShapeError, DataError, ArgumentError
        If the maps or the image are not such arrays, or the sample does not exist.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = feature_maps([[[0.0, 1.0], [0.5, 0.2]], [[0.3, 0.0], [0.1, 0.9]]])
    >>> plt.close(ax.figure)
    """
    view = FeatureMapsView.ensure(data, x, **options)
    return draw(view, ax, theme)


def kernels(data: Any, *, ax: Axes | None = None, theme: Theme | str | None = None, **options: Any) -> Axes:
    """Draw the kernels of a convolution layer on one diverging colour scale that is centred on zero.

    Parameters
    ----------
    data
        A trained model, a trace, or kernels of shape (row, column, filter) or (row, column, channel, filter).
    ax, theme
        As for `vizkit.plots.draw`.
    options
        ``channel`` (which input channel, when there are several); with a model or a trace ``layer``;
        with a trace ``step``.

    Raises
    ------
    TraceQueryError, UnknownNameError
        If there is no such convolution layer.
    ShapeError, DataError, ArgumentError
        If the kernels are not such an array, or the channel does not exist.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = kernels([[[0.5, -0.2], [0.1, 0.4]], [[0.0, 0.3], [-0.6, 0.2]]])
    >>> plt.close(ax.figure)
    """
    view = KernelsView.ensure(data, **options)
    return draw(view, ax, theme)
