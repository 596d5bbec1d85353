"""Segments kept by what they were made from, so that nothing is drawn twice.

An entry's name is the hash of all that its frames depend on; so an entry never becomes wrong, only useless. It is
written beside its place and moved there whole, and ends in a hash of its bytes; one that is damaged counts as
not there. Several processes may read, write and prune at once, and the folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["VARIABLE", "Cache", "folder"]

VARIABLE = "VIZKIT_CACHE"  # names the folder
LIMIT = 4 << 30  # bytes
KEPT = 0.8  # share of the limit that pruning leaves
_HASH = 32  # bytes of a checksum
_SUFFIX = ".segment"


def folder() -> Path:
    """Return the cache's folder: ``VIZKIT_CACHE``, or where the system keeps such things."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "vizkit" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "vizkit"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vizkit"


class Cache:
    """Segments in a folder.

    Parameters
    ----------
    place
        The folder; made when something is kept.
    limit
        How many bytes `prune` leaves at most.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     cache = Cache(Path(place))
    ...     cache.put("ab12", b"frames")
    ...     cache.get("ab12"), cache.get("cd34")
    (b'frames', None)
    """

    def __init__(self, place: Path, limit: int = LIMIT) -> None:
        self.place = place
        self.limit = limit

    def _path(self, key: str) -> Path:
        return self.place / key[:2] / f"{key[2:]}{_SUFFIX}"

    def get(self, key: str) -> bytes | None:
        """Return the segment of a key, or None when it is not there or damaged."""
        path = self._path(key)
        try:
            stored = path.read_bytes()
            os.utime(path)  # `prune` removes first what was used longest ago
        except OSError:
            return None
        content, checksum = stored[:-_HASH], stored[-_HASH:]
        return content if hashlib.sha256(content).digest() == checksum else None

    def put(self, key: str, content: bytes) -> None:
        """Keep a segment. Where the folder cannot be written it is not kept: the cache is a help and no more."""
        path = self._path(key)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(content + hashlib.sha256(content).digest())
            beside.replace(path)
        with suppress(OSError):  # after success it is not there
            beside.unlink()

    def forget(self, key: str) -> None:
        """Remove a segment, if it is there."""
        with suppress(OSError):
            self._path(key).unlink()

    def prune(self) -> None:
        """Remove what was used longest ago, when there is more than the limit."""
        entries = sorted(self._entries())
        excess = sum(size for _, size, _ in entries) - self.limit
        if excess <= 0:
            return
        excess += int(self.limit * (1 - KEPT))
        for _, size, path in entries:
            if excess <= 0:
                return
            with suppress(OSError):  # another process may have been faster
                path.unlink()
            excess -= size

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Return the entries with the times of their last use and their sizes, also those left half written."""
        found = []
        for path in self.place.glob("??/*"):
            with suppress(OSError):
                about = path.stat()
                found.append((about.st_mtime, about.st_size, path))
        return found
