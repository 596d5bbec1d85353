"""What Keras keeps under ``keras.utils``."""

from __future__ import annotations

from vizkit.nn.data import one_hot as to_categorical
from vizkit.nn.seeds import set_random_seed

__all__ = ["set_random_seed", "to_categorical"]
