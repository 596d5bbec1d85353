"""Pictures of a whole recorded run: its architecture, its distributions, the flow of its gradients."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from vizkit.plots.draw import draw
from vizkit.theme import Theme
from vizkit.views.architecture import ArchitectureView
from vizkit.views.distributions import DistributionsView
from vizkit.views.gradient_flow import GradientFlowView

__all__ = ["architecture", "distributions", "gradient_flow"]


def architecture(data: Any, *, ax: Axes | None = None, theme: Theme | str | None = None, **options: Any) -> Axes:
    """Draw a model's layers from top to bottom with what each gives, its parameters, and every way around.

    Parameters
    ----------
    data
        A trace, or a built model.
    ax, theme
        As for `vizkit.plots.draw`.
    options
        ``most``: how many rows there may be.

    Examples
    --------
    >>> from vizkit import nn
    >>> import matplotlib.pyplot as plt
    >>> ax = architecture(nn.networks.dosage_network())
    >>> plt.close(ax.figure)
    """
    view = ArchitectureView.ensure(data, **options)
    return draw(view, ax, theme)


def distributions(
    data: Any, what: str = "weights", *, ax: Axes | None = None, theme: Theme | str | None = None, **options: Any
) -> Axes:
    """Draw how the weights, activations or gradients of each layer are spread, step by step.

    Parameters
    ----------
    data
        A trace, or a mapping from a layer's name to an array of shape (steps, ...).
    what
        ``"weights"``, ``"activations"`` or ``"gradients"``.
    ax, theme
        As for `vizkit.plots.draw`.
    options
        Of a trace: ``layers``, their names; ``step``, the one that is drawn.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = distributions({"dense": [[-1.0, 0.5, 0.5], [-2.0, 0.5, 1.0]]})
    >>> plt.close(ax.figure)
    """
    view = DistributionsView.ensure(data, what, **options)
    return draw(view, ax, theme)


def gradient_flow(data: Any, *, ax: Axes | None = None, theme: Theme | str | None = None, **options: Any) -> Axes:
    """Draw the largest, the mean and the smallest size of the gradients of each layer over the steps.

    Parameters
    ----------
    data
        A trace of training, or a mapping from a layer's name to gradients of shape (steps, ...).
    ax, theme
        As for `vizkit.plots.draw`.
    options
        ``size``: width and height in stage units.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = gradient_flow({"first": [[0.1, -0.2], [0.1, 0.1]], "last": [[1.0, 2.0], [0.5, 1.0]]})
    >>> plt.close(ax.figure)
    """
    view = GradientFlowView.ensure(data, **options)
    return draw(view, ax, theme)
