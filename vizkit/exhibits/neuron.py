"""Recipes of the chapter on the neuron."""

from __future__ import annotations

from vizkit.views.activations import ActivationsView
from vizkit.views.curves import CurvesView
from vizkit.views.lines import LinesView

__all__ = ["activation_gradients", "activations", "weight_bias"]
