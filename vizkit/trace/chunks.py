"""The frame of a trace file: a header, then chunks, each with its lengths and checksums.

A chunk is JSON metadata followed by raw bytes. Lengths are checked against the file before
anything is read, so a file cannot ask for memory that it does not have. The layout is written
down byte by byte in ``schema.md``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from vizkit.errors import TraceFileError, TraceVersionError, TruncatedTraceError
from vizkit.trace.filemap import FileMap
from vizkit.trace.forms import padded

__all__ = ["FRAME", "HEADER", "VERSION", "Chunk", "check_header", "chunk_head", "damaged", "header", "read_chunk"]
__all__ += ["walk_chunks"]

MAGIC = b"\x89VKT\r\n\x1a\n"  # like PNG's: a transfer that changes line ends or drops a bit breaks it
VERSION = (2, 0)  # major, minor
_HEADER = struct.Struct("<8sHHI")  # magic, major, minor, crc32 of the bytes before
_FRAME = struct.Struct("<4sIQII")  # kind, bytes of metadata, bytes of data, crc32 of metadata, crc32 of the frame
HEADER, FRAME = _HEADER.size, _FRAME.size


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """One chunk as it was read: its kind, metadata and data, and where it stands in the file."""

    file: str
    offset: int
    kind: str
    metadata: dict[str, Any]
    data: memoryview
    data_at: int
    length: int  # of the data; where the file is cut off, there are fewer

    @property
    def end(self) -> int:
        """Where the next chunk begins."""
        return self.data_at + self.length

    def damaged(self, why: str) -> TraceFileError:
        """Return the error that names this chunk as damaged."""
        return damaged(self.file, self.offset, self.kind, why)


def damaged(file: str, offset: int, kind: str, why: str) -> TraceFileError:
    """Return the error that names a chunk as damaged, by the byte where it begins."""
    return TraceFileError(f"{file} is damaged in the chunk at byte {offset} ({kind}): {why}.")


def header(version: tuple[int, int] = VERSION) -> bytes:
    """Return the first bytes of a file: the magic bytes, the version and their checksum."""
    start = _HEADER.pack(MAGIC, *version, 0)[:-4]
    return start + crc32(start).to_bytes(4, "little")


def chunk_head(kind: str, metadata: dict[str, Any], length: int) -> bytes:
    """Return what stands before the data of a chunk.

    Parameters
    ----------
    kind
        Four capital letters.
    metadata
        JSON values; NaN and infinity are not among them.
    length
        The bytes of the data, a multiple of 8.
    """
    text = json.dumps(metadata, separators=(",", ":"), allow_nan=False).encode("ascii")
    text += b" " * (padded(len(text)) - len(text))
    frame = _FRAME.pack(kind.encode("ascii"), len(text), length, crc32(text), 0)[:-4]
    return frame + crc32(frame).to_bytes(4, "little") + text


def check_header(file: FileMap) -> int:
    """Return the major version; raise when this is no trace, or one that a newer vizkit wrote."""
    start = bytes(file.view(0, HEADER))
    if not start.startswith(MAGIC[: len(start)]) or not start:
        found = f"begins with {start[:8]!r}, a trace with {MAGIC!r}" if start else "is empty"
        raise TraceFileError(f"{file.name} is not a trace: it {found}.")
    if len(start) < HEADER:
        raise TruncatedTraceError("within its header")
    _, major, minor, checksum = _HEADER.unpack(start)
    if crc32(start[:-4]) != checksum:
        raise TraceFileError(f"{file.name} is damaged in its header (bytes 0 to 15): the checksum is wrong.")
    if major > VERSION[0]:
        raise TraceVersionError(
            f"{file.name} is a trace of version {major}.{minor}; this vizkit reads versions up to {VERSION[0]}. "
            "Update vizkit to read it."
        )
    if major < 1:
        raise TraceFileError(f"{file.name} is damaged: there is no version {major}.{minor} of the format.")
    return major


def walk_chunks(file: FileMap) -> Iterator[Chunk]:
    """Yield the chunks after the header, each checked, up to the end of the file.

    Of rows that are cut off, those before the cut are yielded.

    Raises
    ------
    TruncatedTraceError
        When the file ends within a chunk; the message says where, for the caller to complete.
    TraceFileError
        When a checksum is wrong, or the metadata are not JSON.
    """
    offset = HEADER
    while offset < file.size:
        chunk = _read_begun(file, offset)
        if chunk.end > file.size and chunk.kind != "ROWS":
            raise _cut(chunk)
        yield chunk
        if chunk.end > file.size:
            raise _cut(chunk)
        offset = chunk.end


def read_chunk(file: FileMap, offset: int) -> Chunk:
    """Return the chunk that begins at a byte; its data are not looked at.

    Raises
    ------
    TruncatedTraceError
        When the file ends within the chunk; the message says where, for the caller to complete.
    TraceFileError
        When a checksum is wrong, or the metadata are not JSON.
    """
    chunk = _read_begun(file, offset)
    if chunk.end > file.size:
        raise _cut(chunk)
    return chunk


def _cut(chunk: Chunk) -> TruncatedTraceError:
    return TruncatedTraceError(f"within the chunk at byte {chunk.offset} ({chunk.kind})")


def _read_begun(file: FileMap, offset: int) -> Chunk:
    """The chunk that begins at a byte, perhaps with fewer data than it should have."""
    kind, text, length = _read_frame(file, offset)
    metadata = _parse(text, file.name, offset, kind)
    data_at = offset + FRAME + len(text)
    return Chunk(file.name, offset, kind, metadata, file.view(data_at, length), data_at, length)


def _read_frame(file: FileMap, offset: int) -> tuple[str, bytes, int]:
    frame = bytes(file.view(offset, FRAME))
    if len(frame) < FRAME or not any(frame):  # zeros stand where a writer has made room for what it will write
        raise TruncatedTraceError(f"at byte {offset}, where a chunk should begin")
    kind, text_length, data_length, text_crc, frame_crc = _FRAME.unpack(frame)
    label = kind.decode("latin-1")
    if crc32(frame[:-4]) != frame_crc:
        raise damaged(file.name, offset, "frame", "the checksum of its lengths is wrong")
    if not (label.isascii() and label.isalpha() and label.isupper()):
        raise damaged(file.name, offset, "frame", f"its kind is {kind!r}, not four capital letters")
    if text_length % 8 or data_length % 8:
        raise damaged(file.name, offset, label, f"its lengths {text_length}, {data_length} are no multiples of 8")
    if FRAME + text_length > file.size - offset:
        raise TruncatedTraceError(f"within the chunk at byte {offset} ({label})")
    text = bytes(file.view(offset + FRAME, text_length))
    if crc32(text) != text_crc:
        raise damaged(file.name, offset, label, "the checksum of its metadata is wrong")
    return label, text, data_length


def _parse(text: bytes, name: str, offset: int, kind: str) -> dict[str, Any]:
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(name, offset, kind, f"its metadata are no JSON ({type(error).__name__})") from None
    if not isinstance(metadata, dict):
        raise damaged(name, offset, kind, "its metadata are no JSON object")
    return metadata
