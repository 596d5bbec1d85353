"""Subtitles of a story as text: SRT for players, WebVTT for web pages."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Protocol

__all__ = ["Cue", "srt", "webvtt"]


class Cue(Protocol):
    """A caption with its start and end in seconds."""

    name: str
    text: str
    start: float
    end: float


def _clock(seconds: float, point: str) -> str:
    """Return a time as hours, minutes, seconds and milliseconds.

    Examples
    --------
    >>> _clock(3723.5, ",")
    '01:02:03,500'
    """
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{point}{thousandths:03d}"


def srt(cues: Iterable[Cue]) -> str:
    """Return cues in the SubRip format."""
    blocks = [
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{cue.text}\n"
        for number, cue in enumerate(cues, 1)
    ]
    return "\n".join(blocks)


def webvtt(cues: Iterable[Cue]) -> str:
    """Return cues in the WebVTT format (W3C); each is called by its beat's name."""
    blocks = [
        f"{cue.name}\n{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{escape(cue.text, quote=False)}\n"
        for cue in cues
    ]
    return "\n".join(["WEBVTT\n", *blocks])
