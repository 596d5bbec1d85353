"""Layers that bring several inputs together, and one that only changes their shape."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError
from vizkit.nn.layers.base import Layer
from vizkit.nn.layers.options import called

__all__ = ["Add", "Concatenate", "Reshape"]


class _Merging(Layer):
    """A layer of a list of inputs."""

    casts_integers = True

    def _checked(self, inputs: Any) -> list[Any]:
        if not isinstance(inputs, (list, tuple)) or len(inputs) < 2:
            raise ArgumentError(f"{called(self)} takes a list of at least two inputs.")
        return list(inputs)


class Add(_Merging):
    """The sum of its inputs: what a bypass ends in.

    Examples
    --------
    >>> Add()([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
    [[4.0, 6.0]]
    """

    def call(self, inputs: Any) -> Any:
        """Return the sum, of the shape (batch, ...) that the inputs share."""
        inputs = self._checked(inputs)
        try:
            np.broadcast_shapes(*(part.shape for part in inputs))
        except ValueError:
            raise self._refuse("needs inputs of one shape", *inputs) from None
        return functools.reduce(operator.add, inputs)


class Concatenate(_Merging):
    """Its inputs side by side.

    Parameters
    ----------
    axis
        Along which they are joined; their other lengths are the same.

    Examples
    --------
    >>> Concatenate()([np.zeros((2, 3)), np.zeros((2, 5))]).shape
    (2, 8)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        """Return the joined inputs, of a shape (batch, ...)."""
        inputs = self._checked(inputs)
        first = inputs[0].shape
        if not -len(first) <= self.axis < len(first):
            raise self._refuse(f"joins along the axis {self.axis}", *inputs)
        along = self.axis % len(first)
        others = {(*part.shape[:along], *part.shape[along + 1 :]) for part in inputs}
        if len(others) > 1:
            raise self._refuse(f"needs inputs that differ along the axis {self.axis} only", *inputs)
        return np.concatenate(inputs, axis=along)


class Reshape(Layer):
    """The elements of each sample in another shape.

    Parameters
    ----------
    target_shape
        Lengths of the axes without the batch; one of them may be −1, which is what is left.

    Examples
    --------
    >>> Reshape((2, -1))(np.zeros((5, 6))).shape
    (5, 2, 3)
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape) if isinstance(target_shape, (list, tuple)) else (target_shape,)
        whole = all(isinstance(n, (int, np.integer)) and n >= -1 for n in self.target_shape)
        if not whole or self.target_shape.count(-1) > 1:
            raise ArgumentError(
                f"target_shape holds whole numbers from 0 and at most one −1; {target_shape!r} was given."
            )

    def call(self, inputs: Any) -> Any:
        """Return the elements in the shape (batch, *target_shape)."""
        size = int(np.prod(inputs.shape[1:], dtype=int))
        known = int(np.prod([n for n in self.target_shape if n != -1], dtype=int))
        rest = size // known if known else 0
        shape = tuple(rest if n == -1 else n for n in self.target_shape)
        if int(np.prod(shape, dtype=int)) != size:
            raise self._refuse(f"gives each sample the shape {self.target_shape}", inputs)
        return np.reshape(inputs, (inputs.shape[0], *shape))
