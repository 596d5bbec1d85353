"""The plays of a manim scene, each made by itself, and compared where they meet.

Where processes can be copied, a scene is led through once and its plays are drawn by copies (`forks`). Elsewhere,
and on a cluster, it is looked through first, and then workers walk to the plays that they draw (`scenes`).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path

from vizkit.animation.plain import pack, unpack
from vizkit.errors import RenderError
from vizkit.render import scenes
from vizkit.render.answers import segment_in
from vizkit.render.cache import Cache
from vizkit.render.engine import Made, Progress, lanes, make
from vizkit.render.formats import Shot
from vizkit.render.jobs import Executor, Job
from vizkit.render.processes import Processes
from vizkit.render.scenes import Survey, Told
from vizkit.render.segments import Segment
from vizkit.render.sessions import Source
from vizkit.render.troupes import ASKS, DRAW, PASS, Troupe, possible

__all__ = ["Parts", "Strayed"]


class Strayed(RenderError):
    """A play was drawn from, or led to, another state than skipping it does."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A scene whose plays are to be made by themselves.

    Attributes
    ----------
    source, shot
        The scene, and the size, rate and format.
    folder
        For the segments' files, until they are joined.
    executor
        Who makes them.
    cache
        Where they are looked for and kept, if anywhere.
    progress
        As `vizkit.render.engine.make` takes it.
    """

    source: Source
    shot: Shot
    folder: Path
    executor: Executor
    cache: Cache | None
    progress: Progress | None

    def made(self, exact: bool, troupe: Troupe | None = None) -> tuple[Survey | Told, Made]:
        """Make all plays; return what the scene consists of, and the segments.

        Parameters
        ----------
        exact
            Whether plays are walked through frame by frame always.
        troupe
            Processes for it, where they were started before. They are closed.

        Raises
        ------
        Strayed
            If a play did not begin or end as skipping does; then nothing of the scene is kept.
        VizkitError
            If the scene fails, or a process.
        """
        source = replace(self.source, exact=exact).to_bytes()
        found = None
        if isinstance(self.executor, Processes) and possible():
            found = self._forked(source, troupe or Troupe(self.executor.workers))
        if isinstance(found, tuple):
            return found
        found = found or self._looked_through(source)
        if isinstance(found, Told):
            return found, make(found.jobs, self.folder, self.executor, cache=self.cache, progress=self.progress)
        return found, self._walked_to(found, source)

    def _job(self) -> Job:
        return Job(self.source.scene or "the scene", "", 1.0, "survey", self.shot, {})

    def _forked(self, source: bytes, troupe: Troupe) -> tuple[Survey, Made] | Told | None:
        """Make all plays by copies of one process; return the story of a scene that only plays one, or nothing."""
        job, gathering = self._job(), _Gathering(self)
        try:
            with closing(troupe):
                troupe.lead(pack({"ahead": self.progress is not None}, job.to_bytes(), source))
                kind, found = gathering.gather(troupe, job.name)
            return (found, gathering.ended(found)) if kind == "survey" else found
        except Strayed:
            self._forget(gathering.keys.values())
            raise

    def _looked_through(self, source: bytes) -> Survey | Told:
        with closing(self.executor.run([[self._job()]], source)) as outcome:
            _, found = next(iter(outcome))
        head, (content,) = unpack(found)
        return (Told if head["kind"] == "told" else Survey).from_bytes(content)

    def _walked_to(self, survey: Survey, source: bytes) -> Made:
        """Make all plays by workers that walk to them."""
        work, borders = scenes.jobs(survey, self.shot), _Borders()

        def check(job: Job, content: bytes) -> None:
            notes, play = Segment.from_bytes(content).notes, job.head["index"]
            if scenes.strayed(job, notes):
                raise _strayed(play)
            borders.begins(play, notes["found"])
            borders.ends(play, notes["left"])

        options = {"cache": self.cache, "source": source, "plan": lanes, "progress": self.progress, "check": check}
        try:
            made = make(work, self.folder, self.executor, **options)
            _compare_lengths(survey, [segment.frames for segment in made])
        except Strayed:
            self._forget(job.key for job in work)
            raise
        return made

    def _forget(self, keys: Iterable[str]) -> None:
        """Keep nothing: what came before a difference was seen may be wrong too."""
        for key in filter(None, keys if self.cache is not None else ()):
            self.cache.forget(key)


def _strayed(play: int) -> Strayed:
    return Strayed(f"The scene cannot be drawn in parts: play {play} depends on frames drawn before it.")


def _compare_lengths(survey: Survey, lengths: Iterable[int]) -> None:
    """Raise where a segment has not as many frames as its play had when it was walked through."""
    for number, (play, frames) in enumerate(zip(survey.plays, lengths, strict=True)):
        if play["frames"] != frames:
            raise _strayed(number)


class _Borders:
    """How plays begin and end, as it becomes known; where two of them meet, both must be alike."""

    def __init__(self) -> None:
        self.begun: dict[int, list[str]] = {}  # play -> fingerprint of the state, and hash of the picture
        self.ended: dict[int, list[str]] = {}

    def begins(self, play: int, how: list[str]) -> None:
        """Take in how a play begins."""
        self.begun[play] = how
        self._meet(play)

    def ends(self, play: int, how: list[str]) -> None:
        """Take in how a play ends."""
        self.ended[play] = how
        self._meet(play + 1)

    def are_right(self, play: int) -> bool:
        """Say whether a play was drawn, and the next begins as it ends."""
        return play in self.ended and play + 1 in self.begun

    def _meet(self, play: int) -> None:
        if not self.are_right(play - 1):
            return
        before, after = self.ended[play - 1], self.begun[play]
        if before[0] != after[0]:
            raise _strayed(play - 1)
        if before[1] != after[1]:
            raise Strayed(f"The scene cannot be drawn in parts: play {play} begins otherwise than the last one ended.")


class _Gathering:
    """Takes what a scene's processes say, play by play, and answers them."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.tally, self.borders = parts, _Tally(parts), _Borders()
        self.plays: dict[Connection, int] = {}  # what each copy is at
        self.keys: dict[int, str] = {}
        self.firsts: dict[str, int] = {}  # of plays with one key, one is drawn
        self.frames: dict[int, int] = {}

    def gather(self, troupe: Troupe, name: str) -> tuple[str, Survey | Told | None]:
        """Return what was found of the scene: what it is, and itself; see `vizkit.render.forks`."""
        heard = {troupe.leader, troupe.ahead, *troupe.copies}
        kind, found = "", None
        while not kind or (kind == "survey" and not self._has_all(found)):
            for pipe in wait(heard):
                try:
                    said = pipe.recv_bytes()
                except (EOFError, ConnectionError):
                    heard.discard(pipe)
                    continue
                if pipe is troupe.leader:
                    kind, found = _found(segment_in(said, name))
                elif pipe is troupe.ahead:
                    self.tally.expect(unpack(said)[0]["costs"])
                else:
                    self._hear(pipe, said)
            if not heard:
                raise RenderError(f"The process of {name!r} ended too early. It may have run out of memory.")
        return kind, found

    def ended(self, survey: Survey) -> Made:
        """Return all segments, when the scene has ended."""
        last = len(survey.plays)
        self.borders.begins(last, [survey.end, ""])
        self._keep(last - 1)
        firsts = [self.firsts.get(self.keys[play], play) for play in range(last)]
        _compare_lengths(survey, [self.frames[play] for play in firsts])
        self.tally.expect([scenes.cost(play, self.parts.shot) for play in survey.plays])
        if self.parts.cache is not None:
            self.parts.cache.prune()
        return Made([self._path(play) for play in firsts])

    def _has_all(self, survey: Survey) -> bool:
        return len(self.keys) == len(survey.plays) and not self.plays

    def _path(self, play: int) -> Path:
        return self.parts.folder / f"{play:05d}.segment"

    def _hear(self, pipe: Connection, said: bytes) -> None:
        """Take what a copy asks or has made."""
        if said[:1] != ASKS:
            play = self.plays.pop(pipe, 0)
            self._drawn(play, segment_in(said, f"play {play}"))
            return
        head, _ = unpack(said[1:])
        play = head["play"]
        self.borders.begins(play, head["found"])
        self._keep(play - 1)
        if self._is_wanted(play, head["content"]):
            self.plays[pipe] = play
            pipe.send_bytes(DRAW)
        else:
            self.tally.passed(play)
            pipe.send_bytes(PASS)

    def _is_wanted(self, play: int, content: str) -> bool:
        """Say whether a play has to be drawn: it is neither in the cache nor being drawn already."""
        key = self.keys[play] = scenes.key(content, self.parts.shot)
        cached = self.parts.cache.get(key) if self.parts.cache is not None and key else None
        if cached is not None:
            self._take(play, Segment.from_bytes(cached), cached)
            return False
        return not key or self.firsts.setdefault(key, play) == play

    def _drawn(self, play: int, content: bytes) -> None:
        segment = Segment.from_bytes(content)
        self._take(play, segment, content)
        self.borders.ends(play, segment.notes["left"])
        self._keep(play)
        self.tally.drawn(play)

    def _take(self, play: int, segment: Segment, content: bytes) -> None:
        self._path(play).write_bytes(content)
        self.frames[play] = segment.frames

    def _keep(self, play: int) -> None:
        """Keep a play in the cache, once it is known that the next one begins as it ends."""
        if self.parts.cache is not None and self.borders.are_right(play) and self.keys[play]:
            self.parts.cache.put(self.keys[play], self._path(play).read_bytes())


