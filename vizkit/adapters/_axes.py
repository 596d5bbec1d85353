"""The order in which a trace holds the axes of an array: channels last. Shared by the adapters."""

from __future__ import annotations

from typing import Any, TypeAlias

from numpy.typing import NDArray

__all__ = ["Axes", "arrange", "ordered", "to_last"]

Axes: TypeAlias = tuple[int, ...] | None  # the order of a framework's axes in a trace; None: as they are


def to_last(ndim: int, space: int) -> Axes:
    """Return the order that brings the channels, which stand before `space` axes, to the end.

    Examples
    --------
    >>> to_last(4, 2)
    (0, 2, 3, 1)
    """
    channel = ndim - space - 1
    if space < 1 or channel < 0:
        return None
    return (*range(channel), *range(channel + 1, ndim), channel)


def ordered(numbers: NDArray[Any], axes: Axes) -> NDArray[Any]:
    """Return an array of shape (...) with its axes in a trace's order.

    Examples
    --------
    >>> import numpy as np
    >>> ordered(np.ones((1, 3, 2, 2)), (0, 2, 3, 1)).shape
    (1, 2, 2, 3)
    """
    return numbers if axes is None else numbers.transpose(axes)


def arrange(shape: tuple[int, ...], axes: Axes) -> tuple[int | None, ...]:
    """Return a shape in a trace's order of axes, the batch open.

    Examples
    --------
    >>> arrange((8, 3, 28, 28), (0, 2, 3, 1))
    (None, 28, 28, 3)
    """
    found = tuple(shape if axes is None else (shape[axis] for axis in axes))
    return (None, *found[1:]) if found else ()
