"""Blocks: rows of steps of one form, in memory or in a file, read by row or by column.

A row is `crc | 0 | step | checksums of the pages of a large row | data`, see ``schema.md``. Rows in memory have no
checksums; those of a file are checked when they are first read, page by page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import TraceFileError
from vizkit.trace.forms import HEAD, PAGE, ArrayForm, Form, array_forms

__all__ = ["Block", "OpenBlock", "new_rows", "page_checksums", "seal"]

_HEADER = Struct("<IIq")
_NUMBERS = Struct("<I")
_STEP = Struct("<q")


class Block:
    """Rows of one form, each a step.

    Parameters
    ----------
    form
        What stands in a row.
    source
        Returns the memory of the rows, read-only.
    damaged
        Makes the error when a checksum is wrong; None where there is nothing to check, as in memory.
    """

    __slots__ = ("count", "damaged", "first", "form", "last", "pace", "release", "seen", "source")

    def __init__(
        self, form: Form, source: Callable[[], memoryview], damaged: Callable[[str], TraceFileError] | None = None
    ) -> None:
        self.form, self.source, self.damaged = form, source, damaged
        self.count = 0
        self.first = self.last = -1
        self.pace = 1  # the difference from step to step; 0 when it varies
        self.seen: bytearray | None = None  # which pages were checked
        self.release: Callable[[], None] | None = None  # says that the memory is not needed for now

    def note(self, step: int) -> None:
        """Count one more row, of this step."""
        if not self.count:
            self.first = step
        elif self.count == 1:
            self.pace = step - self.last
        elif step - self.last != self.pace:
            self.pace = 0
        self.last = step
        self.count += 1

    def steps(self) -> NDArray[np.int64]:
        """Return the steps of the rows, shape (rows,)."""
        if self.pace:
            return np.arange(self.count, dtype=np.int64) * self.pace + self.first
        self.verify(slice(0, self.count), 0, 0)
        steps = np.ndarray((self.count,), "<i8", self.source(), 8, (self.form.stride,))
        if self.damaged is not None and (
            (steps[0], steps[-1]) != (self.first, self.last) or (np.diff(steps) < 1).any()
        ):
            raise self._wrong("the steps of its rows are not those that the index lists")
        return steps

    def since(self, step: int) -> Block | None:
        """Return the rows from a step on, as a block without checksums; None when there are none."""
        before = int(np.searchsorted(self.steps(), step))
        if not before or before == self.count:
            return self if not before and self.count else None
        begin, found = before * self.form.stride, Block(self.form, self.source)
        found.source = lambda: self.source()[begin:]
        for later in self.steps()[before:].tolist():
            found.note(later)
        return found

    def position(self, step: int) -> int | None:
        """Return which row holds a step; None when there is none."""
        if not self.first <= step <= self.last:
            return None
        if self.pace:
            place, rest = divmod(step - self.first, self.pace)
            return None if rest else place
        steps = self.steps()
        place = int(np.searchsorted(steps, step))
        return place if steps[place] == step else None

    def array(self, form: ArrayForm, row: int) -> NDArray[Any]:
        """Return one array of one row, of shape (...): a read-only view."""
        self.verify(slice(row, row + 1), form.at, form.at + form.nbytes)
        at = row * self.step_bytes(form) + self.start(form)
        if form.order is None:
            return np.ndarray(form.shape, "<" + form.dtype, self.source(), at if 0 not in form.shape else 0)
        return np.ndarray(form.shape, "<" + form.dtype, self.source(), at, form.strides)

    def column(self, form: ArrayForm, rows: slice) -> NDArray[Any]:
        """Return one array over some rows, of shape (rows, ...): a read-only view."""
        self.verify(rows, form.at, form.at + form.nbytes)
        length = max(rows.stop - rows.start, 0)
        step = self.step_bytes(form)
        at = rows.start * step + self.start(form)
        if 0 in form.shape or not length:
            return np.zeros((length, *form.shape), "<" + form.dtype)
        return np.ndarray((length, *form.shape), "<" + form.dtype, self.source(), at, (step, *form.strides))

    def step_bytes(self, form: ArrayForm) -> int:
        """Return how far an array is from the same one in the next row."""
        return self.form.stride

    def start(self, form: ArrayForm) -> int:
        """Return where an array of the first row begins in the block."""
        return self.form.data_at + form.at

    def verify(self, rows: slice, begin: int, end: int) -> None:
        """Check the pages of some rows that hold the bytes from `begin` to `end` of their data, once.

        Raises
        ------
        TraceFileError
            When a checksum is wrong.
        """
        if self.damaged is None:
            return
        form, memory = self.form, self.source()
        each = form.pages + 1  # the head, then the pages
        if self.seen is None or len(self.seen) < self.count * each:
            self.seen = bytearray(self.count * each)
        self._verify_heads(memory, rows, self.seen)
        for row in range(rows.start, rows.stop) if form.pages else ():
            for first, last in _gaps(self.seen, row * each + 1 + begin // PAGE, row * each + 1 - (-end // PAGE)):
                self._verify_pages(memory, row, (first - row * each - 1, last - row * each - 1))
                self.seen[first:last] = b"\1" * (last - first)

    def _verify_heads(self, memory: memoryview, rows: slice, seen: bytearray) -> None:
        """Check the heads of rows, which are the whole rows where these are small; many of them in one loop."""
        stride, each = self.form.stride, self.form.pages + 1
        length = self.form.data_at if self.form.pages else stride
        stored = np.ndarray((rows.stop,), "<u4", memory, 0, (stride,))[rows].tolist()
        if self.pace and not all(seen[rows.start * each : rows.stop * each : each]):
            steps = np.ndarray((rows.stop,), "<i8", memory, 8, (stride,))[rows]
            expected = np.arange(rows.start, rows.stop) * self.pace + self.first
            if not np.array_equal(steps, expected):
                raise self._wrong(f"its rows {rows.start} to {rows.stop - 1} are not the steps that the index lists")
        for row, checksum in enumerate(stored, rows.start):
            if not seen[row * each]:
                if checksum != (crc32(memory[row * stride + 4 : row * stride + length]) or 1):
                    raise self._wrong(f"the checksum of its row {row} is wrong")
                seen[row * each] = 1

    def _verify_pages(self, memory: memoryview, row: int, pages: tuple[int, int]) -> None:
        begin = row * self.form.stride
        first, last = (self.form.data_at + page * PAGE for page in pages)
        stored = np.frombuffer(memory, "<u4", pages[1] - pages[0], begin + HEAD + 4 * pages[0])
        found = page_checksums(memory[begin + first : begin + min(last, self.form.stride)])
        if stored.tolist() != found:
            page = pages[0] + next(at for at, (one, two) in enumerate(zip(stored, found, strict=True)) if one != two)
            raise self._wrong(f"the checksum of page {page} of its row {row} is wrong")

    def _wrong(self, why: str) -> TraceFileError:
        assert self.damaged is not None  # rows in memory are not checked
        return self.damaged(why)

    def forget(self) -> None:
        """Let go of what was noted and looked at while reading; it is checked again when it is read again."""
        self.seen = None
        if self.release is not None:
            self.release()


def new_rows(form: Form, capacity: int) -> NDArray[np.uint8]:
    """Return memory for some rows, shape (capacity, stride), all zero: gaps between arrays stay so."""
    return np.zeros((capacity, form.stride), np.uint8)


def seal(memory: Any, begin: int, form: Form, step: int) -> None:
    """Write step and checksums into a row that begins somewhere in memory; its first four bytes come last.

    A row whose first four bytes are zero is not complete, so a reader sees a row whole or not at all.
    """
    end = begin + form.stride
    if form.pages:
        found = page_checksums(memory[begin + form.data_at : end])
        np.frombuffer(memory, "<u4", form.pages, begin + HEAD)[:] = found
        end = begin + form.data_at
    _HEADER.pack_into(memory, begin, 0, 0, step)
    _NUMBERS.pack_into(memory, begin, crc32(memory[begin + 4 : end]) or 1)


_GROUP = 32 * PAGE  # so many bytes stay in the processor's cache while they are looked at twice
_SIDE = 64  # a page is a square of so many words a side


def page_checksums(memory: memoryview) -> list[int]:
    """Return the checksum of each page: the CRC-32 of its column sums and row parities, as 64 x 64 words.

    A CRC of every byte would take five times as long, and reading and writing wait for it. A changed word
    changes both its column's sum and its row's parity; words that change places, one of them at least.

    Examples
    --------
    >>> page_checksums(memoryview(bytes(40_000))) == [crc32(bytes(1024))] * 2
    True
    """
    whole = len(memory) - len(memory) % PAGE
    found = [
        each for begin in range(0, whole, _GROUP) for each in _checksums(memory[begin : min(begin + _GROUP, whole)])
    ]
    if whole < len(memory):
        found += _checksums(bytes(memory[whole:]) + bytes(PAGE - len(memory) + whole))
    return found


def _checksums(pages: Any) -> Iterator[int]:
    """The checksums of the pages that some bytes consist of."""
    words = np.frombuffer(pages, "<u8").reshape(-1, _SIDE, _SIDE)
    sums, parities = np.add.reduce(words, axis=1), np.bitwise_xor.reduce(words, axis=2)
    digest = memoryview(np.concatenate((sums, parities), axis=1, dtype="<u8").reshape(-1)).cast("B")
    size = 2 * _SIDE * 8
    return (crc32(digest[at : at + size]) for at in range(0, len(digest), size))


def _gaps(seen: bytearray, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The runs of zeros between two places."""
    while begin < end:
        first = seen.find(0, begin, end)
        if first < 0:
            return
        last = seen.find(1, first, end)
        begin = end if last < 0 else last
        yield first, begin


