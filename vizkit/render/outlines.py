"""Files that manim makes while a scene is built, the outlines of its texts and formulas: by one process at a time.

manim takes such a file when it is there. A copy of a scene's process that builds the same text at the same moment would
take one that is half written.
"""

from __future__ import annotations

import fcntl
import functools
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from manim import MarkupText, Text
from manim.mobject.text import tex_mobject, typst_mobject

__all__ = ["one_at_a_time", "take_turns"]

Given = ParamSpec("Given")
Found = TypeVar("Found")

_WRITERS = (
    (Text, "_text2svg"),
    (MarkupText, "_text2svg"),
    (tex_mobject, "tex_to_svg_file"),
    (typst_mobject, "typst_to_svg_file"),
)


def take_turns(folder: Path) -> None:
    """Let this process, and all copies of it, make such files one after the other.

    Parameters
    ----------
    folder
        Where manim makes them.
    """
    for owner, name in _WRITERS:
        setattr(owner, name, one_at_a_time(getattr(owner, name), folder / "turns"))


def one_at_a_time(function: Callable[Given, Found], lock: Path) -> Callable[Given, Found]:
    """Return a function that waits while another process or thread is in it, or in another one with the same lock.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     one_at_a_time(max, Path(folder, "turns"))(1, 2)
    2
    """

    @functools.wraps(function)
    def alone(*args: Given.args, **kwargs: Given.kwargs) -> Found:
        with lock.open("w") as file:  # opened anew, since copies share what was open before
            fcntl.flock(file, fcntl.LOCK_EX)
            return function(*args, **kwargs)

    return alone
