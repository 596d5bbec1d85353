"""What Keras keeps under ``keras.utils``."""

from __future__ import annotations

from typing import Any

from vizkit.data import one_hot, pad_sequences
from vizkit.nn.seeds import set_random_seed
from vizkit.typing import Float

__all__ = ["pad_sequences", "set_random_seed", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> Float["samples classes"]:
    """Return class numbers as rows with a single 1, of shape (samples, classes); see `data.one_hot`.

    Examples
    --------
    >>> to_categorical([0, 2], num_classes=3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    return one_hot(x, num_classes)
