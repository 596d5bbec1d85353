"""Explanations as data: a story is made from a trace and drawn by any renderer."""

from __future__ import annotations

# Bound at once, not lazily: a module of the same name stands beside each story's function.
from vizkit.stories.backprop import backprop
from vizkit.stories.convolution import convolution
from vizkit.stories.gradient_descent import gradient_descent
from vizkit.stories.story import Beat, Pulse, Story

__all__ = ["Beat", "Pulse", "Story", "backprop", "convolution", "gradient_descent"]
