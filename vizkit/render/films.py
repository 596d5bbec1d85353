"""A manim scene on its way to a video: looked through, drawn in parts or in one piece, joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from vizkit.animation.plain import unpack
from vizkit.animation.timing import Cue
from vizkit.render.cache import Cache
from vizkit.render.engine import Progress
from vizkit.render.finishing import finish, subtitles
from vizkit.render.formats import Shot
from vizkit.render.jobs import Executor, Job
from vizkit.render.parts import Parts, Strayed
from vizkit.render.processes import Processes
from vizkit.render.scenes import Survey, Told
from vizkit.render.sections import Section, sections_of
from vizkit.render.segments import Segment
from vizkit.render.sessions import Source
from vizkit.render.troupes import Troupe

__all__ = ["filmed"]

Notice = Callable[[str], None]


def filmed(
    source: Source, shot: Shot, target: Path, folder: Path, hands: Executor | int, cache: Cache | None,
    progress: Progress | None, notice: Notice | None, apart: bool, troupe: Troupe | None = None,
) -> Path:  # fmt: skip
    """Make a scene's video; see `vizkit.render.scene_video`, and for processes that are there `Parts.made`."""
    with _executor(hands) as executor:
        work = _Work(source, shot, folder, executor, progress, notice or _silent)
        return _finished(work.film(cache, troupe), shot, target, folder, apart)


def _executor(hands: Executor | int) -> AbstractContextManager[Executor]:
    """Return an executor to be used in a block; one that is made here is closed then.

    Even one process is another than this: what a scene changes, or breaks, it does there.
    """
    return closing(Processes(hands)) if isinstance(hands, int) else _lent(hands)


@contextmanager
def _lent(executor: Executor) -> Iterator[Executor]:
    """Use an executor that somebody else closes."""
    yield executor


@dataclass(frozen=True, slots=True)
class _Film:
    """What a video is joined from."""

    made: Iterable[Segment]
    title: str
    chapters: list[Cue]
    said: list[Cue]
    sections: list[Section]
    sound: bytes = b""


@dataclass(frozen=True, slots=True)
class _Work:
    """A scene on its way to a video."""

    source: Source
    shot: Shot
    folder: Path
    executor: Executor
    progress: Progress | None
    notice: Callable[[str], None]

    def film(self, cache: Cache | None, troupe: Troupe | None) -> _Film:
        """Make the segments: apart if that is safe, skipping frame by frame if that makes it so, else in one piece."""
        parts = Parts(self.source, self.shot, self.folder, self.executor, cache, self.progress)
        for exact in (False, True):
            try:
                found, made = parts.made(exact, None if exact else troupe)
            except Strayed as error:
                strayed = error
                continue
            if isinstance(found, Told):
                beats = [Cue(*beat) for beat in found.cues]
                return _Film(made, found.title, beats, [beat for beat in beats if beat.text], sections_of(found.jobs))
            return self._filmed(found, made)
        self.notice(f"{strayed} So it is drawn in one piece.")
        return self._whole()

    def _whole(self) -> _Film:
        job = Job(self.source.scene or "the scene", "", 1.0, "whole", self.shot, {})
        with closing(self.executor.run([[job]], self.source.to_bytes())) as outcome:
            _, content = next(iter(outcome))
        _, (found, *segments) = unpack(content)
        return self._filmed(Survey.from_bytes(found), [Segment.from_bytes(each) for each in segments])

    def _filmed(self, found: Survey, made: Iterable[Segment]) -> _Film:
        said = [Cue(f"cue-{number}", *each) for number, each in enumerate(found.cues)]
        return _Film(made, "", _chapters(found, self.shot.rate), said, found.sections, found.sound)


def _chapters(survey: Survey, rate: int) -> list[Cue]:
    """Return the sections that have frames as chapters; none where the scene names none."""
    found, begin, plays = [], 0, iter(survey.plays)
    for section in survey.sections:
        end = begin + sum(play["frames"] for play in islice(plays, section.segments))
        if end > begin:
            found.append(Cue(section.name, "", begin / rate, end / rate))
        begin = end
    return found if [section.name for section in survey.sections] != ["autocreated"] else []


def _finished(film: _Film, shot: Shot, target: Path, folder: Path, apart: bool) -> Path:
    """Join a film and put it, and what is said, in their places; the sections too where they are wanted apart."""
    sound = folder / "sound.wav"
    if film.sound:
        sound.write_bytes(film.sound)
    about = {"title": film.title, "chapters": film.chapters, "sound": sound if film.sound else None}
    finish(film.made, shot, target, folder, sections=film.sections if apart else (), **about)
    if film.said:
        subtitles(target, film.said)
    return target


def _silent(*_: object) -> None:
    """Hear nothing."""
