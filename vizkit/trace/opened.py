"""The step that is being told, event by event, until it is complete.

A step is expected to look like an earlier one: as long as it does, its arrays are copied straight to
where they will stay. When it turns out to look different, it gets a form of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Any, NamedTuple, Protocol

import numpy as np

from vizkit.errors import ArgumentError
from vizkit.trace.arrays import frozen
from vizkit.trace.events import ModelDescription
from vizkit.trace.forms import EpochForm, EventForm, Form, StepForm, signature, step_form
from vizkit.trace.log import Missing
from vizkit.trace.rows import Block, OpenBlock, new_rows

__all__ = ["BLOCK_BYTES", "EpochWriter", "MemoryStore", "OpenStep", "Store", "capacity"]

FIRST_BYTES, BLOCK_BYTES = 1 << 14, 1 << 20  # a form's first block; later ones double up to the second size


class Store(Protocol):
    """Where rows are kept: in memory or in a file."""

    def opened(self, form: Form) -> OpenBlock:
        """Return a block of a form that has a free row."""
        ...

    def describe(self, model: ModelDescription) -> None:
        """Take the description of the model, which may come again."""
        ...

    def note(self, missing: Missing) -> None:
        """Take note of what is missing."""
        ...

    def close(self) -> None:
        """Do what is to be done when the recording ends."""
        ...


class MemoryStore:
    """Keeps rows in memory.

    Parameters
    ----------
    add_block
        Takes each new block.
    """

    def __init__(self, add_block: Any) -> None:
        self._add_block = add_block
        self._open: dict[Form, OpenBlock] = {}

    def opened(self, form: Form) -> OpenBlock:
        """Return a block of a form that has a free row."""
        found = self._open.get(form)
        if found is None or found.full:
            rows = new_rows(form, capacity(form, found))
            memory = memoryview(rows).cast("B").toreadonly()
            found = self._open[form] = OpenBlock(Block(form, lambda: memory), rows, sealed=False)
            self._add_block(found.block)
        return found

    def describe(self, model: ModelDescription) -> None:
        """Do nothing: the trace has it."""

    def note(self, missing: Missing) -> None:
        """Do nothing: the trace has it."""

    def close(self) -> None:
        """Do nothing: the rows stay where they are."""


class EpochWriter:
    """Puts what training reports at the end of an epoch into a store.

    Parameters
    ----------
    store
        Where it goes.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._count = 0
        self._names: tuple[str, ...] | None = None  # of the epoch before, which most often has the same
        self._forms: dict[tuple[str, ...], EpochForm] = {}
        self._block: OpenBlock | None = None

    def add(self, number: int, logs: Mapping[str, float]) -> None:
        """Add an epoch: its number, and the numbers by name."""
        names, block = tuple(logs), self._block
        if names != self._names or block is None or block.closed or block.full:
            form = self._forms.setdefault(names, EpochForm(tuple(map(str, names))))
            block = self._block = self._store.opened(form)
            self._names, self._pack = names, Struct(f"<q{len(names)}d").pack_into
        form = block.form
        self._pack(block.memory, block.block.count * form.stride + form.data_at, int(number), *logs.values())
        block.publish(self._count)
        self._count += 1