class OpenBlock:
    """The end of a block, where rows are added.

    Parameters
    ----------
    block
        The block.
    rows
        Its memory, writeable, shape (capacity, stride).
    sealed
        Whether rows get checksums.
    """

    def __init__(self, block: Block, rows: NDArray[np.uint8], *, sealed: bool) -> None:
        self.block, self.rows, self.sealed = block, rows, sealed
        self.form = block.form
        self.capacity = len(rows)
        self.closed = False  # whether no more rows may be added although there is room
        self.memory = memoryview(rows.reshape(-1))  # copying bytes this way is faster than through an array
        self._columns: dict[ArrayForm, NDArray[Any]] = {}
        self._of_event: dict[int, list[NDArray[Any]]] = {}

    @property
    def row(self) -> int:
        """The next free row."""
        return self.block.count

    @property
    def full(self) -> bool:
        """Whether there is no free row."""
        return self.block.count >= self.capacity

    def column(self, form: ArrayForm) -> NDArray[Any]:
        """Return where an array of all rows is to be written, shape (rows, ...)."""
        found = self._columns.get(form)
        if found is None:
            strides = (self.form.stride, *form.strides)
            at = self.form.data_at + form.at if 0 not in form.shape else 0
            found = np.ndarray((len(self.rows), *form.shape), "<" + form.dtype, self.rows, at, strides)
            self._columns[form] = found
        return found

    def columns(self, event: int) -> list[NDArray[Any]]:
        """Return where the arrays of the event of this number are to be written, each of shape (rows, ...)."""
        found = self._of_event.get(event)
        if found is None:
            found = self._of_event[event] = [self.column(form) for form in array_forms(self.form.events[event].parts)]
        return found

    def publish(self, step: int) -> None:
        """Declare the next row complete: everything of it was written."""
        block, form = self.block, self.form
        if self.sealed:
            seal(self.memory, block.count * form.stride, form, step)
        else:
            _STEP.pack_into(self.memory, block.count * form.stride + 8, step)
        if block.count > 1 and step - block.last == block.pace:  # the usual case, without a call
            block.last = step
            block.count += 1
        else:
            block.note(step)
