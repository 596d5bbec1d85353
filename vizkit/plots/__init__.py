"""Figures with matplotlib: one function per view, and whole frames and storyboards.

Every function takes what its user has, an optional ``ax`` and ``theme``, and returns Axes.
"""

from __future__ import annotations

import importlib
from typing import Any

# A module of the same name stands beside each of these functions, so the functions are bound at once.
from vizkit.plots.draw import draw  # noqa: F401
from vizkit.plots.read import read  # noqa: F401
from vizkit.plots.save import save  # noqa: F401

# name -> module that holds it, loaded when the name is first used
_LAZY: dict[str, str] = {
    "activation_curves": "vizkit.plots.activations",
    "activation_gradients": "vizkit.plots.activations",
    "architecture": "vizkit.plots.runs",
    "blueprint": "vizkit.plots.images",
    "convolution_step": "vizkit.plots.convolution",
    "distributions": "vizkit.plots.runs",
    "feature_maps": "vizkit.plots.images",
    "figure": "vizkit.plots.frames",
    "fit_curve": "vizkit.plots.lines",
    "gradient_flow": "vizkit.plots.runs",
    "kernels": "vizkit.plots.images",
    "network": "vizkit.plots.networks",
    "ssr_curve": "vizkit.plots.lines",
    "storyboard": "vizkit.plots.frames",
    "training_curves": "vizkit.plots.training",
    "weight_bias_lines": "vizkit.plots.lines",
}

__all__ = sorted([*_LAZY, "draw", "read", "save"])


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'vizkit.plots' has no attribute {name!r}; it has: {', '.join(__all__)}")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
