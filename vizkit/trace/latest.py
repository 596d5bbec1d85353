"""The last steps of a run in memory that does not grow: a store for a recording that goes on and on."""

from __future__ import annotations

import weakref

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import TraceQueryError
from vizkit.trace.events import ModelDescription
from vizkit.trace.forms import EpochForm, Form
from vizkit.trace.log import EventLog, Missing
from vizkit.trace.opened import capacity
from vizkit.trace.rows import Block, OpenBlock

__all__ = ["LastSteps"]

SMALL = 1 << 16  # bytes of a block that may well stay while it has few of the last steps


class _Memory:
    """The memory of a block of rows, and whether anybody still looks at it."""

    def __init__(self, form: Form, capacity: int) -> None:
        self._bytes = bytearray(capacity * form.stride)
        self.rows = np.frombuffer(self._bytes, np.uint8).reshape(capacity, form.stride)
        self._given: weakref.ref[NDArray[np.uint8]] | None = None  # what is under all that was given

    def view(self) -> memoryview:
        """Return the rows' bytes, read-only."""
        given = None if self._given is None else self._given()
        if given is None:
            given = np.frombuffer(self._bytes, np.uint8)  # the base of each array that is made of it
            self._given = weakref.ref(given)
        return memoryview(given).cast("B").toreadonly()

    @property
    def is_free(self) -> bool:
        """Whether no array of a user shows it, so that it can be written again."""
        return self._given is None or self._given() is None


class LastSteps:
    """Keeps the rows of the last steps in memory, and writes new ones over the memory of the oldest.

    An event that a user still has keeps its numbers: memory that is looked at is not used again.

    Parameters
    ----------
    log
        The events that are recorded.
    last
        How many steps are kept.
    """

    def __init__(self, log: EventLog, last: int) -> None:
        self._log, self._last = log, last
        self._open: dict[Form, OpenBlock] = {}
        self._memory: dict[int, _Memory] = {}  # by the id of its block
        self._free: dict[Form, list[_Memory]] = {}
        self._opened = 0  # how many blocks since the last time that some were dropped
        log.last = last

    def opened(self, form: Form) -> OpenBlock:
        """Return a block of a form that has a free row."""
        found = self._open.get(form)
        if found is None or found.full:
            if not isinstance(form, EpochForm):
                self._drop()
            found = self._open[form] = self._new(form, found)
            self._log.add_block(found.block)
        return found

    def describe(self, model: ModelDescription) -> None:
        """Do nothing: the trace has it."""

    def note(self, missing: Missing) -> None:
        """Do nothing: the trace has it."""

    def close(self) -> None:
        """Let go of the memory that waits to be used again."""
        self._free.clear()

    def _new(self, form: Form, before: OpenBlock | None) -> OpenBlock:
        free = self._free.get(form)
        if free:
            memory = free.pop()
        else:
            rows = capacity(form, before)
            if not isinstance(form, EpochForm):  # a block is dropped as a whole
                rows = max(min(rows, self._last // 4), SMALL // form.stride, 1)
            memory = _Memory(form, rows)
        block = Block(form, memory.view)
        self._memory[id(block)] = memory
        return OpenBlock(block, memory.rows, sealed=False)

    def _drop(self) -> None:
        """Drop the blocks whose steps all come before the last ones; not each time, where there are many."""
        blocks = [block for block in self._log.whole_blocks() if block.count]
        self._opened += 1
        left = sum(block.count for block in blocks)
        if 8 * self._opened < len(blocks) or left <= self._last:
            return
        self._opened = 0
        for block in sorted(blocks, key=_last_step):
            left -= block.count
            if left < self._last or not self._is_before(block):
                return
            self._forget(block)

    def _is_before(self, block: Block) -> bool:
        """Whether as many steps as are kept come after all those of a block."""
        others = [other for other in self._log.whole_blocks() if other.count and other.last > block.last]
        if all(other.first > block.last for other in others):  # the usual case, in which no steps are read
            return sum(other.count for other in others) >= self._last
        return sum(int((other.steps() > block.last).sum()) for other in others) >= self._last

    def _forget(self, block: Block) -> None:
        self._log.drop(block)
        opened = self._open.get(block.form)
        if opened is not None and opened.block is block:
            self._open.pop(block.form).closed = True
        memory = self._memory.pop(id(block))
        block.source = _dropped
        if memory.is_free:
            self._free.setdefault(block.form, []).append(memory)


def _last_step(block: Block) -> int:
    return block.last


def _dropped() -> memoryview:
    raise TraceQueryError("This step was dropped meanwhile: a recording with Keep(last=...) keeps the last steps only.")
