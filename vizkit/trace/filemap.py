"""A file to read as memory: mapped where the platform allows, so that only what is looked at is read."""

from __future__ import annotations

import mmap
import os
from typing import Any, BinaryIO

__all__ = ["FileMap"]


class FileMap:
    """The bytes of an open file, read-only; what was looked at stays readable when the file is closed.

    Parameters
    ----------
    stream
        The file, open for reading. It may go on growing as long as it is open.
    name
        Its name, for messages.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.name = name
        self.unpacked: dict[int, memoryview] = {}  # packed rows that were read last, by where they stand
        self._stream: BinaryIO | None = stream
        self._memory: Any = memoryview(b"")
        self.refresh()

    @property
    def size(self) -> int:
        """The bytes that are mapped."""
        return len(self._memory)

    def refresh(self) -> None:
        """Take in what the file has grown by."""
        if self._stream is not None and os.fstat(self._stream.fileno()).st_size > self.size:
            self._memory = _mapped(self._stream)

    def view(self, at: int, length: int) -> memoryview:
        """Return some bytes, read-only and not copied; fewer where the file ends."""
        if at + length > self.size:
            self.refresh()
        return self._memory[at : at + length]

    def release(self, at: int, length: int) -> None:
        """Tell the system that some bytes are not needed for now, so that they do not count as memory in use."""
        memory = self._memory.obj
        if hasattr(mmap, "MADV_DONTNEED") and isinstance(memory, mmap.mmap):
            begin = at - at % mmap.PAGESIZE
            memory.madvise(mmap.MADV_DONTNEED, begin, min(at + length, self.size) - begin)

    def close(self) -> None:
        """Take in the rest of the file and let go of it."""
        self.refresh()
        self._stream = None


def _mapped(stream: BinaryIO) -> memoryview:
    try:
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError):  # a file system without mapping; then the file is read
        stream.seek(0)
        return memoryview(stream.read())
