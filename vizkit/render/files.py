"""Where a video or still is made, and how it comes to its place: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vizkit.errors import ArgumentError, OutputError
from vizkit.files import as_path, make_folder

__all__ = ["moved", "output_path", "workshop"]


def output_path(path: str | os.PathLike[str], suffix: str) -> Path:
    """Return a path to write to, its folder made.

    Raises
    ------
    ArgumentError
        If the file's name ends otherwise.
    OutputError
        If the folder cannot be made or written, or the path is a folder.
    """
    found = as_path(path)
    if found.suffix.lower() != suffix:
        raise ArgumentError(f"The file's name must end in {suffix}, but {str(path)!r} was given.")
    if found.is_dir():
        raise OutputError(f"A file is to be written, but {str(path)!r} is a folder.")
    make_folder(found.parent)
    return found


@contextmanager
def workshop(path: Path) -> Iterator[Path]:
    """Give a folder beside a file, on the same disk, that is gone afterwards.

    Raises
    ------
    OutputError
        If it cannot be made there.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent)
    except OSError as error:
        raise OutputError(f"The folder {str(path.parent)!r} cannot be written: {error.strerror}.") from error
    with folder as name:
        yield Path(name)


def moved(made: Path, path: Path) -> Path:
    """Move a finished file to its place, over what was there.

    Raises
    ------
    OutputError
        If that fails.
    """
    try:
        os.replace(made, path)
    except OSError as error:
        raise OutputError(f"The file {str(path)!r} cannot be written: {error.strerror}.") from error
    return path