def capacity(form: Form, before: OpenBlock | None) -> int:
    """Return how many rows the next block of a form has, after the one `before`.

    Examples
    --------
    >>> from vizkit.trace.forms import EpochForm
    >>> capacity(EpochForm(("loss",)), None)
    512
    """
    wanted = FIRST_BYTES if before is None else 2 * len(before.rows) * form.stride
    return max(1, min(wanted, BLOCK_BYTES) // form.stride)


class _Known(NamedTuple):
    """A form that a step had, and what its events looked like when they came."""

    form: StepForm
    keys: tuple[tuple[Any, ...], ...]


class OpenStep:
    """Collects the events of a step and puts them into the store when it ends.

    Parameters
    ----------
    store
        Where complete steps go.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._forms: dict[tuple[EventForm, ...], StepForm] = {}
        self._likely: dict[tuple[Any, ...], _Known] = {}  # by the key of a step's first event
        self.last = -1  # the last complete step
        self.written = 0  # the bytes of all rows of steps
        self._clear()

    def _clear(self) -> None:
        self.step: int | None = None
        self._count = 0  # the events told
        self._guess: OpenBlock | None = None  # where the step goes as long as it looks like an earlier one
        self._keys: tuple[tuple[Any, ...], ...] = ()  # what its events would look like
        self._told: list[tuple[tuple[Any, ...], EventForm, list[Any]]] = []  # the events of a step that does not

    def add(self, kind: str, step: int, node: int, values: tuple[Any, ...]) -> None:
        """Take one event; its arrays, of shape (...), are copied.

        Raises
        ------
        ArgumentError
            When the step goes back, or an array has elements that a trace does not hold.
        """
        if step != self.step:
            self.begin(step)
        found: list[Any] = [kind, node]
        arrays: list[Any] = []
        _flatten(values, found, arrays)
        key = tuple(found)
        if not self._count and key in self._likely:
            form, self._keys = self._likely[key]
            self._guess = self._store.opened(form)
        if self._guess is not None:
            if self._count < len(self._keys) and self._keys[self._count] == key:
                row = self._guess.block.count
                for column, array in zip(self._guess.columns(self._count), arrays, strict=True):
                    column[row] = array
                self._count += 1
                return
            self._told, self._guess = self._so_far(), None
        kept = [frozen(array) for array in arrays]
        self._told.append((key, signature(kind, node, values, iter(kept)), kept))
        self._count += 1

    def begin(self, step: int) -> None:
        """End the step before and begin one.

        Raises
        ------
        ArgumentError
            When the step goes back.
        """
        if self.step is not None:
            self.end()
        self.check(step)
        self.step = step

    def check(self, step: int) -> None:
        """Raise `ArgumentError` when a step goes back."""
        if step <= self.last:
            raise ArgumentError(f"Steps count from 0 and never go back: step {step} came after {self.last}.")

    def end(self) -> None:
        """Put the step, when there is one, into the store."""
        if self.step is not None and self._count:
            step, guess = self.step, self._guess
            if guess is None or self._count < len(self._keys):
                told = self._so_far()
                guess = self._store.opened(self._form(told))
                _fill(guess, guess.row, told)
            self.last = step
            self.written += guess.form.stride
            self._clear()
            guess.publish(step)
        self.step = None

    def block(self) -> Block | None:
        """Return a copy of what was told of the step so far, as a block of one row; None when nothing was."""
        if self.step is None or not self._count:
            return None
        told = self._so_far()
        form = step_form(tuple(signed for _, signed, _ in told))
        rows = new_rows(form, 1)
        memory = memoryview(rows).cast("B").toreadonly()
        copy = OpenBlock(Block(form, lambda: memory), rows, sealed=False)
        _fill(copy, 0, told)
        copy.publish(self.step)
        return copy.block

    def _so_far(self) -> list[tuple[tuple[Any, ...], EventForm, list[Any]]]:
        """What was told by itself: the row of a guess may get other content."""
        guess = self._guess
        if guess is None:
            return self._told
        told = zip(self._keys[: self._count], guess.form.events, strict=False)
        return [
            (key, event, [np.array(column[guess.row, ...]) for column in guess.columns(number)])
            for number, (key, event) in enumerate(told)
        ]

    def _form(self, told: list[tuple[tuple[Any, ...], EventForm, list[Any]]]) -> StepForm:
        form = step_form(tuple(signed for _, signed, _ in told))
        form = self._forms.setdefault(form.events, form)  # the same object each time is found faster
        self._likely[told[0][0]] = _Known(form, tuple(key for key, _, _ in told))
        return form


def _flatten(values: Any, key: list[Any], arrays: list[Any]) -> None:
    """Append what tells an event from others to `key`, its arrays and numbers to `arrays`."""
    for value in values:
        if type(value) is np.ndarray:
            key += (value.dtype, value.shape)
            arrays.append(value)
        elif type(value) is float:
            key.append(float)
            arrays.append(value)
        elif isinstance(value, str):
            key.append(value)
        elif isinstance(value, (tuple, list)):
            key.append(len(value))
            _flatten(value, key, arrays)
        elif isinstance(value, Mapping):
            key.append(tuple(value))
            _flatten(value.values(), key, arrays)
        else:
            array = frozen(value)
            key += (array.dtype, array.shape)
            arrays.append(array)


def _fill(block: OpenBlock, row: int, told: list[tuple[tuple[Any, ...], EventForm, list[Any]]]) -> None:
    for number, (_, _, arrays) in enumerate(told):
        for column, array in zip(block.columns(number), arrays, strict=True):
            column[row] = array
