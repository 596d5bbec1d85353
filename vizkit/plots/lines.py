"""Curves on axes: lines of weights and biases, a loss over a parameter, a model over its data."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from vizkit.plots.draw import draw
from vizkit.theme import Theme
from vizkit.views.fit import FitView

__all__ = ["fit_curve"]


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
