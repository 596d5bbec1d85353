"""A trace as one file: saved whole or not at all, loaded with every byte checked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from vizkit.errors import TraceFileError, TraceVersionError, TruncatedTraceError
from vizkit.files import as_path, whole
from vizkit.trace.blocks import read_block, step_blocks, write_block
from vizkit.trace.chunks import Chunk, check_header, read_chunks, write_chunk, write_header
from vizkit.trace.events import ModelDescription
from vizkit.trace.log import EventLog
from vizkit.trace.records import read_epochs, read_model, read_nodes, write_epochs, write_model, write_nodes
from vizkit.trace.trace import Trace

__all__ = ["load", "save"]


def save(trace: Trace, path: str | PathLike[str]) -> Path:
    """Write a trace to one file, whole or not at all, and return its path.

    Raises
    ------
    OutputError
        When the file cannot be written; what was there before is untouched.

    Examples
    --------
    >>> import tempfile
    >>> from vizkit.trace import samples
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save(samples.tiny_trace(), Path(folder) / "run.vkt")
    ...     load(path)
    <Trace of 'tiny': 3 steps, 15 events, 648 bytes>
    """
    target = as_path(path)
    with whole(target, "trace") as stream:
        _write(stream, trace)
    return target


def load(path: str | PathLike[str], *, partial: bool = False) -> Trace:
    """Read a trace from a file.

    Parameters
    ----------
    path
        A file that `Trace.save` wrote.
    partial
        Read a damaged or cut file up to the fault, as a trace whose ``complete`` is False.

    Raises
    ------
    TraceFileError
        When there is no such file, it is no trace, or it is damaged; the message names the chunk.
    TruncatedTraceError
        When its end is missing; the message names the last complete step.
    TraceVersionError
        When a newer vizkit wrote it.
    """
    source = as_path(path)
    with _opened(source) as stream:
        size = os.fstat(stream.fileno()).st_size
        reading = _Reading(source.name)
        try:
            reading.read(stream, size)
        except TraceVersionError:
            raise
        except TruncatedTraceError as error:
            if not partial or reading.chunks < 0:
                raise reading.truncated(str(error)) from None
        except TraceFileError:
            if not partial or reading.chunks < 0:
                raise
    return Trace(reading.model, reading.log, complete=reading.complete)


def _write(stream: BinaryIO, trace: Trace) -> None:
    log = trace.log
    write_header(stream)
    write_nodes(stream, trace.nodes)
    write_model(stream, trace.model)
    index = []
    for block in step_blocks((step, log.of_step(step)) for step in log.steps):
        index.append([stream.tell(), block.steps[0], block.steps[-1]])
        write_block(stream, block)
    write_epochs(stream, log.epochs)
    end = {"complete": trace.complete, "events": len(log.rows), "epochs": len(log.epochs), "index": index}
    # The last eight bytes of the file say where its last chunk begins, so that the index is found from the end.
    write_chunk(stream, "DONE", end, [stream.tell().to_bytes(8, "little")])


class _Reading:
    """A trace while it is read, chunk by chunk."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.model = ModelDescription("")
        self.log = EventLog()
        self.chunks = -1  # how many chunks were read; -1 before the header was
        self.ended = False
        self.complete = False

    def read(self, stream: BinaryIO, size: int) -> None:
        """Read all chunks; what was read stays when a fault ends it."""
        check_header(stream, self.name)
        self.chunks = 0
        for chunk in read_chunks(stream, size, self.name):
            if self.ended:
                raise chunk.damaged("it comes after the end of the trace")
            self._take(chunk)
            self.chunks += 1
        if not self.ended:
            raise TruncatedTraceError(f"after chunk {self.chunks - 1}, at byte {size}")

    def truncated(self, where: str) -> TruncatedTraceError:
        """Return the error for a file that ends too early."""
        if self.log.last_step < 0:
            return TruncatedTraceError(f"{self.name} is cut off {where}. It holds no complete step.")
        return TruncatedTraceError(
            f"{self.name} is cut off {where}. The last complete step is {self.log.last_step}; "
            "vizkit.load(path, partial=True) reads up to there."
        )

    def _take(self, chunk: Chunk) -> None:
        # A chunk of an unknown kind comes from a newer minor version, which may only add what can be left out.
        takers = {
            "NODE": self._nodes,
            "MODL": self._model,
            "STEP": self._steps,
            "EPOC": self._epochs,
            "DONE": self._end,
        }
        if chunk.kind in takers:
            takers[chunk.kind](chunk)

    def _nodes(self, chunk: Chunk) -> None:
        read_nodes(chunk, self.log)

    def _model(self, chunk: Chunk) -> None:
        self.model = read_model(chunk, self.log)

    def _steps(self, chunk: Chunk) -> None:
        last = self.log.last_step
        for row, nbytes in read_block(chunk, self.log.nodes, last):
            self.log.append(row, nbytes)

    def _epochs(self, chunk: Chunk) -> None:
        read_epochs(chunk, self.log)

    def _end(self, chunk: Chunk) -> None:
        # what is not in the file's order or is missing from it shows in these counts
        claimed = (chunk.metadata.get("events"), chunk.metadata.get("epochs"), chunk.data)
        found = (len(self.log.rows), len(self.log.epochs), chunk.offset.to_bytes(8, "little"))
        if claimed != found:
            raise chunk.damaged(f"it counts {str(claimed[:2])[:80]} events and epochs; there are {found[:2]}")
        self.ended, self.complete = True, chunk.metadata.get("complete") is True


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file to read; what the system says against it becomes one clear error."""
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise TraceFileError(f"The trace {str(path)!r} cannot be read: {error.strerror or error}.") from error
