"""Writing a story's page to a file: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from vizkit.errors import ArgumentError, OutputError
from vizkit.stories.story import Story
from vizkit.web.page import story_page

__all__ = ["save"]


def save(story: Story, path: str | os.PathLike[str]) -> Path:
    """Write a story as one self-contained page and return the path.

    Parameters
    ----------
    story
        What to tell.
    path
        A file that ends in ``.html``, in a folder that exists.

    Raises
    ------
    ArgumentError
        If the file's name ends otherwise.
    OutputError
        If the file cannot be written; one that was there before is untouched.

    Examples
    --------
    >>> from vizkit import exhibits
    >>> save(exhibits.get("convolution").make_story(), "convolution.html")  # doctest: +SKIP
    PosixPath('convolution.html')
    """
    target = Path(path)
    if target.suffix.lower() != ".html":
        raise ArgumentError(f"A page's file ends in .html, but {str(path)!r} was given.")
    _write_whole(target, story_page(story).encode())
    return target


def _write_whole(target: Path, data: bytes) -> None:
    try:
        handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(beside, 0o644)
            os.replace(beside, target)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as error:
        raise OutputError(f"The page cannot be written to {str(target)!r}: {error.strerror or error}.") from error
