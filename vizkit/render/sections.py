"""The files of a video's sections, laid out as manim does with ``--save_sections``.

Beside the video lies a folder ``sections`` with a silent video for each section and a JSON file that lists them, for
programs that show a scene section by section. The packets are those of the whole video.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

import av

from vizkit.errors import ArgumentError, OutputError
from vizkit.files import make_folder, write
from vizkit.render.container import joined
from vizkit.render.files import moved
from vizkit.render.formats import FORMATS, Shot
from vizkit.render.jobs import Job
from vizkit.render.segments import Segment

__all__ = ["Section", "check_sections", "sections_of", "write_sections"]

NORMAL = "default.normal"  # manim's type of a section that has no other


class Section(NamedTuple):
    """A part of a video that may be a file of its own.

    Attributes
    ----------
    name, type
        As its author calls it.
    segments
        How many of the video's segments it has; none where its author left it out.
    """

    name: str
    type: str
    segments: int


def sections_of(jobs: Sequence[Job]) -> list[Section]:
    """Return each beat of a story as a section, from the jobs of its plays."""
    return [Section(name, NORMAL, len(list(plays))) for name, plays in groupby(jobs, key=lambda job: job.name)]


def check_sections(target: Path, shot: Shot) -> None:
    """Raise when a video's sections could not be written.

    Raises
    ------
    ArgumentError
        If pictures are to be written, which have no sections.
    OutputError
        If there is a file where their folder would be.
    """
    if FORMATS[shot.format].pictures:
        raise ArgumentError("Sections are videos, but a folder of pictures is to be written.")
    folder = _folder(target)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"The sections need a folder {str(folder)!r}, but there is a file of that name.")


def write_sections(
    made: Iterable[Segment], shot: Shot, target: Path, workplace: Path, sections: Iterable[Section]
) -> Path:
    """Write the sections of a video and the list of them.

    Parameters
    ----------
    made
        The video's segments, in order.
    shot
        Their size, rate and format.
    target
        The video, after which the files are called.
    workplace
        A folder in which files come to be.
    sections
        In order; together they have all segments.

    Returns
    -------
    Path
        The list, a JSON file with the fields that manim writes.
    """
    folder, place = _folder(target), workplace / "sections"
    make_folder(folder)
    place.mkdir()
    segments, listed = iter(made), []
    for number, section in enumerate(sections):
        own = list(islice(segments, section.segments))
        if own:
            file = place / f"{target.stem}_{number:04}_{_slug(section.name)}{FORMATS[shot.format].suffix}"
            joined(own, shot, file)
            about = {"name": section.name, "type": section.type, "video": file.name}
            listed.append({**about, **_described(file, sum(each.frames for each in own), shot)})
            moved(file, folder / file.name)
    return write(folder / f"{target.stem}.json", json.dumps(listed, indent=4), "list of sections")


def _folder(target: Path) -> Path:
    return target.parent / "sections"


def _slug(name: str) -> str:
    """Return a section's name as a part of a file's name, as manim does.

    Examples
    --------
    >>> _slug("Why? It falls: 3/4"), _slug("...")
    ('Why-It-falls-3-4', 'section')
    """
    return re.sub(r"[^\w]+", "-", unicodedata.normalize("NFKC", name)).strip("-_") or "section"


def _described(file: Path, frames: int, shot: Shot) -> dict[str, object]:
    """Return what manim's list says of a video; the numbers of frames and seconds are texts there."""
    with av.open(str(file)) as video:
        codec = video.streams.video[0].codec_context
        return {
            "width": codec.width,
            "height": codec.height,
            "nb_frames": str(frames),
            "duration": f"{frames / shot.rate:.6f}",
            "avg_frame_rate": f"{shot.rate}/1",
            "codec_name": codec.name,
            "pix_fmt": codec.pix_fmt,
        }
