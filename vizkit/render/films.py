"""A manim scene on its way to a video: looked through, drawn in parts or in one piece, joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from vizkit.animation.plain import unpack
from vizkit.animation.timing import Cue
from vizkit.errors import RenderError
from vizkit.render import scenes
from vizkit.render.cache import Cache
from vizkit.render.engine import Made, Progress, lanes, make
from vizkit.render.finishing import finish, subtitles
from vizkit.render.formats import Shot
from vizkit.render.jobs import Executor, Job
from vizkit.render.processes import Processes
from vizkit.render.scenes import Survey, Told
from vizkit.render.sections import Section, sections_of
from vizkit.render.segments import Segment
from vizkit.render.sessions import Source

__all__ = ["filmed"]

Notice = Callable[[str], None]


def filmed(
    source: Source, shot: Shot, target: Path, folder: Path, hands: Executor | int, cache: Cache | None,
    progress: Progress | None, notice: Notice | None, apart: bool,
) -> Path:  # fmt: skip
    """Make a scene's video; see `vizkit.render.scene_video`."""
    with _executor(hands) as executor:
        work = _Work(source, shot, folder, executor, progress or _silent, notice or _silent)
        return _finished(work.film(cache), shot, target, folder, apart)


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


class _Strayed(RenderError):
    """A play was drawn from, or led to, another state than skipping it does."""


@dataclass(frozen=True, slots=True)
class _Work:
    """A scene on its way to a video."""

    source: Source
    shot: Shot
    folder: Path
    executor: Executor
    progress: Progress
    notice: Callable[[str], None]

    def film(self, cache: Cache | None) -> _Film:
        """Make the segments: apart if that is safe, skipping frame by frame if that makes it so, else in one piece."""
        for exact in (False, True):
            found = self._looked_through(exact)
            if isinstance(found, Told):
                made = make(found.jobs, self.folder, self.executor, cache=cache, progress=self.progress)
                beats = [Cue(*beat) for beat in found.cues]
                return _Film(made, found.title, beats, [beat for beat in beats if beat.text], sections_of(found.jobs))
            work = scenes.jobs(found, self.shot)
            try:
                return self._filmed(found, self._apart(work, cache, exact))
            except _Strayed as error:
                strayed = error
                for job in work if cache is not None else ():
                    cache.forget(job.key)  # what came before the difference was seen may be wrong too
        self.notice(f"{strayed} So it is drawn in one piece.")
        return self._whole()

    def _one(self, kind: str, exact: bool = False) -> list[bytes]:
        """Carry out a job about all of the scene, and return what it gives."""
        job = Job(self.source.scene or "the scene", "", 1.0, kind, self.shot, {})
        source = replace(self.source, exact=exact).to_bytes()
        with closing(self.executor.run([[job]], source)) as outcome:
            _, found = next(iter(outcome))
        head, blobs = unpack(found)
        return [head.get("kind", "").encode(), *blobs]

    def _looked_through(self, exact: bool) -> Survey | Told:
        kind, found = self._one("survey", exact)
        return Told.from_bytes(found) if kind == b"told" else Survey.from_bytes(found)

    def _apart(self, work: list[Job], cache: Cache | None, exact: bool) -> Made:
        """Make each play by itself, and compare.

        Raises
        ------
        _Strayed
            If a play did not begin or end as the survey did without drawing.
        """
        seen: dict[int, dict[str, Any]] = {}

        def check(job: Job, content: bytes) -> None:
            notes = seen[job.head["index"]] = Segment.from_bytes(content).notes
            if scenes.strayed(job, notes):
                raise _Strayed(f"The scene cannot be drawn in parts: {job.name} depends on frames drawn before it.")

        source = replace(self.source, exact=exact).to_bytes()
        options = {"cache": cache, "source": source, "plan": lanes, "progress": self.progress, "check": check}
        made = make(work, self.folder, self.executor, **options)
        for index, notes in seen.items():
            after = seen.get(index + 1)
            if after is not None and notes["left"][1] != after["found"][1]:
                raise _Strayed(
                    f"The scene cannot be drawn in parts: play {index + 1} begins otherwise than the last one ended."
                )
        return made

    def _whole(self) -> _Film:
        _, found, *segments = self._one("whole")
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
