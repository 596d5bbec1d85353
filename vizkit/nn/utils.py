"""What Keras keeps under ``keras.utils``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vizkit.data import one_hot
from vizkit.errors import ArgumentError
from vizkit.nn.seeds import set_random_seed
from vizkit.typing import Float

__all__ = ["pad_sequences", "set_random_seed", "to_categorical"]


def pad_sequences(
    sequences: Sequence[Sequence[Any]],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> Any:
    """Return sequences of different lengths as one array, of shape (samples, times).

    Parameters
    ----------
    sequences
        Lists of numbers.
    maxlen
        The length they get; that of the longest when ``None``.
    dtype
        Type of the array.
    padding, truncating
        Where short ones are filled and long ones are cut: ``"pre"``, before, or ``"post"``, after what is kept.
    value
        What they are filled with.

    Raises
    ------
    ArgumentError
        When a side is neither of the two.

    Examples
    --------
    >>> pad_sequences([[1], [2, 3, 4]], maxlen=2).tolist()
    [[0, 1], [3, 4]]
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ArgumentError(f"{name} is 'pre' or 'post'; {side!r} was given.")
    length = max((len(one) for one in sequences), default=0) if maxlen is None else maxlen
    padded = np.full((len(sequences), length), value, dtype)
    for row, one in zip(padded, sequences, strict=True):
        kept = one[max(0, len(one) - length) :] if truncating == "pre" else one[:length]
        row[slice(length - len(kept), None) if padding == "pre" else slice(len(kept))] = kept
    return padded


def to_categorical(x: Any, num_classes: int | None = None) -> Float["samples classes"]:
    """Return class numbers as rows with a single 1, of shape (samples, classes); see `data.one_hot`.

    Examples
    --------
    >>> to_categorical([0, 2], num_classes=3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    return one_hot(x, num_classes)
