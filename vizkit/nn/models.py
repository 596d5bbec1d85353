"""What Keras keeps under ``keras.models``."""

from __future__ import annotations

from vizkit.nn.model import Model
from vizkit.nn.saving import load_model
from vizkit.nn.sequential import Sequential

__all__ = ["Model", "Sequential", "load_model"]
