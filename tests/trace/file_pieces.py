"""Trace files put together by hand, from schema.md alone: struct, json and zlib."""

from __future__ import annotations

import json
import struct
from typing import Any
from zlib import crc32


def header(major: int, minor: int = 0) -> bytes:
    start = b"\x89VKT\r\n\x1a\n" + struct.pack("<HH", major, minor)
    return start + struct.pack("<I", crc32(start))


def filled_up(data: bytes, fill: bytes = b"\0") -> bytes:
    return data + fill * (-len(data) % 8)


def chunk(kind: str, metadata: Any, data: bytes = b"") -> bytes:
    text = filled_up(json.dumps(metadata).encode(), b" ")
    frame = struct.pack("<4sIQI", kind.encode(), len(text), len(filled_up(data)), crc32(text))
    return frame + struct.pack("<I", crc32(frame)) + text + filled_up(data)


def row(step: int, data: bytes) -> bytes:
    """A row of one page."""
    rest = struct.pack("<Iq", 0, step) + filled_up(data)
    return struct.pack("<I", crc32(rest) or 1) + rest


def done(at: int, events: int, epochs: int = 0, **more: Any) -> bytes:
    """The last chunk, where it begins at byte `at`; of version 2 with the index `blocks`."""
    blocks = more.pop("blocks", [])
    index = b"".join(struct.pack("<6q", *block) for block in blocks)
    entry = {"dtype": "i8", "shape": [len(blocks), 6], "at": 0, "crc": crc32(index)}
    metadata = {"complete": True, "events": events, "epochs": epochs, "index": entry, "chunks": [], **more}
    return chunk("DONE", metadata, index + struct.pack("<Q", at))


def chunks_of(raw: bytes) -> list[tuple[str, int, int]]:
    """(kind, begin, end) of every chunk."""
    position, found = 16, []
    while position < len(raw):
        kind, meta, data = struct.unpack("<4sIQ", raw[position : position + 16])
        found.append((kind.decode(), position, position + 24 + meta + data))
        position = found[-1][2]
    return found
