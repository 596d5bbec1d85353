"""Recipes of the chapter on the neuron."""

from __future__ import annotations

from vizkit.views.activations import ActivationsView
from vizkit.views.curves import LinesView

__all__ = ["activation_gradients", "activations", "weight_bias"]


def weight_bias() -> LinesView:
    """Two lines: weight 1 with bias 0, weight 2 with bias −1."""
    return LinesView.ensure([1, 2], [0, -1])


def activations() -> ActivationsView:
    """The activation functions."""
    return ActivationsView.ensure()


def activation_gradients() -> ActivationsView:
    """Their gradients."""
    return ActivationsView.ensure(gradients=True)
