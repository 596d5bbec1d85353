"""The data on their way into a model: checked at once, shuffled, cut into batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vizkit.checks import array, array_pair, number
from vizkit.errors import ArgumentError, ShapeError

__all__ = ["Samples", "batches", "hold_out", "parts", "samples"]


@dataclass(slots=True)  # not frozen, which would make each three times as dear, at every step
class Samples:
    """Inputs and targets, each of shape (samples, ...), and how often each sample counts.

    Examples
    --------
    >>> data = Samples(np.arange(4.0), np.arange(4.0), None)
    >>> len(data), data[1:3].x.tolist()
    (4, [1.0, 2.0])
    """

    x: Any
    y: Any
    weights: Any = None
    _kind: tuple[Any, ...] = field(default=(), init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.x)

    @property
    def arrays(self) -> tuple[Any, Any, Any]:
        """Inputs, targets and weights, each of shape (samples, ...); the weights may be ``None``."""
        return self.x, self.y, self.weights

    @property
    def kind(self) -> tuple[Any, ...]:
        """What batches of these samples have in common: the shapes of single samples, and the types."""
        if not self._kind:  # asked for at every step
            kinds = [None if array is None else (array.dtype.str, array.shape[1:]) for array in self.arrays]
            self._kind = tuple(kinds)
        return self._kind

    def __getitem__(self, part: Any) -> Samples:
        """Return those that a slice or an array of numbers picks."""
        return Samples(self.x[part], self.y[part], None if self.weights is None else self.weights[part])


def samples(x: Any, y: Any, sample_weight: Any = None, class_weight: Mapping[int, float] | None = None) -> Samples:
    """Return checked inputs, targets and weights, each of shape (samples, ...).

    Raises
    ------
    DataError, ShapeError, ArgumentError
        When one is not what `array_pair` allows, or the weights do not fit.

    Examples
    --------
    >>> samples([[1.0], [2.0]], [0, 1], class_weight={1: 3.0}).weights.tolist()
    [1.0, 3.0]
    """
    x, y = (np.ascontiguousarray(part) for part in array_pair(x, y))  # so that all batches lie alike in memory
    if sample_weight is not None and class_weight is not None:
        raise ArgumentError("Give sample_weight or class_weight; both were given.")
    if class_weight is not None:
        return Samples(x, y, _weights_of_classes(y, class_weight))
    if sample_weight is None:
        return Samples(x, y)
    weights = array("sample_weight", sample_weight)
    if weights.shape != (len(x),) or weights.min() < 0:
        raise ShapeError(
            f"sample_weight is one number from 0 for each of the {len(x)} samples; its shape is {weights.shape} "
            f"and its least number {weights.min():g}."
        )
    return Samples(x, y, weights)


def _weights_of_classes(y: Any, class_weight: Mapping[int, float]) -> Any:
    if not isinstance(class_weight, Mapping):
        raise ArgumentError(f"class_weight is a dict, class number -> weight; {class_weight!r} was given.")
    one_hot = y.ndim > 1 and y.shape[-1] > 1
    labels = np.argmax(y, axis=-1) if one_hot else y.reshape(len(y), -1)[:, 0]
    return np.array([number("A class weight", class_weight.get(int(n), 1.0), includes_low=True) for n in labels])


def parts(name: str, data: Any, weighted: bool = False) -> tuple[Any, ...]:
    """Return data that were given as ``(x, y)`` or, where weights are allowed, ``(x, y, sample_weight)``.

    Raises
    ------
    ArgumentError
        When they are neither.

    Examples
    --------
    >>> parts("validation_data", [[1.0], [2.0]])
    ([1.0], [2.0])
    """
    if not isinstance(data, (tuple, list)) or len(data) not in ((2, 3) if weighted else (2,)):
        what = f"a {type(data).__name__}" + (f" of {len(data)}" if isinstance(data, (tuple, list)) else "")
        rule = "a pair (x, y), or (x, y, sample_weight)" if weighted else "a pair (x, y)"
        raise ArgumentError(f"{name} is {rule}; {what} was given: {data!r:.60}.")
    return tuple(data)


def hold_out(data: Samples, share: float) -> tuple[Samples, Samples]:
    """Cut the last `share` of the samples off, for validation, as Keras does.

    Raises
    ------
    ArgumentError
        When a part would be empty.

    Examples
    --------
    >>> [len(part) for part in hold_out(Samples(np.zeros(10), np.zeros(10)), 0.2)]
    [8, 2]
    """
    share = number("validation_split", share, 0, 1, includes_high=False)
    cut = int(len(data) * (1 - share))
    if cut == 0 or cut == len(data):
        raise ArgumentError(f"validation_split={share} of {len(data)} samples leaves one part empty.")
    return data[:cut], data[cut:]


def batches(count: int, size: int, random: np.random.Generator | None = None) -> Iterator[Any]:
    """Yield what picks the samples of each batch, in order or shuffled.

    Examples
    --------
    >>> [part.tolist() for part in batches(3, 2, np.random.default_rng(0))]
    [[2, 0], [1]]
    """
    if random is None:
        yield from (slice(start, min(start + size, count)) for start in range(0, count, size))
        return
    order = random.permutation(count)
    yield from (order[start : start + size] for start in range(0, count, size))


def length_of(part: Any) -> int:
    """Return how many samples one of the `batches` has.

    Examples
    --------
    >>> [length_of(part) for part in batches(5, 3)]
    [3, 2]
    """
    return part.stop - part.start if isinstance(part, slice) else len(part)
