"""Activation functions and their gradients on axes."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from vizkit.plots.draw import draw
from vizkit.theme import Theme
from vizkit.views.activations import ActivationsView

__all__ = ["activation_curves", "activation_gradients"]


def activation_curves(
    functions: Any = None, *, ax: Axes | None = None, theme: Theme | str | None = None, **options: Any
) -> Axes:
    """Draw activation functions: one in a plot, several as small plots, or ``together`` in one.

    Parameters
    ----------
    functions
        A name, a callable on arrays of shape (points,), or a sequence of them. Without, the eight usual ones.
    ax, theme
        As for `vizkit.plots.draw`.
    options
        ``span``, the lowest and highest input (−5 and 5 without); ``at``, inputs at which the value
        is written beside a dot; ``together``, for several in one plot, labelled at their ends.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = activation_curves("sigmoid", at=(0,), ax=Figure().subplots())
    >>> [text.get_text() for text in ax.texts]
    ['0.5', 'sigmoid']
    """
    view = ActivationsView.ensure(functions, **options)
    return draw(view, ax, theme)


def activation_gradients(
    functions: Any = None, *, ax: Axes | None = None, theme: Theme | str | None = None, **options: Any
) -> Axes:
    """Draw the gradients of activation functions, all on one scale.

    The gradient of a callable is a central difference, see `vizkit.functions.central_difference`.

    Parameters
    ----------
    functions, options
        As for `activation_curves`.
    ax, theme
        As for `vizkit.plots.draw`.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = activation_gradients("sigmoid", at=(0,), ax=Figure().subplots())
    >>> [text.get_text() for text in ax.texts]
    ['0.25', 'sigmoid′']
    """
    view = ActivationsView.ensure(functions, gradients=True, **options)
    return draw(view, ax, theme)
