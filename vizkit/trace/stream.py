"""Writing a trace while it grows: each step is in the file when it ends.

Small rows are written through mapped memory, so a step costs no system call and is still in the file
when the process is killed. Large rows are written one by one. `save` writes a whole trace the same way.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import OutputError
from vizkit.trace.chunks import chunk_head, header, read_chunk
from vizkit.trace.events import ModelDescription
from vizkit.trace.filemap import FileMap
from vizkit.trace.forms import Form
from vizkit.trace.layouts import form_metadata, packed, row_memory
from vizkit.trace.log import EventLog, Missing
from vizkit.trace.opened import capacity
from vizkit.trace.records import missing_metadata, model_metadata, node_metadata
from vizkit.trace.rows import Block, OpenBlock, new_rows, seal

__all__ = ["ChunkWriter", "FileStore"]

LARGE = 1 << 16  # a row of more bytes is a chunk by itself
PIECE = 1 << 20  # bytes that are written in one call: some systems are slow to find room for many at once
OPEN = 16  # blocks that are open at once; one for each form


class ChunkWriter:
    """Puts chunks into a file one after the other, and lists them in the last one.

    Parameters
    ----------
    stream
        The file, open for reading and writing and unbuffered, or any stream to write to when `place` is not used.
    log
        The events; its nodes are written before they are used.
    """

    def __init__(self, stream: BinaryIO, log: EventLog) -> None:
        self._stream, self._log = stream, log
        self._nodes: set[int] = set()
        self._forms: dict[Form, int] = {}
        self._chunks: list[int] = []
        self._blocks: list[tuple[int, int, Block]] = []
        self.end = 0
        self._append([header()])

    def nodes(self) -> None:
        """Write the nodes that were not written before."""
        new = [self._log.nodes[index] for index in sorted(self._log.nodes) if index not in self._nodes]
        if new:
            self.chunk("NODE", node_metadata(new))
            self._nodes.update(node.index for node in new)

    def chunk(self, kind: str, metadata: dict[str, Any]) -> None:
        """Write a chunk without data and list it."""
        self._chunks.append(self.end)
        self._append([chunk_head(kind, metadata, 0)])

    def form(self, form: Form) -> int:
        """Return the number of a form, which is written before it is used."""
        if form not in self._forms:
            self.nodes()
            self._forms[form] = len(self._forms)
            self.chunk("FORM", form_metadata(form, self._forms[form]))
        return self._forms[form]

    def rows(self, block: Block, rows: NDArray[np.uint8]) -> None:
        """Write rows, of shape (rows, stride), as a chunk and list their block."""
        head = self.rows_head(block.form, len(rows))
        self._list(block)
        self._append([head, rows])

    def rows_head(self, form: Form, count: int) -> bytes:
        """Return what stands before some rows."""
        return chunk_head("ROWS", {"form": self.form(form), "rows": count}, count * form.stride)

    def pack(self, block: Block, rows: NDArray[np.uint8], encoding: str) -> int:
        """Write rows, of shape (rows, stride), packed; return where their chunk begins."""
        number, data = self.form(block.form), packed(rows)
        at = self.end
        self._list(block)
        head = {"form": number, "rows": len(rows), "encoding": encoding}
        self._append([chunk_head("PACK", head, len(data)), data])
        return at

    def place(self, block: Block, count: int) -> tuple[int, int]:
        """Make room for rows, list their block, and return where they begin and how long they are."""
        head, length = self.rows_head(block.form, count), count * block.form.stride
        _reserve(self._stream, self.end, len(head) + length)
        self._list(block)
        self._append([head])
        at, self.end = self.end, self.end + length
        return at, length

    def write(self, block: Block, data: Any) -> int:
        """Write a chunk of one row that is ready with its head, and list its block; return where it begins."""
        at = self.end
        self._list(block)
        self._append([data])
        return at

    def done(self, complete: bool) -> None:
        """Write the last chunk, with the list of all others."""
        listed = [
            (at, number, block.count, block.first, block.last, block.pace)
            for at, number, block in self._blocks
            if block.count
        ]
        index = np.array(listed, "<i8").reshape(len(listed), 6).tobytes()
        metadata = {
            "complete": complete,
            "events": len(self._log),
            "epochs": self._log.epoch_count,
            "chunks": self._chunks,
            "index": {"dtype": "i8", "shape": [len(listed), 6], "at": 0, "crc": crc32(index)},
        }
        # The last eight bytes of the file say where its last chunk begins, so that the index is found from the end.
        place = self.end.to_bytes(8, "little")
        self._append([chunk_head("DONE", metadata, len(index) + 8), index, place])

    def _list(self, block: Block) -> None:
        self._blocks.append((self.end, self._forms[block.form], block))

    def _append(self, pieces: Iterable[Any]) -> None:
        self._stream.seek(self.end)
        for piece in pieces:
            memory = memoryview(piece).cast("B") if memoryview(piece).nbytes else b""
            written = 0
            while written < len(memory):
                written += self._stream.write(memory[written : written + PIECE])
            self.end += len(memory)


def _reserve(stream: BinaryIO, at: int, length: int) -> None:
    """Make sure that there is room on the disk, because writing to mapped memory could not say that there is none."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(stream.fileno(), at, length)
        return
    stream.seek(at)
    stream.write(bytes(length))


