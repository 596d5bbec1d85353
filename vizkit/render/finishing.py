"""What all videos share: what is kept, and how segments become the file at its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import av

from vizkit.errors import OutputError, RenderError
from vizkit.files import write
from vizkit.render.cache import Cache, folder
from vizkit.render.container import gif, joined, pictures
from vizkit.render.files import moved, moved_folder
from vizkit.render.formats import FORMATS, Shot
from vizkit.render.sections import Section, write_sections
from vizkit.render.subtitles import Cue, srt, webvtt

if TYPE_CHECKING:
    from vizkit.render.segments import Segment

__all__ = ["finish", "kept", "subtitles"]


def kept(cache: bool) -> Cache | None:
    """Return the cache, if one is wanted."""
    return Cache(folder()) if cache else None


def finish(
    made: Iterable[Segment],
    shot: Shot,
    target: Path,
    workplace: Path,
    *,
    title: str = "",
    chapters: Sequence[Cue] = (),
    sound: Path | None = None,
    sections: Sequence[Section] = (),
) -> Path:
    """Join segments in a workplace and move the file, or the folder of pictures, to its place; its sections first.

    Raises
    ------
    OutputError
        If it cannot be written.
    RenderError
        If the segments cannot be joined.
    """
    try:
        if sections:
            write_sections(made, shot, target, workplace, sections)
        if FORMATS[shot.format].pictures:
            return moved_folder(pictures(made, _made_folder(workplace / "frames")), target)
        file = workplace / f"joined{FORMATS[shot.format].suffix}"
        joined(made, shot, file, title=title, chapters=chapters, sound=sound)
        if target.suffix.lower() == ".gif":
            file = gif(file, workplace / "palette.gif")
        return moved(file, target)
    except av.error.FFmpegError as error:
        raise RenderError(f"The segments of {target.name!r} could not be joined: {error}") from error
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"The video {str(target)!r} cannot be written: {error.strerror or error}.") from error


def _made_folder(path: Path) -> Path:
    path.mkdir()
    return path


def subtitles(target: Path, cues: Iterable[Cue]) -> None:
    """Write what is said beside a video, as ``.srt`` and ``.vtt``."""
    said = list(cues)
    write(target.with_suffix(".srt"), srt(said), "subtitles")
    write(target.with_suffix(".vtt"), webvtt(said), "subtitles")
