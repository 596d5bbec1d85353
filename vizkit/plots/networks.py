"""The figure of a network with the values of one event."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from vizkit.plots.draw import draw
from vizkit.theme import Theme
from vizkit.views.network import NetworkView

__all__ = ["network"]


def network(
    trace: Any,
    *,
    step: int = 0,
    sample: int = 0,
    gradients: bool = False,
    ax: Axes | None = None,
    theme: Theme | str | None = None,
    **options: Any,
) -> Axes:
    """Draw a network: its units with their values, weights as width and colour, biases, the loss.

    Numbers that have no room are left out; of wide layers the first units are drawn and the rest
    is counted.

    Parameters
    ----------
    trace
        A recorded run, or a `NetworkView`, which is drawn as it is.
    step
        Which training step.
    sample
        Which sample of the step's batch.
    gradients
        Whether the derivatives of the loss stand beside their parameters.
    ax, theme
        As for `vizkit.plots.draw`.
    options
        Further fields of the view, such as ``titles``, ``target``, ``limit`` or ``size``.

    Raises
    ------
    ArgumentError
        If the trace lacks a layer's forward event at this step, or there is no such sample.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from vizkit.trace import samples
    >>> ax = network(samples.tiny_trace(), step=1)
    >>> plt.close(ax.figure)
    """
    view = NetworkView.ensure(trace, step=step, sample=sample, gradients=gradients, **options)
    return draw(view, ax, theme)
