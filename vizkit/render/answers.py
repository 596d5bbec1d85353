"""How a job's outcome travels from the process, or the machine, that carried it out: as bytes.

The first byte says what follows: a segment, an error of vizkit's, or the traceback of a fault that vizkit did not
foresee.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable

from vizkit import errors
from vizkit.errors import RenderError, VizkitError
from vizkit.render.jobs import Job, render_segment

__all__ = ["answer", "done", "outcome", "segment_in"]

_DONE, _VIZKIT, _FAULT = b"d", b"v", b"f"


def answer(job: bytes, source: bytes) -> bytes:
    """Carry out a job, given as bytes, and return its outcome."""
    return outcome(lambda: render_segment(Job.from_bytes(job), source))


def outcome(make: Callable[[], bytes]) -> bytes:
    """Make a segment, or whatever else there is to be had, and return the outcome."""
    try:
        return done(make())
    except VizkitError as error:
        cause = error.__cause__
        if cause is None or isinstance(cause, OSError | VizkitError):
            return _VIZKIT + _error_to(error)
        return _FAULT + "".join(traceback.format_exception(error)).encode()
    except Exception as error:
        return _FAULT + "".join(traceback.format_exception(error)).encode()


def done(content: bytes) -> bytes:
    """Return the outcome that holds a segment."""
    return _DONE + content


def segment_in(outcome: bytes, name: str) -> bytes:
    """Return the segment, as bytes, that the outcome of a job of this name holds.

    Raises
    ------
    VizkitError
        The error, where it holds one.
    """
    kind, content = outcome[:1], outcome[1:]
    if kind == _DONE:
        return content
    if kind == _VIZKIT:
        raise _error_from(content)
    raise RenderError(f"vizkit failed at {name!r}; please report it.") from _Traceback(content.decode())


class _Traceback(Exception):
    """The traceback of another process as text, to be the cause of an error in this one."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _error_to(error: VizkitError) -> bytes:
    said = {"kind": type(error).__name__, "message": str(error), "notes": getattr(error, "__notes__", [])}
    return json.dumps(said).encode()


def _error_from(content: bytes) -> VizkitError:
    said = json.loads(content)
    error = getattr(errors, said["kind"], RenderError)(said["message"])
    for note in said["notes"]:
        error.add_note(note)
    return error