class FileStore:
    """Keeps rows in a file.

    Parameters
    ----------
    path
        The file. What was there before is removed.
    log
        The events that are recorded.
    encoding
        ``"zlib"`` packs the rows, block by block; None leaves them as they are.

    Raises
    ------
    OutputError
        When the file cannot be made.
    """

    def __init__(self, path: Path, log: EventLog, encoding: str | None = None) -> None:
        self._path, self._log, self._encoding = path, log, encoding
        self._open: dict[Form, OpenBlock] = {}
        self._broken = False
        self._stream: Any = None
        with self._writing():
            path.unlink(missing_ok=True)  # a file that another process is reading stays as it is for that one
            self._stream = path.open("xb+", buffering=0)
            self._writer = ChunkWriter(self._stream, log)
            self._file = FileMap(self._stream, path.name)

    def opened(self, form: Form) -> OpenBlock:
        """Return a block of a form that has a free row."""
        found = self._open.get(form)
        if found is None or found.full:
            with self._writing():
                if found is not None:
                    self._settle(form)
                while len(self._open) >= OPEN:
                    self._settle(next(iter(self._open)))
                found = self._open[form] = self._new(form, found)
        return found

    def describe(self, model: ModelDescription) -> None:
        """Write the description of the model, which may come again."""
        with self._writing():
            self._writer.nodes()
            self._writer.chunk("MODL", model_metadata(model))

    def note(self, missing: Missing) -> None:
        """Write what is missing."""
        with self._writing():
            self._writer.chunk("MISS", missing_metadata([missing]))

    def close(self) -> None:
        """Write the list of everything and close the file; not where writing has failed before.

        Raises
        ------
        OutputError
            When the disk is full; the steps are in the file.
        """
        try:
            if not self._broken:
                with self._writing():
                    for form in list(self._open):
                        self._settle(form)
                    self._writer.done(complete=True)
        finally:
            self._file.close()
            self._stream.close()

    def _new(self, form: Form, before: OpenBlock | None) -> OpenBlock:
        if self._encoding is not None:
            return _Packing(form, capacity(form, before), self._log)
        if form.stride > LARGE:
            return _Single(form, self._writer, self._put)
        rows = capacity(form, before)
        block = Block(form, lambda: memoryview(b""))
        at, length = self._writer.place(block, rows)
        block.source = lambda: self._file.view(at, length)
        self._log.add_block(block)
        return OpenBlock(block, _mapped_rows(self._stream, at, (rows, form.stride)), sealed=True)

    def _settle(self, form: Form) -> None:
        """Let go of an open block; packed rows go into the file now."""
        found = self._open.pop(form)
        found.closed = True
        if isinstance(found, _Packing) and found.block.count:
            rows = found.rows[: found.block.count]
            at = self._writer.pack(found.block, rows, str(self._encoding))
            found.block.source = lambda: row_memory(self._file, read_chunk(self._file, at), form, len(rows))()

    def _put(self, form: Form, step: int, data: Any, head: int) -> None:
        """Write a row that is ready with its head."""
        block = Block(form, lambda: memoryview(b""))
        with self._writing():
            at = self._writer.write(block, data) + head
        block.source = lambda: self._file.view(at, form.stride)
        block.note(step)
        self._log.add_block(block)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what the system says against writing into one clear error; after it nothing more is written."""
        if self._broken:
            raise OutputError(f"The trace {str(self._path)!r} is not written any more after an error.")
        try:
            yield
        except OSError as error:
            self._broken = True
            said = f"The trace {str(self._path)!r} cannot be written: {error.strerror or error}."
            kept = f"{self._log.step_count} complete steps are in it; vizkit.load(path, partial=True) reads them."
            raise OutputError(said if self._stream is None else f"{said} {kept}") from error


class _Single(OpenBlock):
    """One row, written as a chunk by itself when it is complete; its memory is used again."""

    def __init__(self, form: Form, writer: ChunkWriter, put: Callable[[Form, int, Any, int], None]) -> None:
        head = np.frombuffer(writer.rows_head(form, 1), np.uint8)
        self._data = np.zeros(len(head) + form.stride, np.uint8)
        self._data[: len(head)] = head
        self._head, self._put = len(head), put
        super().__init__(Block(form, lambda: memoryview(b"")), self._data[len(head) :].reshape(1, -1), sealed=True)

    def publish(self, step: int) -> None:
        """Write the row."""
        seal(self.memory, 0, self.form, step)
        self._put(self.form, step, self._data, self._head)


class _Packing(OpenBlock):
    """Rows in memory until there are enough to be packed."""

    def __init__(self, form: Form, rows: int, log: EventLog) -> None:
        memory = new_rows(form, rows)
        view = memoryview(memory).cast("B").toreadonly()
        super().__init__(Block(form, lambda: view), memory, sealed=True)
        log.add_block(self.block)


def _mapped_rows(stream: BinaryIO, at: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the memory of rows in a file, writeable."""
    begin = at - at % mmap.ALLOCATIONGRANULARITY
    length = shape[0] * shape[1]
    memory = mmap.mmap(stream.fileno(), at - begin + length, offset=begin)
    return np.frombuffer(memory, np.uint8, length, at - begin).reshape(shape)
