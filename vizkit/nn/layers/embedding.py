"""Embedding: a vector for each word of a vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.autodiff import primitive
from vizkit.autodiff.buffers import empty, zeros
from vizkit.checks import whole
from vizkit.errors import ArgumentError, DataError
from vizkit.nn import regularizers
from vizkit.nn.layers.base import Layer

__all__ = ["Embedding", "look_up"]


def _sum_by_row(g: Any, y: Any, table: Any, numbers: Any, name: str) -> Any:
    """Add up what each row of the table is responsible for: sorted by row, they are runs, and most have one member."""
    passed = zeros(table.shape, g.dtype)
    order = np.argsort(numbers, axis=None, kind="stable")
    rows = numbers.reshape(-1)[order].astype(np.intp, copy=False)
    shares = empty((len(rows), table.shape[1]), g.dtype)
    np.take(g.reshape(shares.shape), order, axis=0, out=shares, mode="clip")
    passed[rows] = shares
    starts = np.flatnonzero(np.append(True, rows[1:] != rows[:-1]))
    stops = np.append(starts[1:], len(rows))
    for run in np.flatnonzero(stops - starts > 1):
        start, stop = starts[run], stops[run]
        np.add.reduce(shares[start:stop], axis=0, out=passed[rows[start]])
    return passed


@primitive(_sum_by_row, None)
def look_up(table: Any, numbers: Any, name: str) -> Any:
    """Return the rows of a table, of shape (rows, units), that whole numbers of shape (...) pick.

    Raises
    ------
    DataError
        When a number picks no row; it names the layer.

    Examples
    --------
    >>> look_up(np.array([[1.0], [3.0]]), np.array([1, 1]), "words").tolist()
    [[3.0], [3.0]]
    """
    if numbers.size:
        _check(numbers, len(table), name)
    found = empty((numbers.size, table.shape[1]), table.dtype)
    picked = numbers.reshape(-1).astype(np.intp, copy=False)
    np.take(table, picked, axis=0, out=found, mode="clip")  # any other mode copies once more
    return found.reshape(*numbers.shape, table.shape[1])


def _check(numbers: Any, rows: int, name: str) -> None:
    lowest, highest = numbers.min(), numbers.max()
    given = f"numbers from {lowest} to {highest}"
    if numbers.dtype.kind not in "iu" and not np.equal(np.floor(numbers), numbers).all():
        given = "numbers that are not whole"
    elif lowest >= 0 and highest < rows:
        return
    raise DataError(
        f"The layer {name!r} (Embedding) takes whole numbers from 0 to {rows - 1}; an input of shape "
        f"{numbers.shape} with {given} was given."
    )


class Embedding(Layer):
    """A vector for each word: a whole number picks a row of a table that is trained.

    Input of shape (batch, ...), output of shape (batch, ..., units).

    Parameters
    ----------
    input_dim
        How many words there are; their numbers go from 0 to `input_dim` − 1.
    output_dim
        Length of the vectors.
    embeddings_initializer
        How they begin.
    embeddings_regularizer
        What large vectors cost, by name or as a regularizer; nothing when ``None``.
    mask_zero
        Must be false: here no layer skips padding by itself.
    input_length
        How many words a text has, for the first layer of a model; it need not be said.

    Examples
    --------
    >>> Embedding(10, 4)(np.array([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "random_uniform",
        embeddings_regularizer: Any = None,
        mask_zero: bool = False,
        input_length: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_length = input_length
        if input_length is not None:
            self._sample_shape = (whole("input_length", input_length),)
        self.input_dim = whole("input_dim", input_dim)
        self.output_dim = whole("output_dim", output_dim)
        self.embeddings_initializer = embeddings_initializer
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.mask_zero = mask_zero
        if mask_zero:
            raise ArgumentError(
                "mask_zero of Embedding must be False: no layer of vizkit skips padding by itself. "
                "Put the padding in front of a text, so that what comes last is read last."
            )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the table, of shape (input_dim, output_dim)."""
        shape = (self.input_dim, self.output_dim)
        self.embeddings = self.add_weight(
            shape, self.embeddings_initializer, name="embeddings", regularizer=self.embeddings_regularizer
        )

    def call(self, inputs: Any) -> Any:
        """Return the vectors, of shape (batch, ..., output_dim)."""
        return look_up(self.embeddings, inputs, self.name)
