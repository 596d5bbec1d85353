"""A trace as one file: saved whole or not at all, loaded without being read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import TraceFileError, TraceVersionError, TruncatedTraceError
from vizkit.files import as_path, whole
from vizkit.trace.filemap import FileMap
from vizkit.trace.forms import EpochForm, Form, StepForm, array_forms, step_form
from vizkit.trace.log import Missing
from vizkit.trace.opened import BLOCK_BYTES
from vizkit.trace.reading import Reading
from vizkit.trace.records import missing_metadata, model_metadata
from vizkit.trace.rows import Block, OpenBlock, new_rows
from vizkit.trace.stream import ChunkWriter
from vizkit.trace.trace import Trace

__all__ = ["load", "opened_map", "save"]


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
    """Open a trace file; arrays are read, and their checksums checked, when they are asked for.

    Parameters
    ----------
    path
        A file that `Trace.save` or ``vizkit.record(model, path=...)`` wrote.
    partial
        Read what there is of a damaged file, of one that was cut off, or of one that is still growing: every
        byte is checked, and the trace has the steps that are whole. Its ``complete`` is False, and
        ``trace.missing()`` names what is damaged.

    Raises
    ------
    TraceFileError
        When there is no such file, it is no trace, or it is damaged; the message names the chunk. Also later,
        when a damaged array is read.
    TruncatedTraceError
        When its end is missing; the message names the last complete step.
    TraceVersionError
        When a newer vizkit wrote it.
    """
    with opened_map(path) as file:
        reading = Reading(file)
        try:
            if partial:
                reading.walk()
            else:
                reading.read()
        except TraceVersionError:
            raise
        except TruncatedTraceError as error:
            if not partial or not reading.begun:
                raise reading.truncated(str(error)) from None
            reading.faults.append(reading.truncated(str(error)))
        except TraceFileError as error:
            if not partial or not reading.begun:
                raise
            reading.faults.append(error)
    for fault in reading.faults:
        reading.log.note(Missing("", "", str(fault)))
    return Trace(reading.model, reading.log, complete=reading.complete and not reading.faults)


def _write(stream: BinaryIO, trace: Trace) -> None:
    log = trace.log
    writer = ChunkWriter(stream, log)
    writer.nodes()
    writer.chunk("MODL", model_metadata(trace.model))
    for kind in (StepForm, EpochForm):
        forms = sorted(log.blocks(kind).items(), key=lambda entry: entry[1][0].first)
        for form, blocks in forms:
            for block, rows in _full_blocks(form, blocks):
                writer.rows(block, rows)
    if log.missing:
        writer.chunk("MISS", missing_metadata(log.missing))
    writer.done(trace.complete)


def _full_blocks(form: Form, blocks: Sequence[Block]) -> Iterator[tuple[Block, NDArray[np.uint8]]]:
    """Yield the rows of blocks of one form anew, as many to a block as there is room for, with their checksums."""
    target = form if _is_by_rows(form, blocks[0]) else step_form(form.events)
    most = max(1, BLOCK_BYTES // target.stride)
    left = sum(block.count for block in blocks)
    opened: OpenBlock | None = None
    for block in blocks:
        for row, step in enumerate(block.steps().tolist()):
            if opened is None:
                rows = new_rows(target, min(most, left))
                opened = OpenBlock(Block(target, lambda: memoryview(b"")), rows, sealed=True)
            _copy_row(block, row, opened)
            opened.publish(step)
            if opened.full:
                left -= len(opened.rows)
                yield opened.block, opened.rows
                opened = None
        block.forget()


def _is_by_rows(form: Form, block: Block) -> bool:
    return isinstance(form, EpochForm) or type(block) is Block


def _copy_row(block: Block, row: int, target: OpenBlock) -> None:
    """Copy a row as it is, or array by array where the block is not made of rows."""
    form = block.form
    if target.form is form:
        block.verify(slice(row, row + 1), 0, form.nbytes)
        begin = row * form.stride + form.data_at
        source = np.frombuffer(block.source(), np.uint8, form.stride - form.data_at, begin)
        target.rows[target.row, form.data_at :] = source
        return
    for event, placed in zip(form.events, target.form.events, strict=True):
        for old, new in zip(array_forms(event.parts), array_forms(placed.parts), strict=True):
            target.column(new)[target.row] = block.array(old, row)


@contextmanager
def opened_map(path: str | PathLike[str]) -> Iterator[FileMap]:
    """Open a file to read as memory; what the system says against it becomes one clear error."""
    source = as_path(path)
    try:
        with source.open("rb") as stream:
            file = FileMap(stream, source.name)
            yield file
            file.close()
    except OSError as error:
        raise TraceFileError(f"The trace {str(source)!r} cannot be read: {error.strerror or error}.") from error
