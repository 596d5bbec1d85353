"""Where a video or still is made, and how it comes to its place: whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vizkit.errors import ArgumentError, OutputError
from vizkit.files import as_path, make_folder

__all__ = ["moved", "moved_folder", "output_path", "workshop"]


def output_path(path: str | os.PathLike[str], suffix: str) -> Path:
    """Return a path to write to, its folder made.

    Raises
    ------
    ArgumentError
        If the file's name ends otherwise.
    OutputError
        If the folder cannot be made or written, or the path is a folder. Where a folder is to be written (the suffix
        is empty), if it holds other files than numbered pictures.
    """
    found = as_path(path)
    if found.suffix.lower() != suffix:
        ends = f"end in {suffix}" if suffix else "have no ending: it is a folder"
        raise ArgumentError(f"The file's name must {ends}, but {str(path)!r} was given.")
    if found.is_dir() and not suffix:
        _check_pictures(found)
    elif found.is_dir():
        raise OutputError(f"A file is to be written, but {str(path)!r} is a folder.")
    make_folder(found.parent)
    return found


def _check_pictures(folder: Path) -> None:
    """Raise when something else would be lost with a folder's pictures."""
    others = sorted(path.name for path in folder.iterdir() if not re.fullmatch(r"\d+\.png", path.name))
    if others:
        raise OutputError(
            f"The folder {str(folder)!r} would be replaced by the frames, but it holds {others[0]!r} too."
        )


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


def moved_folder(made: Path, path: Path) -> Path:
    """Move a finished folder to its place; a folder of pictures that was there is removed.

    Raises
    ------
    OutputError
        If that fails.
    """
    aside = made.with_name("aside")
    try:
        if path.is_dir():
            os.replace(path, aside)
        os.replace(made, path)
    except OSError as error:
        raise OutputError(f"The folder {str(path)!r} cannot be written: {error.strerror}.") from error
    return path
