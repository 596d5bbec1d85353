"""A scene that is led through once, while copies of its process draw its plays.

At each play's beginning the process that leads the scene makes a copy of itself (`os.fork`), which shares its memory
until one of the two writes there. The copy stands at the beginning of that play, with nothing built or walked
again: it draws the play, says how it left the scene, and ends. The one that leads walks through the play and on to the
next. So what only one process can do is the walk; drawing, encoding, fingerprints and pictures are done side by side.

A process may be copied only while it has no other thread, since a copy has none of them and might wait for one; and not
on macOS and Windows. Elsewhere, and on a cluster, workers walk to their plays, see `vizkit.render.scenes`.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Sequence
from io import StringIO
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NoReturn, Protocol

from manim import Scene
from tqdm import tqdm

from vizkit.animation.plain import pack, unpack
from vizkit.render import scenes
from vizkit.render.answers import done, outcome
from vizkit.render.encoding import Encoder
from vizkit.render.formats import Shot
from vizkit.render.jobs import Job
from vizkit.render.moments import border, content, picture
from vizkit.render.sessions import Left, Source, inside, quiet, staged
from vizkit.render.troupes import ASKS, DRAW, TASKS

__all__ = ["lead"]


def lead(pipes: Sequence[Connection], news: Connection) -> None:
    """Lead a scene as soon as it is said which; see `vizkit.render.troupes.Troupe.lead`."""
    from vizkit.render.outlines import take_turns  # there is no such module on Windows

    head, (job, where) = unpack(news.recv_bytes())
    source = Source.from_bytes(where)
    tqdm.monitor_interval = 0  # else manim's progress bar has a thread, though it is not shown
    take_turns(Path(source.media))
    led = _Led(source, Job.from_bytes(job).shot)
    led.part = _Leader(led, pipes, head["ahead"], news)
    said = outcome(led.survey)
    led.part.say(said)


class _Crowded(Left):
    """The process that leads has another thread, or may not be copied."""


class _Part(Protocol):
    """What a process does about a scene."""

    def play(self, scene: Scene) -> Encoder | None:
        """Say whether to draw the play that begins."""
        ...

    def over(self, scene: Scene) -> scenes.Survey:
        """Return what was found, when the scene has ended."""
        ...

    def say(self, outcome: bytes) -> None:
        """Pass on how it went."""
        ...


class _Led:
    """A scene that is led by this process, and this process's part in it; a copy has another part."""

    part: _Part

    def __init__(self, source: Source, shot: Shot) -> None:
        self.source, self.shot = source, shot

    def survey(self) -> bytes:
        """Return what `vizkit.render.scenes.carry_out_survey` returns, or that it cannot be done this way."""
        if (told := scenes.told(self.source, self.shot)) is not None:
            return pack({"kind": "told"}, told.to_bytes())
        try:
            with quiet(True), inside(self.source.folder), staged(self.source, self.shot, self._ask) as scene:
                scene.render()
                return pack({"kind": "survey"}, self.part.over(scene).to_bytes())
        except _Crowded:
            return pack({"kind": "crowded"})

    def _ask(self, scene: Scene) -> Encoder | None:
        return self.part.play(scene)