def _found(said: bytes) -> tuple[str, Survey | Told | None]:
    """Return what the process that leads a scene says about it.

    Raises
    ------
    RenderError
        If one of its copies died.
    """
    head, blobs = unpack(said)
    if head["kind"] == "died":
        raise RenderError(
            f"A process that was making 'play {head['play']}' ended too early, with exit code {head['code']}."
            " It may have run out of memory: try --jobs 1."
        )
    kinds = {"told": Told, "survey": Survey}
    return head["kind"], kinds[head["kind"]].from_bytes(blobs[0]) if blobs else None


class _Tally:
    """Tells how much is done, as soon as it is known how much there is."""

    def __init__(self, parts: Parts) -> None:
        self.progress = parts.progress
        self.costs: list[float] | None = None
        self.untold: list[int] = []
        self.done = 0.0
        self.left_out: set[int] = set()

    def expect(self, costs: list[float]) -> None:
        """Take in the expected seconds of each play."""
        self.costs = costs
        self._tell()

    def passed(self, play: int) -> None:
        """Leave out a play that needs no work."""
        self.left_out.add(play)

    def drawn(self, play: int) -> None:
        """Tell that a play was drawn."""
        self.untold.append(play)
        self._tell()

    def _tell(self) -> None:
        if self.costs is None or self.progress is None:
            return
        whole = sum(cost for play, cost in enumerate(self.costs) if play not in self.left_out)
        for play in self.untold:
            self.done += self.costs[play]
            self.progress(min(self.done / whole, 1.0), f"play {play}")
        self.untold.clear()
