"""Embedding: a vector for each word of a vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.checks import whole
from vizkit.errors import ArgumentError, DataError
from vizkit.nn import regularizers
from vizkit.nn.autodiff import plain, primitive
from vizkit.nn.layers.base import Layer

__all__ = ["Embedding", "look_up"]


def _sum_by_row(g: Any, y: Any, table: Any, indices: Any) -> Any:
    """Add up what each row of the table is responsible for: sorted by row, the sums are runs."""
    passed = np.zeros(table.shape, g.dtype)
    if indices.size:
        flat = indices.reshape(-1)
        order = np.argsort(flat, kind="stable")
        rows, starts = np.unique(flat[order], return_index=True)
        passed[rows] = np.add.reduceat(g.reshape(flat.size, -1)[order], starts, axis=0)
    return passed


@primitive(_sum_by_row)
def look_up(table: Any, indices: Any) -> Any:
    """Return the rows of a table, of shape (rows, units), that whole numbers of shape (...) name.

    Examples
    --------
    >>> look_up(np.array([[1.0], [3.0]]), indices=np.array([1, 1])).tolist()
    [[3.0], [3.0]]
    """
    return table[indices]


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
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
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
        return look_up(self.embeddings, indices=self._numbers(inputs))

    def _numbers(self, inputs: Any) -> Any:
        numbers = plain(inputs)
        if numbers.dtype.kind not in "iu":
            whole = numbers.astype(np.int64) if np.isfinite(numbers).all() else np.zeros_like(numbers)
            if not np.equal(whole, numbers).all():
                raise self._refuse_numbers("numbers that are not whole", numbers)
            numbers = whole
        if numbers.size and (numbers.min() < 0 or numbers.max() >= self.input_dim):
            raise self._refuse_numbers(f"numbers from {numbers.min()} to {numbers.max()}", numbers)
        return numbers

    def _refuse_numbers(self, given: str, numbers: Any) -> DataError:
        return DataError(
            f"The layer {self.name!r} (Embedding) takes whole numbers from 0 to {self.input_dim - 1}; an input of "
            f"shape {numbers.shape} with {given} was given."
        )
