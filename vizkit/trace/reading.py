"""Reading a file: what its last chunk lists when it is complete, else chunk by chunk with every byte checked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np

from vizkit.errors import TraceFileError, TruncatedTraceError
from vizkit.trace.checks import checked_array, checked_list, whole_number
from vizkit.trace.chunks import HEADER, Chunk, check_header, damaged, read_chunk, walk_chunks
from vizkit.trace.columns import read_columns, read_epoch_columns
from vizkit.trace.events import ModelDescription
from vizkit.trace.filemap import FileMap
from vizkit.trace.forms import Form
from vizkit.trace.layouts import checked_rows, filled, read_form, row_memory
from vizkit.trace.log import EventLog
from vizkit.trace.opened import EpochWriter, MemoryStore
from vizkit.trace.records import read_missing, read_model, read_nodes
from vizkit.trace.rows import Block

__all__ = ["Reading"]

# What the index says of each block of rows: where its chunk begins, its form, rows, first and last step, pace.
INDEX = 6
MOST = 64  # packed rows are at most so many times as long in memory


class Reading:
    """A trace while it is read.

    Parameters
    ----------
    file
        The file.

    Attributes
    ----------
    faults
        What is damaged, in the order of the file.
    """

    def __init__(self, file: FileMap) -> None:
        self.file = file
        self.model = ModelDescription("")
        self.log = EventLog()
        self.faults: list[TraceFileError] = []
        self.begun = self.ended = self.complete = False
        self._forms: dict[int, Form] = {}
        self._epochs = EpochWriter(MemoryStore(self.log.add_block))  # for those of version 1

    def read(self) -> None:
        """Read a file that was written to its end by what its last chunk lists; look at every byte of another.

        Raises
        ------
        TraceFileError
            When the file is no trace, or damaged, or its end is missing.
        """
        major = check_header(self.file)
        self.begun = True
        end = self._end() if major > 1 else None
        if end is None:
            self.walk()
            for fault in self.faults:
                raise fault
        else:
            self._take_listed(end)

    def walk(self) -> None:
        """Read all chunks in order and check every byte; a damaged row becomes a fault and is left out.

        Raises
        ------
        TraceFileError
            When nothing can be read beyond a fault, or the file's end is missing. What was read stays.
        """
        self.begun = check_header(self.file) > 0
        for chunk in walk_chunks(self.file):
            if self.ended:
                raise chunk.damaged("it comes after the end of the trace")
            self._take(chunk)
        if not self.ended:
            raise TruncatedTraceError(f"at byte {self.file.size}, after its last chunk")

    def truncated(self, where: str) -> TruncatedTraceError:
        """Return the error for a file that ends too early."""
        name = self.file.name
        ends = f"is cut off {where}: its recording broke off, or still goes on"
        if self.log.last_step < 0:
            return TruncatedTraceError(f"{name} {ends}. It holds no complete step.")
        return TruncatedTraceError(
            f"{name} {ends}. The last complete step is {self.log.last_step}; "
            "vizkit.load(path, partial=True) reads up to there."
        )

    def _end(self) -> Chunk | None:
        """The chunk that ends the file and says in its last eight bytes where it begins; None when it is not there."""
        at = int.from_bytes(self.file.view(max(self.file.size - 8, 0), 8), "little")
        if not HEADER <= at < self.file.size:
            return None
        try:
            chunk = read_chunk(self.file, at)
        except TraceFileError:  # these eight bytes are no end, so the file is read from its beginning
            return None
        return chunk if chunk.kind == "DONE" and chunk.end == self.file.size else None

    def _take(self, chunk: Chunk) -> None:
        # A chunk of an unknown kind comes from a newer minor version, which may only add what can be left out.
        takers: dict[str, Callable[[Chunk], None]] = {
            "NODE": lambda chunk: read_nodes(chunk, self.log),
            "MODL": self._take_model,
            "MISS": lambda chunk: read_missing(chunk, self.log),
            "FORM": self._take_form,
            "ROWS": self._take_rows,
            "PACK": self._take_rows,
            "STEP": lambda chunk: self.log.add_block(read_columns(chunk, self.log.nodes, self.log.last_step)),
            "EPOC": self._take_epochs,
            "DONE": self._take_end,
        }
        if chunk.kind in takers:
            takers[chunk.kind](chunk)

    def _take_model(self, chunk: Chunk) -> None:
        self.model = read_model(chunk, self.log)

    def _take_form(self, chunk: Chunk) -> None:
        number = chunk.metadata.get("form")
        if not whole_number(number) or number in self._forms:
            raise chunk.damaged(f"it describes the form {str(number)[:20]!r}")
        self._forms[number] = read_form(chunk, self.log.nodes)

    def _take_epochs(self, chunk: Chunk) -> None:
        for number, logs in read_epoch_columns(chunk):
            self._epochs.add(number, logs)

    def _take_rows(self, chunk: Chunk) -> None:
        """Check every row of a chunk; those between the damaged ones become blocks."""
        form, rows = checked_rows(chunk, self._forms)
        source = row_memory(self.file, chunk, form, rows)
        if len(chunk.data) < chunk.length:
            rows = len(chunk.data) // form.stride  # the file is cut off
        try:
            count = filled(source(), form, rows)
        except TraceFileError as fault:  # packed rows that cannot be unpacked
            self.faults.append(fault)
            return
        whole = Block(form, source, chunk.damaged)
        whole.count, whole.pace = count, 0  # which steps they are is looked at afterwards
        begin = 0
        for row in range(count):
            try:
                whole.verify(slice(row, row + 1), 0, form.nbytes)
            except TraceFileError as fault:
                self.faults.append(fault)
                self._add_rows(chunk, form, source, (begin, row))
                begin = row + 1
        self._add_rows(chunk, form, source, (begin, count))

    def _add_rows(self, chunk: Chunk, form: Form, source: Any, rows: tuple[int, int]) -> None:
        if rows[0] == rows[1]:
            return
        block = Block(form, _part(source, rows[0] * form.stride))
        steps = np.ndarray((rows[1] - rows[0],), "<i8", block.source(), 8, (form.stride,)).tolist()
        before = self.log.last_of(form)
        for step in steps:
            if step <= before or not whole_number(step):
                raise chunk.damaged(f"step {step} comes after step {before}")
            block.note(step)
            before = step
        self.log.add_block(block)

    def _take_end(self, chunk: Chunk) -> None:
        # what is not in the file's order or is missing from it shows in these counts
        claimed = (chunk.metadata.get("events"), chunk.metadata.get("epochs"), chunk.data[-8:])
        found = (len(self.log), self.log.epoch_count, chunk.offset.to_bytes(8, "little"))
        if claimed != found and not self.faults:
            raise chunk.damaged(f"it counts {str(claimed[:2])[:80]} events and epochs; there are {found[:2]}")
        self.ended, self.complete = True, chunk.metadata.get("complete") is True

    def _take_listed(self, end: Chunk) -> None:
        """Take the chunks and blocks that the last chunk lists, without looking at the blocks."""
        for offset in checked_list(end, "chunks"):
            if not whole_number(offset) or not HEADER <= offset < end.offset:
                raise end.damaged(f"it lists a chunk at byte {str(offset)[:20]!r}")
            self._take(read_chunk(self.file, offset))
        for entry in self._index(end):
            self.log.add_block(self._listed_block(end, entry))
        self._take_end(end)

    def _index(self, end: Chunk) -> list[list[int]]:
        entry = end.metadata.get("index")
        form = checked_array(end, entry, len(end.data))
        if form.dtype != "i8" or len(form.shape) != 2 or form.shape[1] != INDEX:
            raise end.damaged(f"its index has the shape {form.shape}")
        data = end.data[form.at : form.at + form.nbytes]
        if crc32(data) != entry.get("crc"):
            raise end.damaged("the checksum of its index is wrong")
        return np.frombuffer(data, "<i8").reshape(form.shape).tolist()

    def _listed_block(self, end: Chunk, entry: list[int]) -> Block:
        offset, number, count, first, last, pace = entry
        form = self._forms.get(number)
        fits = form is not None and HEADER <= offset < end.offset
        fits = fits and 0 < count * form.stride <= MOST * end.offset and first >= 0 and count - 1 <= last - first
        if not fits or pace < 0 or not whole_number(last) or (pace and first + (count - 1) * pace != last):
            raise end.damaged(f"it lists the block {entry}")
        if first <= self.log.last_of(form):
            raise end.damaged(f"step {first} comes after step {self.log.last_of(form)}")
        block = Block(form, _Listed(self, offset, form, count).memory, partial(damaged, self.file.name, offset, "ROWS"))
        block.count, block.first, block.last, block.pace = count, first, last, pace
        block.release = partial(self.file.release, offset, count * form.stride)
        return block


class _Listed:
    """The rows of a block that the last chunk lists; its own chunk is checked when it is first looked at."""

    __slots__ = ("_count", "_form", "_offset", "_reading", "_source")

    def __init__(self, reading: Reading, offset: int, form: Form, count: int) -> None:
        self._reading, self._offset, self._form, self._count = reading, offset, form, count
        self._source: Callable[[], memoryview] | None = None

    def memory(self) -> memoryview:
        """Return the rows' bytes."""
        if self._source is None:
            chunk = read_chunk(self._reading.file, self._offset)
            form, rows = checked_rows(chunk, self._reading._forms)
            if form is not self._form or rows < self._count:
                raise chunk.damaged(f"it has {rows} rows, the index lists {self._count} of another form or number")
            self._source = row_memory(self._reading.file, chunk, form, rows)
        return self._source()


def _part(source: Callable[[], memoryview], begin: int) -> Callable[[], memoryview]:
    return source if begin == 0 else lambda: source()[begin:]
