"""The chunks that stand before rows: ``FORM`` describes what a row holds, ``ROWS`` and ``PACK`` hold them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import TraceVersionError
from vizkit.trace.checks import checked_array, checked_events, whole_number
from vizkit.trace.chunks import Chunk
from vizkit.trace.events import Node
from vizkit.trace.filemap import FileMap
from vizkit.trace.forms import FIELDS, ArrayForm, EpochForm, Form, MappingForm, StepForm, padded

__all__ = ["ENCODINGS", "checked_rows", "filled", "form_metadata", "packed", "read_form", "row_memory"]

ENCODINGS = ("zlib",)
_RATIO = (
    64  # rows are at most so many times as long as what they are packed into, so a small file stays small in memory
)


def form_metadata(form: Form, number: int) -> dict[str, Any]:
    """Return the metadata of a chunk of the kind ``FORM``."""
    if isinstance(form, EpochForm):
        return {"form": number, "epoch": list(form.names)}
    events = [
        {"kind": event.kind, "node": event.node, **dict(zip(FIELDS[event.kind], map(_entry, event.parts), strict=True))}
        for event in form.events
    ]
    return {"form": number, "bytes": form.nbytes, "events": events}


def _entry(part: Any) -> Any:
    if isinstance(part, ArrayForm):
        entry = {"dtype": part.dtype, "shape": part.shape, "at": part.at}
        return entry if part.order is None else {**entry, "order": part.order}
    if isinstance(part, MappingForm):
        return {name: _entry(form) for name, form in part.items}
    return part if isinstance(part, str) else list(map(_entry, part))


def read_form(chunk: Chunk, nodes: Mapping[int, Node]) -> Form:
    """Return the form that a chunk of the kind ``FORM`` describes.

    Raises
    ------
    TraceFileError
        When it describes none, or arrays outside the row.
    """
    names, nbytes = chunk.metadata.get("epoch"), chunk.metadata.get("bytes")
    if names is not None:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise chunk.damaged("the names of an epoch's numbers are no list of texts")
        if len(set(names)) < len(names):
            raise chunk.damaged("two numbers of an epoch have the same name")
        return EpochForm(tuple(names))
    if not whole_number(nbytes):
        raise chunk.damaged(f"a row has {str(nbytes)[:20]!r} bytes")
    events = checked_events(chunk, nodes, lambda entry: checked_array(chunk, entry, nbytes))
    if len(events) > nbytes:  # so a small file cannot describe a huge number of events
        raise chunk.damaged(f"a row of {nbytes} bytes claims {len(events)} events")
    return StepForm(events, nbytes)


def checked_rows(chunk: Chunk, forms: Mapping[int, Form]) -> tuple[Form, int]:
    """Return the form of the rows of a chunk of the kind ``ROWS`` or ``PACK``, and how many have room in it.

    Raises
    ------
    TraceFileError
        When the chunk is not as long as its rows.
    TraceVersionError
        When the rows are packed in a way that a newer vizkit introduced.
    """
    number, rows = chunk.metadata.get("form"), chunk.metadata.get("rows")
    if not whole_number(number) or number not in forms or not whole_number(rows) or not rows:
        raise chunk.damaged(f"it claims {str(rows)[:20]!r} rows of the form {str(number)[:20]!r}")
    form, length = forms[number], chunk.length
    if chunk.kind == "ROWS" and length != rows * form.stride:
        raise chunk.damaged(f"{rows} rows of {form.stride} bytes do not take {length} bytes")
    if chunk.kind == "PACK":
        if chunk.metadata.get("encoding") not in ENCODINGS:
            raise TraceVersionError(
                f"{chunk.file} stores rows as {str(chunk.metadata.get('encoding'))[:20]!r}, which needs a newer vizkit."
            )
        if rows * form.stride > _RATIO * length:
            raise chunk.damaged(f"{rows} rows of {form.stride} bytes cannot be packed into {length} bytes")
    return form, rows


def packed(rows: NDArray[np.uint8]) -> bytes:
    """Return rows, of shape (rows, stride), packed with zlib and filled up to a multiple of 8 bytes."""
    data = zlib.compress(rows, 1)  # higher levels make numbers hardly smaller
    length = max(len(data), rows.nbytes // _RATIO + 1)
    return data + bytes(padded(length) - len(data))


def row_memory(file: FileMap, chunk: Chunk, form: Form, rows: int) -> Callable[[], memoryview]:
    """Return what gives the memory of a chunk's rows: a piece of the file, or unpacked, the last one kept."""
    if chunk.kind == "ROWS":
        return lambda: file.view(chunk.data_at, chunk.length)
    return _Unpacked(file, chunk, rows * form.stride).memory


class _Unpacked:
    """Packed rows, unpacked when they are looked at."""

    __slots__ = ("_chunk", "_file", "_length")

    def __init__(self, file: FileMap, chunk: Chunk, length: int) -> None:
        self._file, self._chunk, self._length = file, chunk, length

    def memory(self) -> memoryview:
        """Return the rows' bytes; those of the last two chunks are kept."""
        kept, at = self._file.unpacked, self._chunk.offset
        if at not in kept:
            while len(kept) >= 2:
                kept.pop(next(iter(kept)))
            kept[at] = memoryview(self._unpack())
        return kept[at]

    def _unpack(self) -> bytes:
        try:
            data = zlib.decompressobj().decompress(self._chunk.data, self._length)
        except zlib.error as error:
            raise self._chunk.damaged(f"its rows cannot be unpacked ({error})") from None
        if len(data) != self._length:
            raise self._chunk.damaged(f"its rows unpack to {len(data)} bytes instead of {self._length}")
        return data


def filled(memory: memoryview, form: Form, rows: int) -> int:
    """Return up to which row a block was written: the rows after it begin with four zero bytes."""
    written = np.flatnonzero(np.ndarray((rows,), "<u4", memory, 0, (form.stride,)))
    return int(written[-1]) + 1 if len(written) else 0
