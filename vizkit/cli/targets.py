"""Where a command writes to, checked before the long work is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vizkit.errors import ArgumentError, OutputError, unknown_name
from vizkit.files import make_folder

__all__ = ["check_target"]


def check_target(path: Path, formats: Sequence[str]) -> None:
    """Make sure that a file can be written; its folder is made.

    Parameters
    ----------
    path
        The file.
    formats
        What its name may end in, without the dot.

    Raises
    ------
    UnknownNameError
        If it ends in something else.
    ArgumentError
        If its name has no ending.
    OutputError
        If it is a folder, or its folder cannot be made or written.

    Examples
    --------
    >>> check_target(Path("curve"), ["png", "svg"])
    Traceback (most recent call last):
    vizkit.errors.ArgumentError: The end of a file's name says its format: .png or .svg. 'curve' has no such end.
    """
    suffix = path.suffix.lower().removeprefix(".")
    if not suffix:
        known = " or ".join(f".{name}" for name in formats)
        raise ArgumentError(f"The end of a file's name says its format: {known}. {str(path)!r} has no such end.")
    if suffix not in formats:
        raise unknown_name("file format", suffix, formats)
    if path.is_dir():
        raise OutputError(f"A file is to be written, but {str(path)!r} is a folder.")
    make_folder(path.parent)
