"""The frame of a trace file: a header, then chunks, each with its lengths and checksums.

A chunk is JSON metadata followed by raw bytes. Lengths are checked against the file before
anything is read, so a file cannot ask for memory that it does not have. The layout is written
down byte by byte in ``schema.md``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO
from zlib import crc32

from vizkit.errors import TraceFileError, TraceVersionError, TruncatedTraceError

__all__ = ["ALIGNMENT", "VERSION", "Chunk", "check_header", "padding", "read_chunks", "write_chunk", "write_header"]

MAGIC = b"\x89VKT\r\n\x1a\n"  # like PNG's: a transfer that changes line ends or drops a bit breaks it
VERSION = (1, 0)  # major, minor
ALIGNMENT = 8
_HEADER = struct.Struct("<8sHHI")  # magic, major, minor, crc32 of the bytes before
_FRAME = struct.Struct("<4sIQII")  # kind, bytes of metadata, bytes of data, crc32 of metadata, crc32 of the frame


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """One chunk as it was read: its kind, metadata and data, and where it stands in the file."""

    file: str
    number: int
    offset: int
    kind: str
    metadata: dict[str, Any]
    data: bytes

    def damaged(self, why: str) -> TraceFileError:
        """Return the error that names this chunk as damaged."""
        return _damaged(self.file, self.number, self.offset, self.kind, why)


def padding(length: int) -> int:
    """Return how many bytes are missing to the next multiple of 8.

    Examples
    --------
    >>> padding(13), padding(16)
    (3, 0)
    """
    return -length % ALIGNMENT


def write_header(stream: BinaryIO) -> None:
    """Write the magic bytes and the version."""
    start = _HEADER.pack(MAGIC, *VERSION, 0)[:-4]
    stream.write(start + crc32(start).to_bytes(4, "little"))


def write_chunk(stream: BinaryIO, kind: str, metadata: dict[str, Any], parts: Iterable[Any] = ()) -> None:
    """Write one chunk.

    Parameters
    ----------
    stream
        Where to; its position is a multiple of 8.
    kind
        Four capital letters.
    metadata
        JSON values; NaN and infinity are not among them.
    parts
        The data: bytes, or arrays of shape (bytes,). Each is filled up to a multiple of 8 bytes.
    """
    text = json.dumps(metadata, separators=(",", ":"), allow_nan=False).encode("ascii")
    text += b" " * padding(len(text))
    views = [memoryview(part).cast("B") for part in parts if memoryview(part).nbytes]
    length = sum(len(view) + padding(len(view)) for view in views)
    frame = _FRAME.pack(kind.encode("ascii"), len(text), length, crc32(text), 0)[:-4]
    stream.write(frame + crc32(frame).to_bytes(4, "little") + text)
    for view in views:
        stream.write(view)
        stream.write(bytes(padding(len(view))))


def check_header(stream: BinaryIO, name: str) -> None:
    """Read the header and raise when this is no trace, or one that a newer vizkit wrote."""
    header = stream.read(_HEADER.size)
    if not header.startswith(MAGIC[: len(header)]) or not header:
        raise TraceFileError(f"{name} is not a trace: it begins with {header[:8]!r}, a trace with {MAGIC!r}.")
    if len(header) < _HEADER.size:
        raise TruncatedTraceError("within its header")
    _, major, minor, checksum = _HEADER.unpack(header)
    if crc32(header[:-4]) != checksum:
        raise TraceFileError(f"{name} is damaged in its header (bytes 0 to 15): the checksum is wrong.")
    if major > VERSION[0]:
        raise TraceVersionError(
            f"{name} is a trace of version {major}.{minor}; this vizkit reads versions up to {VERSION[0]}. "
            "Update vizkit to read it."
        )
    if major < 1:
        raise TraceFileError(f"{name} is damaged: there is no version {major}.{minor} of the format.")


def read_chunks(stream: BinaryIO, size: int, name: str) -> Iterator[Chunk]:
    """Yield the chunks after the header, each checked, up to the end of the file.

    Parameters
    ----------
    stream
        Stands behind the header.
    size
        The file's size in bytes.
    name
        The file's name, for messages.

    Raises
    ------
    TruncatedTraceError
        When the file ends within a chunk; the message says where, for the caller to complete.
    TraceFileError
        When a checksum is wrong, or the metadata are not JSON.
    """
    offset = stream.tell()
    number = 0
    while offset < size:
        kind, text, length = _read_frame(stream, size - offset, name, number, offset)
        metadata = _parse(text, name, number, offset, kind)
        yield Chunk(name, number, offset, kind, metadata, stream.read(length))
        offset += _FRAME.size + len(text) + length
        number += 1


def _read_frame(stream: BinaryIO, left: int, name: str, number: int, offset: int) -> tuple[str, bytes, int]:
    frame = stream.read(_FRAME.size)
    if len(frame) < _FRAME.size:
        raise TruncatedTraceError(f"within the frame of chunk {number} (byte {offset})")
    kind, text_length, data_length, text_crc, frame_crc = _FRAME.unpack(frame)
    label = kind.decode("latin-1")
    if crc32(frame[:-4]) != frame_crc:
        raise _damaged(name, number, offset, "frame", "the checksum of its lengths is wrong")
    if not (label.isascii() and label.isalpha() and label.isupper()):
        raise _damaged(name, number, offset, "chunk", f"its kind is {kind!r}, not four capital letters")
    if text_length % ALIGNMENT or data_length % ALIGNMENT:
        raise _damaged(name, number, offset, label, f"its lengths {text_length}, {data_length} are no multiples of 8")
    if _FRAME.size + text_length + data_length > left:
        raise TruncatedTraceError(f"within chunk {number} ({label}, byte {offset})")
    text = stream.read(text_length)
    if crc32(text) != text_crc:
        raise _damaged(name, number, offset, label, "the checksum of its metadata is wrong")
    return label, text, data_length


def _parse(text: bytes, name: str, number: int, offset: int, kind: str) -> dict[str, Any]:
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(name, number, offset, kind, f"its metadata are no JSON ({type(error).__name__})") from None
    if not isinstance(metadata, dict):
        raise _damaged(name, number, offset, kind, "its metadata are no JSON object")
    return metadata


def _damaged(file: str, number: int, offset: int, kind: str, why: str) -> TraceFileError:
    return TraceFileError(f"{file} is damaged in chunk {number} ({kind}, byte {offset}): {why}.")
