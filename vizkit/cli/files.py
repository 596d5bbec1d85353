"""Writing the gallery's files: whole or not at all, and only when they change."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from vizkit.errors import OutputError

__all__ = ["digest", "make_folder", "write"]


def make_folder(path: Path) -> Path:
    """Return a folder, made with its parents when it was not there.

    Raises
    ------
    OutputError
        If it cannot be made or written into.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise OutputError(f"The folder {str(path)!r} cannot be written: {error.strerror or error}.") from error


def write(path: Path, content: str | bytes) -> bool:
    """Write a file beside its place, then move it there; say whether anything changed.

    Raises
    ------
    OutputError
        If the file cannot be written; what was there before is untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        if path.is_file() and path.read_bytes() == data:
            return False
        make_folder(path.parent)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(beside, 0o644)
            os.replace(beside, path)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as error:
        raise OutputError(f"The file {str(path)!r} cannot be written: {error.strerror or error}.") from error
    return True


def digest(paths: list[Path], *words: str) -> str:
    """Return one fingerprint of files and words; the order of the files does not matter."""
    found = hashlib.sha256("\0".join(words).encode())
    for path in sorted(paths):
        found.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()
