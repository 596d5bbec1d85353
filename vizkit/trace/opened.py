"""The step that is being told, event by event, until it is complete.

A step is expected to look like an earlier one: as long as it does, its arrays are copied straight to
where they will stay. When it turns out to look different, it gets a form of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import ArgumentError
from vizkit.trace.arrays import NATIVE, frozen
from vizkit.trace.events import ModelDescription
from vizkit.trace.forms import ArrayForm, EpochForm, EventForm, Form, StepForm, signature, step_form
from vizkit.trace.log import Missing
from vizkit.trace.rows import Block, OpenBlock, new_rows

__all__ = ["BLOCK_BYTES", "MemoryStore", "OpenStep", "Store", "add_epoch", "capacity"]

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


def add_epoch(store: Store, position: int, number: int, logs: Mapping[str, float]) -> None:
    """Put what training reported at the end of an epoch into a store, as the one after `position` others."""
    block = store.opened(EpochForm(tuple(map(str, logs))))
    row = block.row
    block.column(ArrayForm("i8", ()))[row] = int(number)
    block.column(ArrayForm("f8", (len(logs),), 8))[row] = [float(value) for value in logs.values()]
    block.publish(position)


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


class OpenStep:
    """Collects the events of a step and puts them into the store when it ends.

    Parameters
    ----------
    store
        Where complete steps go.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._forms: dict[tuple[EventForm, ...], tuple[StepForm, tuple[EventForm, ...]]] = {}
        self._likely: dict[EventForm, tuple[StepForm, tuple[EventForm, ...]]] = {}  # by a step's first event
        self.last = -1  # the last complete step
        self._clear()

    def _clear(self) -> None:
        self.step: int | None = None
        self._told: list[tuple[EventForm, list[NDArray[Any]]]] = []
        self._guess: OpenBlock | None = None  # where the step goes as long as it looks like an earlier one
        self._expected: tuple[EventForm, ...] = ()

    def add(self, kind: str, step: int, node: int, values: tuple[Any, ...]) -> None:
        """Take one event; its arrays, of shape (...), are copied.

        Raises
        ------
        ArgumentError
            When the step goes back, or an array has elements that a trace does not hold.
        """
        if step != self.step:
            self.begin(step)
        arrays: list[NDArray[Any]] = []
        plain = tuple(_plain(value, arrays) for value in values)
        signed = signature(kind, node, plain)
        number = len(self._told)
        if number == 0 and signed in self._likely:
            form, self._expected = self._likely[signed]
            self._guess = self._store.opened(form)
        guess = self._guess
        if guess is not None and number < len(self._expected) and self._expected[number] == signed:
            self._told.append((signed, _copied(guess, number, arrays)))
        else:
            self._leave_guess()
            self._told.append((signed, [frozen(array) for array in arrays]))

    def begin(self, step: int) -> None:
        """End the step before and begin one.

        Raises
        ------
        ArgumentError
            When the step goes back.
        """
        self.end()
        if step <= self.last:
            raise ArgumentError(f"Steps count from 0 and never go back: step {step} came after {self.last}.")
        self.step = step

    def end(self) -> None:
        """Put the step, when there is one, into the store."""
        if self.step is not None and self._told:
            step, guess = self.step, self._guess
            if guess is None or len(self._told) < len(self._expected):
                self._leave_guess()
                guess = self._store.opened(self._form())
                _fill(guess, guess.row, self._told)
            self._clear()
            self.last = step
            guess.publish(step)

    def block(self) -> Block | None:
        """Return a copy of what was told of the step so far, as a block of one row; None when nothing was."""
        if self.step is None or not self._told:
            return None
        form = step_form(tuple(signed for signed, _ in self._told))
        rows = new_rows(form, 1)
        memory = memoryview(rows).cast("B").toreadonly()
        copy = OpenBlock(Block(form, lambda: memory), rows, sealed=False)
        _fill(copy, 0, self._told)
        copy.publish(self.step)
        return copy.block

    def _leave_guess(self) -> None:
        """Keep what was told by itself: the step does not look as expected, and its row may get other content."""
        if self._guess is not None:
            self._told = [(signed, [np.array(array) for array in arrays]) for signed, arrays in self._told]
            self._guess = None

    def _form(self) -> StepForm:
        signatures = tuple(signed for signed, _ in self._told)
        found = self._forms.get(signatures)
        if found is None:
            found = self._forms[signatures] = step_form(signatures), signatures
        self._likely[signatures[0]] = found
        return found[0]


def _plain(value: Any, arrays: list[NDArray[Any]]) -> Any:
    """A field in the form that an event has it; its arrays are appended to `arrays`."""
    if isinstance(value, str):
        return value
    if isinstance(value, (tuple, list)):
        return tuple(_plain(entry, arrays) for entry in value)
    if isinstance(value, Mapping):
        return {str(name): _plain(entry, arrays) for name, entry in value.items()}
    arrays.append(value if type(value) is np.ndarray and value.dtype in NATIVE else frozen(value))
    return arrays[-1]


def _copied(block: OpenBlock, number: int, arrays: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """Copy the arrays of the event of this number into the free row; return where they stand now."""
    row, columns = block.row, block.columns(number)
    for column, array in zip(columns, arrays, strict=True):
        column[row] = array
    return [column[row, ...] for column in columns]


def _fill(block: OpenBlock, row: int, told: list[tuple[EventForm, list[NDArray[Any]]]]) -> None:
    for number, (_, arrays) in enumerate(told):
        for column, array in zip(block.columns(number), arrays, strict=True):
            column[row] = array
