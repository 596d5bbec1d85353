"""Training curves on axes."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from vizkit.plots.draw import draw
from vizkit.theme import Theme
from vizkit.views.training import TrainingView

__all__ = ["training_curves"]


def training_curves(
    history: Any, metric: str = "loss", *, ax: Axes | None = None, theme: Theme | str | None = None, **options: Any
) -> Axes:
    """Draw the loss or a metric after each epoch: training solid, validation dashed, the best epoch marked.

    Parameters
    ----------
    history
        What ``fit`` returned, a trace of training, or a mapping such as
        ``{"loss": [...], "val_loss": [...]}`` with sequences of shape (epochs,).
    metric
        Which number; for loss and accuracy, draw two plots side by side.
    ax, theme
        As for `vizkit.plots.draw`.
    options
        ``best=False`` marks no epoch; ``higher`` says whether higher is better, where the name
        does not say it; ``size``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = training_curves({"loss": [3, 2, 1], "val_loss": [3, 1.5, 1.75]}, ax=Figure(figsize=(9, 5)).subplots())
    >>> [text.get_text() for text in ax.texts]
    ['best: 1.500 in epoch 2', 'training', 'validation']
    """
    view = TrainingView.ensure(history, metric, **options)
    return draw(view, ax, theme)
