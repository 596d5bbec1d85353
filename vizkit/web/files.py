"""Writing a story's page to a file: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from vizkit.errors import ArgumentError
from vizkit.files import as_path, write
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
    target = as_path(path)
    if target.suffix.lower() != ".html":
        raise ArgumentError(f"A page's file ends in .html, but {str(path)!r} was given.")
    write(target, story_page(story), "page")
    return target
