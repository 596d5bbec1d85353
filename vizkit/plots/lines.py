"""Curves on axes: lines of weights and biases, a loss over a parameter, a model over its data."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from vizkit.plots.draw import draw
from vizkit.theme import Theme
from vizkit.views.curves import LinesView
from vizkit.views.fit import FitView
from vizkit.views.ssr import SsrView

__all__ = ["fit_curve", "ssr_curve", "weight_bias_lines"]


def weight_bias_lines(
    weights: Any, biases: Any = None, *, ax: Axes | None = None, theme: Theme | str | None = None, **options: Any
) -> Axes:
    """Draw the lines y = w x + b of neurons with one input, each labelled at its end.

    Parameters
    ----------
    weights, biases
        Scalars, or sequences of shape (lines,); one of either serves all of the other.
    ax, theme
        As for `vizkit.plots.draw`.
    options
        ``span``, the lowest and highest input (−5 and 5 without), and ``size``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = weight_bias_lines([1, 2], [0, -1], ax=Figure().subplots())
    >>> [text.get_text() for text in ax.texts]
    ['w₁ = 1, b₁ = 0', 'w₂ = 2, b₂ = −1']
    """
    view = LinesView.ensure(weights, biases, **options)
    return draw(view, ax, theme)


def ssr_curve(
    values: Any, losses: Any = None, *, ax: Axes | None = None, theme: Theme | str | None = None, **options: Any
) -> Axes:
    """Draw the U-curve of one parameter, with a descent's points, tangents and slopes when there is one.

    Parameters
    ----------
    values
        The parameter's values, shape (points,).
    losses
        The loss at each, shape (points,), or a function from a value to its loss.
    ax, theme
        As for `vizkit.plots.draw`.
    options
        ``descent``: a trace, or (values, losses, slopes), each of shape (steps,). ``parameter`` and
        ``loss``: how the two are called. ``slopes=False`` leaves out the tangents. All else as in
        `vizkit.views.ssr.SsrView`.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = ssr_curve([0, 1, 2, 3, 4], lambda w: (w - 2) ** 2, parameter="w", ax=Figure().subplots())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('w', 'SSR')
    """
    view = SsrView.ensure(values, losses, **options)
    return draw(view, ax, theme)


def fit_curve(
    samples: Any, curves: Any = None, *, ax: Axes | None = None, theme: Theme | str | None = None, **options: Any
) -> Axes:
    """Draw a model's curve over the data, as it was at given steps, with the last one's residuals.

    Parameters
    ----------
    samples
        The data as a pair (x, y) of shape (samples,) each, or a trace, which holds them.
    curves
        A pair (grid, outputs) of shapes (points,) and (steps, points), or a model or callable.
    ax, theme
        As for `vizkit.plots.draw`.
    options
        ``steps`` (indices of the curves shown), ``predictions``, ``names`` of the two axes,
        ``labelled``, ``bounds`` and ``size``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = fit_curve(([0, 1], [1, 2]), ([0, 1], [[0, 0], [-0.5, 3.5]]), ax=Figure(figsize=(8, 5)).subplots())
    >>> [text.get_text() for text in ax.texts]
    ['1.50', '−1.50', 'step 0', 'step 1']
    """
    view = FitView.ensure(samples, curves, **options)
    return draw(view, ax, theme)
