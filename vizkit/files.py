"""Writing files whole or not at all: beside their place first, then moved over it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from vizkit.errors import ArgumentError, OutputError

__all__ = ["as_path", "make_folder", "whole", "write"]


def as_path(path: object) -> Path:
    """Return a path from what names a file.

    Raises
    ------
    ArgumentError
        If it is neither a text nor a path.

    Examples
    --------
    >>> as_path("run.vkt").suffix
    '.vkt'
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(
            f"A file is named by a text or a path, but a {type(path).__name__} was given: {path!r:.60}."
        )
    return Path(path)


@contextmanager
def whole(path: Path, what: str = "file") -> Iterator[BinaryIO]:
    """Open a stream beside a path; when the block ends well, it takes the path's place.

    Parameters
    ----------
    path
        Where the file shall be; its folder must exist.
    what
        What the error calls it.

    Raises
    ------
    OutputError
        If it cannot be written; what was there before is untouched.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except OSError as error:
        raise OutputError(f"The {what} {str(path)!r} cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):  # after success it is not there; where it cannot be removed, the error says why
            beside.unlink()


def write(path: Path, content: str | bytes, what: str = "file") -> bool:
    """Write a whole file unless it holds the same already; say whether it changed.

    Raises
    ------
    OutputError
        If it cannot be written; what was there before is untouched.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder) / "a.txt", "one"), write(Path(folder) / "a.txt", "one")
    (True, False)
    """
    data = content.encode() if isinstance(content, str) else content
    with suppress(OSError):  # what cannot be read is written anew, and an error then says why not
        if path.read_bytes() == data:
            return False
    with whole(path, what) as stream:
        stream.write(data)
    return True


def make_folder(path: Path) -> Path:
    """Return a folder, made with its parents when it was not there.

    Raises
    ------
    OutputError
        If it cannot be made, or files cannot be made in it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {str(path)!r} cannot be made: {error.strerror or error}.") from error
    probe = path / f".vizkit-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"The folder {str(path)!r} cannot be written: {error.strerror or error}.") from error
    return path
