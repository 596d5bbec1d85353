"""Telling what a user can mend from what is a fault of vizkit's own."""

from __future__ import annotations

from vizkit.errors import RenderError, VizkitError

__all__ = ["WorkerTraceback", "is_fault", "one_line"]


class WorkerTraceback(Exception):
    """The traceback of another process as text, to be the cause of an error in this one."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


def is_fault(error: BaseException) -> bool:
    """Say whether an error is unforeseen: not of vizkit's tree, or a rendering that such an error broke.

    A system that refuses (a full disk, say) is no fault of vizkit's.

    Examples
    --------
    >>> is_fault(RenderError("The video has no frames.")), is_fault(KeyError("b3"))
    (False, True)
    """
    if not isinstance(error, VizkitError):
        return True
    cause = error.__cause__
    return isinstance(error, RenderError) and cause is not None and not isinstance(cause, OSError | VizkitError)


def one_line(error: BaseException) -> str:
    """Return an error's message and its notes as one line.

    Examples
    --------
    >>> error = RenderError("It has\\nno frames.")
    >>> error.add_note("This happened in the exhibit 'backprop'.")
    >>> one_line(error)
    "It has no frames. This happened in the exhibit 'backprop'."
    """
    return " ".join(" ".join([str(error), *getattr(error, "__notes__", ())]).split())
