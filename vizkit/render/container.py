"""The finished video file: manim's pictures, not encoded again, with a title and chapters."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av

from vizkit.render.subtitles import Cue

__all__ = ["finished"]

_MILLISECONDS = Fraction(1, 1000)


def finished(raw: Path, target: Path, title: str, cues: Iterable[Cue]) -> Path:
    """Write a video again with its title and one chapter per cue, its index in front for the web."""
    with av.open(str(raw)) as source, av.open(str(target), "w", options={"movflags": "+faststart"}) as made:
        pictures = source.streams.video[0]
        stream = made.add_stream_from_template(pictures)
        made.metadata["title"] = title
        made.set_chapters([_chapter(index, cue) for index, cue in enumerate(cues)])
        for packet in source.demux(pictures):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)
    return target


def _chapter(index: int, cue: Cue) -> dict[str, object]:
    return {
        "id": index,
        "start": round(cue.start * 1000),
        "end": round(cue.end * 1000),
        "time_base": _MILLISECONDS,
        "metadata": {"title": cue.name},
    }
