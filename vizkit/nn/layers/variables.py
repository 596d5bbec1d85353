"""Weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.autodiff import Tracked, plain
from vizkit.errors import ShapeError
from vizkit.nn.changes import notice

__all__ = ["Variable"]


class Variable(Tracked):
    """A weight: an array that a layer owns and training changes.

    Parameters
    ----------
    value
        The array it begins with, of any shape.
    name
        Its name within its layer; ``""`` to take the attribute's name.
    trainable
        Whether training changes it.

    Examples
    --------
    >>> weight = Variable(np.zeros(2), "bias")
    >>> weight.assign([1, 2])
    >>> weight.numpy().tolist()
    [1.0, 2.0]
    """

    __slots__ = ("_trainable", "name")

    def __init__(self, value: Any, name: str = "", trainable: bool = True) -> None:
        super().__init__(np.asarray(value), None)
        self.name = name
        self.trainable = trainable

    @property
    def trainable(self) -> bool:
        """Whether training changes it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        """Freeze or free it."""
        self._trainable = bool(value)
        notice()

    def assign(self, value: Any) -> None:
        """Give the weight new numbers, of the same shape.

        Raises
        ------
        ShapeError
            When the shapes differ.
        """
        value = np.asarray(value)
        if value.shape != self.shape:
            raise ShapeError(f"The weight {self.name!r} has shape {self.shape}; {value.shape} was given.")
        plain(self)[...] = value  # in place: the optimizer keeps views of the same memory

    def __repr__(self) -> str:
        frozen = "" if self.trainable else ", not trainable"
        return f"<Variable {self.name or 'unnamed'} {self.shape} {self.dtype}{frozen}>"