class _Leader:
    """Walks through the scene, and makes a copy at each play."""

    def __init__(self, led: _Led, pipes: Sequence[Connection], wants_scout: bool, news: Connection) -> None:
        self.led, self.news = led, news
        self.scouts, *self.free = pipes
        self.wants_scout = wants_scout
        self.copies: dict[int, tuple[int, int, Connection]] = {}  # what tells a copy's end -> process, play, pipe
        self.begun = 0
        self.plays: list[dict[str, int]] = []

    def play(self, scene: Scene) -> Encoder | None:
        """Make a copy, which draws the play."""
        self._note(scene)
        if self.wants_scout:
            self.wants_scout = False
            if self._is_copy(scene, self.scouts):
                self.led.part = _Scout(self.scouts, self.led.shot)
                return None
        while not self.free:
            self._wait_for_one()
        pipe = self.free.pop()
        if self._is_copy(scene, pipe):
            self.led.part = artist = _Artist(pipe, self.begun, self.led.shot)
            return artist.begin(scene)
        self.begun += 1
        return None

    def over(self, scene: Scene) -> scenes.Survey:
        """Wait until all copies have ended."""
        self._note(scene)
        found = scenes.surveyed(scene, self.plays, border(scene))
        while self.copies:
            self._wait_for_one()
        return found

    def say(self, outcome: bytes) -> None:
        """Pass on how it went."""
        self.news.send_bytes(outcome)

    def _note(self, scene: Scene) -> None:
        if self.begun:
            self.plays.append(scenes.effort(scene))

    def _is_copy(self, scene: Scene, pipe: Connection) -> bool:
        """Make a copy of this process, and say which of the two this is."""
        if len(list(TASKS.iterdir())) > 1:
            raise _Crowded
        dice = random.getstate()
        try:
            process = os.fork()
        except OSError as error:  # too many processes, or not enough memory
            raise _Crowded from error
        if process:
            self.copies[os.pidfd_open(process)] = process, self.begun, pipe
            return False
        for other in self.copies:
            os.close(other)
        random.setstate(dice)  # Python throws new dice in a copy
        gc.freeze()  # to look for what is not used any more would touch, and so copy, all memory
        sys.stdout = StringIO()  # what the scene says, its leader says
        scene.renderer.file_writer.listens = False
        return True

    def _wait_for_one(self) -> None:
        for ended in wait(list(self.copies)):
            process, play, pipe = self.copies.pop(ended)
            os.close(ended)
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            if code:
                self.say(done(pack({"kind": "died", "play": play, "code": code})))
            if pipe is not self.scouts:
                self.free.append(pipe)


class _Artist:
    """Draws one play."""

    def __init__(self, pipe: Connection, index: int, shot: Shot) -> None:
        self.pipe, self.index, self.shot = pipe, index, shot
        self.encoder: Encoder | None = None

    def begin(self, scene: Scene) -> Encoder:
        """Tell how the play begins; draw it if that is wanted."""
        found = [border(scene), picture(scene)]
        self.pipe.send_bytes(ASKS + pack({"play": self.index, "found": found, "content": content(scene)}))
        if self.pipe.recv_bytes() != DRAW:
            os._exit(0)
        self.encoder = Encoder(self.shot)
        return self.encoder

    def play(self, scene: Scene) -> NoReturn:
        """Pass on the segment, when the next play begins."""
        self._end(scene, picture(scene))

    def over(self, scene: Scene) -> NoReturn:
        """Pass on the segment, when the scene has ended; there is no picture then."""
        self._end(scene, "")

    def say(self, outcome: bytes) -> NoReturn:
        """Pass on how it went, and end."""
        self.pipe.send_bytes(outcome)
        os._exit(0)

    def _end(self, scene: Scene, seen: str) -> NoReturn:
        left = [border(scene), seen]
        self.say(done(self.encoder.finish({"left": left}).to_bytes()))


class _Scout:
    """Runs ahead to the scene's end, to say how much work there will be."""

    def __init__(self, pipe: Connection, shot: Shot) -> None:
        self.pipe, self.shot = pipe, shot
        self.costs: list[float] = []

    def play(self, scene: Scene) -> None:
        """Walk through the play."""
        self.costs.append(scenes.cost(scenes.effort(scene), self.shot))

    def over(self, scene: Scene) -> NoReturn:
        """Tell the costs, in expected seconds."""
        self.play(scene)
        self.pipe.send_bytes(pack({"costs": self.costs}))
        os._exit(0)

    def say(self, outcome: bytes) -> NoReturn:
        """End: what went wrong here, the leader will say."""
        os._exit(0)
