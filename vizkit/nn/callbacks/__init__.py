"""What is called while a model trains: to watch, to stop, to slow down, to save."""

from __future__ import annotations

from vizkit.nn.callbacks.base import Callback, Callbacks, History, LambdaCallback
from vizkit.nn.callbacks.watching import EarlyStopping, LearningRateScheduler, ModelCheckpoint, ReduceLROnPlateau

__all__ = [
    "Callback", "Callbacks", "EarlyStopping", "History", "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint",
    "ReduceLROnPlateau",
]  # fmt: skip
