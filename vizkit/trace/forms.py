"""What a recorded step looks like: its events in order, and where each array stands in the step's row.

Most steps of a training look alike: the same layers, the same shapes. So the form is written down
once, and a step is only a row of bytes. Arrays that are the same memory, as the output of one layer
and the input of the next, may stand at the same place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from vizkit.trace.events import KINDS

__all__ = [
    "FIELDS",
    "HEAD",
    "NUMBERS",
    "PAGE",
    "ArrayForm",
    "EpochForm",
    "EventForm",
    "Form",
    "MappingForm",
    "StepForm",
    "array_forms",
    "padded",
    "signature",
    "step_form",
]

PAGE = 1 << 15  # bytes of a row that share a checksum
HEAD = 16  # bytes of a row before the checksums of its pages
# The fields of each kind of event after step and node, in order.
FIELDS = {kind: tuple(entry.name for entry in fields(cls))[2:] for kind, cls in KINDS.items()}
NUMBERS = ("value", "learning_rate")  # fields that are one number


class ArrayForm(NamedTuple):
    """One array of a row: element type, shape, first byte, and the axes from slowest to fastest in memory.

    Examples
    --------
    >>> ArrayForm("f4", (2, 3, 4), at=8, order=(2, 0, 1)).strides
    (12, 4, 24)
    """

    dtype: str
    shape: tuple[int, ...]
    at: int = 0
    order: tuple[int, ...] | None = None  # None: as they are

    @property
    def nbytes(self) -> int:
        """The bytes that it takes."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        """The bytes from one element to the next along each axis."""
        found = [0] * len(self.shape)
        step = np.dtype(self.dtype).itemsize
        for axis in reversed(range(len(self.shape)) if self.order is None else self.order):
            found[axis] = step
            step *= max(self.shape[axis], 1)
        return tuple(found)


class MappingForm(NamedTuple):
    """Arrays by name."""

    items: tuple[tuple[str, ArrayForm], ...]


Part: TypeAlias = ArrayForm | MappingForm | tuple[ArrayForm, ...] | str


class EventForm(NamedTuple):
    """One event of a step: its kind, the index of its node, and its fields after these."""

    kind: str
    node: int
    parts: tuple[Part, ...]

    def part(self, quantity: str) -> Part:
        """Return one field by its name."""
        return self.parts[FIELDS[self.kind].index(quantity)]


class _Rows:
    """How rows stand in memory and in the file: head, checksums of the pages of a large row, data."""

    nbytes: int

    @cached_property
    def pages(self) -> int:
        """How many pieces of a row have a checksum of their own; 0 where the row has one checksum."""
        return -(-self.nbytes // PAGE) if self.nbytes > PAGE else 0

    @cached_property
    def data_at(self) -> int:
        """Where the data of a row begin."""
        return HEAD + padded(4 * self.pages)

    @cached_property
    def stride(self) -> int:
        """The bytes from one row to the next."""
        return self.data_at + padded(self.nbytes)


@dataclass(frozen=True)
class StepForm(_Rows):
    """The events of a step and the bytes of its row's data; at least one byte for each event.

    Examples
    --------
    >>> output = ArrayForm("f8", (2, 1))
    >>> form = StepForm((EventForm("forward", 0, ((), output, MappingForm(()))),), nbytes=16)
    >>> form.stride, form.array_bytes
    (32, 16)
    """

    events: tuple[EventForm, ...]
    nbytes: int

    @cached_property
    def array_bytes(self) -> int:
        """The bytes of all arrays of all events, each counted where it is used."""
        return sum(part.nbytes for event in self.events for part in array_forms(event.parts))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.events, self.nbytes))


@dataclass(frozen=True)
class EpochForm(_Rows):
    """What training reports at the end of an epoch: its number, then a number for each name."""

    names: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        """The bytes of a row's data."""
        return 8 * (1 + len(self.names))

    def value(self, name: str) -> ArrayForm:
        """Return where the number of this name stands."""
        return ArrayForm("f8", (), 8 * (1 + self.names.index(name)))


Form: TypeAlias = StepForm | EpochForm


def array_forms(parts: Any) -> Iterator[ArrayForm]:
    """Yield the arrays of an event's fields, in order."""
    for part in parts:
        if isinstance(part, ArrayForm):
            yield part
        elif isinstance(part, MappingForm):
            yield from (form for _, form in part.items)
        elif isinstance(part, tuple):
            yield from part


def step_form(signatures: tuple[EventForm, ...]) -> StepForm:
    """Return the form of a step whose arrays stand one after the other, given the events without places.

    Examples
    --------
    >>> form = step_form((EventForm("update", 3, ("bias", *[ArrayForm("f4", (1,))] * 3, ArrayForm("f8", ()))),))
    >>> [part.at for part in array_forms(form.events[0].parts)]
    [0, 8, 16, 24]
    """
    place = _Place()
    events = tuple(event._replace(parts=tuple(map(place.put, event.parts))) for event in signatures)
    return StepForm(events, max(place.end, len(events)))


class _Place:
    """Gives arrays their places, each at a multiple of 8."""

    def __init__(self) -> None:
        self.end = 0

    def put(self, part: Part) -> Part:
        if isinstance(part, ArrayForm):
            at, self.end = self.end, self.end + padded(part.nbytes)
            return part._replace(at=at)
        if isinstance(part, MappingForm):
            return MappingForm(tuple((name, self.put(form)) for name, form in part.items))
        return part if isinstance(part, str) else tuple(map(self.put, part))


def padded(length: int) -> int:
    """Return the next multiple of 8.

    Examples
    --------
    >>> padded(13), padded(16)
    (16, 16)
    """
    return -(-length // 8) * 8


def signature(kind: str, node: int, values: tuple[Any, ...], arrays: Iterator[Any]) -> EventForm:
    """Return what an event has in common with the same event of the next step, its arrays without places.

    Parameters
    ----------
    kind, node
        What happened, and the index of the node.
    values
        The event's fields.
    arrays
        The arrays and numbers of the fields in order, as arrays of shape (...).
    """
    return EventForm(kind, node, tuple(_signed(value, arrays) for value in values))


def _signed(value: Any, arrays: Iterator[Any]) -> Part:
    if isinstance(value, str):
        return value
    if isinstance(value, (tuple, list)):
        return tuple(_signed(entry, arrays) for entry in value)
    if isinstance(value, Mapping):
        return MappingForm(tuple((str(name), _signed(entry, arrays)) for name, entry in value.items()))
    array = next(arrays)
    return ArrayForm(array.dtype.str[1:], array.shape)
