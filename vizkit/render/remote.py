"""What a worker of a cluster does: it says whether it matches, and carries out jobs."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from pathlib import Path
from threading import Lock

from vizkit.errors import RenderError
from vizkit.render.children import ENVIRONMENT
from vizkit.render.hand import Hand

__all__ = ["LOST", "carry_out", "greet"]

LOST = b"lost"  # the outcome of a job for which the scene's files are not here, or whose process died

_sources: dict[str, bytes] = {}  # hash of a bundle -> where its scene is, as `render_segment` wants it
_hands: list[Hand] = []  # the process that draws for this one
_alone = Lock()  # a worker draws one thing at a time, however many threads it has


def greet(stamps: str, libraries: str, bundle: bytes) -> str:
    """Take the files of a scene, if this worker draws and encodes as the one who asks.

    Parameters
    ----------
    stamps, libraries
        `vizkit.render.stamps` of the one who asks.
    bundle
        See `vizkit.render.bundles`; empty where there are no files.

    Returns
    -------
    str
        What differs; empty if nothing does.
    """
    from vizkit.render import stamps as mine

    if mine.libraries() != libraries:
        here, there = set(mine.libraries().split(", ")), set(libraries.split(", "))
        return f"it has {', '.join(sorted(here - there))} where {', '.join(sorted(there - here))} is wanted"
    if mine.stamp() + mine.code() != stamps:
        return "its vizkit, or one of its fonts, is another one"
    if bundle:
        with _alone:
            _settle(bundle)
    return ""


def _settle(bundle: bytes) -> None:
    from vizkit.render.bundles import unpacked

    name = hashlib.sha256(bundle).hexdigest()
    if name not in _sources:
        folder = tempfile.mkdtemp(prefix="vizkit-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _sources[name] = unpacked(bundle, Path(folder)).to_bytes()


def carry_out(job: bytes, files: str) -> bytes:
    """Carry out a job, given as bytes, and return its outcome (`vizkit.render.answers`), or `LOST`.

    Parameters
    ----------
    job
        The job.
    files
        The hash of the bundle that `greet` brought; empty where the job needs none.
    """
    with _alone:
        if files and files not in _sources:
            return LOST
        source = _sources[files] if files else b""
        try:
            return _hand(source).outcome(job)
        except RenderError:  # it died; who asked will look for another worker, or try again here
            _close()
            return LOST


def _hand(source: bytes) -> Hand:
    """Return the process that draws from a source; another one is ended."""
    if not _hands or _hands[0].source != source:
        _close()
        _hands.append(Hand(source, ENVIRONMENT))
        atexit.register(_close)
    return _hands[0]


def _close() -> None:
    while _hands:
        _hands.pop().close()
