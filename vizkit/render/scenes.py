"""manim scenes as jobs: they are surveyed without drawing, and each play is drawn by a worker that walks to it."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from typing import Any

from manim import Scene
from pydub import AudioSegment

from vizkit.animation import StoryScene, cues
from vizkit.animation.plain import pack, unpack
from vizkit.render import stories
from vizkit.render.encoding import Encoder
from vizkit.render.formats import FORMATS, Shot
from vizkit.render.guide import Writer
from vizkit.render.jobs import Job
from vizkit.render.sections import Section
from vizkit.render.segments import Segment
from vizkit.render.sessions import Session, Source, inside, scene_class
from vizkit.render.stamps import code, libraries
from vizkit.theme import DARK, get

__all__ = [
    "Survey", "Told", "carry_out", "carry_out_survey", "carry_out_whole", "cost", "effort", "jobs", "key", "strayed",
    "surveyed", "told",
]  # fmt: skip

_PLAYED = ("construct", "setup", "tear_down", "settled", "__init__")  # what a scene that only plays a story leaves
SEGMENT, FRAME, PIXEL, CURVE = 0.05, 0.004, 8e-9, 2e-6  # expected seconds; the last for each curve that is drawn anew


@dataclass(frozen=True, slots=True)
class Survey:
    """What a scene consists of, found out without drawing it.

    Attributes
    ----------
    plays
        Of each play: its fingerprints ``border`` and ``content``, its ``frames``, and how many ``drawn`` with how many
        ``curves``.
    end
        The fingerprint of the state that the scene ends in.
    sections
        In order, also those that the scene leaves out.
    cues
        What is said, with start and end in seconds.
    sound
        A WAV file, or nothing.
    """

    plays: list[dict[str, Any]]
    end: str
    sections: list[Section]
    cues: list[tuple[str, float, float]]
    sound: bytes = b""

    def to_bytes(self) -> bytes:
        """Return the survey as bytes."""
        head = {name: getattr(self, name) for name in ("plays", "end", "sections", "cues")}
        return pack(head, self.sound)

    @classmethod
    def from_bytes(cls, data: bytes) -> Survey:
        """Return the survey that bytes were made from."""
        head, (sound,) = unpack(data)
        return cls(**{**head, "sections": [Section(*each) for each in head["sections"]]}, sound=sound)


@dataclass(frozen=True, slots=True)
class Told:
    """A scene that only plays a story, as the story's jobs.

    Attributes
    ----------
    title
        The story's title.
    cues
        The beats: name, caption, start and end in seconds.
    jobs
        The plays.
    """

    title: str
    cues: list[tuple[str, str, float, float]]
    jobs: list[Job]

    def to_bytes(self) -> bytes:
        """Return it as bytes."""
        return pack({"title": self.title, "cues": self.cues}, *(job.to_bytes() for job in self.jobs))

    @classmethod
    def from_bytes(cls, data: bytes) -> Told:
        """Return what bytes were made from."""
        head, blobs = unpack(data)
        return cls(head["title"], head["cues"], [Job.from_bytes(blob) for blob in blobs])


def told(source: Source, shot: Shot) -> Told | None:
    """Return the story of a scene that only plays one; None where it does more."""
    with inside(source.folder):
        kind = scene_class(source.file, source.scene)
        only = issubclass(kind, StoryScene) and all(getattr(kind, n) is getattr(StoryScene, n) for n in _PLAYED)
        return _told(kind, shot) if only else None


def _told(kind: type[StoryScene], shot: Shot) -> Told:
    scene = kind.__new__(kind)  # its story is wanted, not its renderer
    story = scene.make_story()
    beats = [(cue.name, cue.text, cue.start, cue.end) for cue in cues(story)]
    return Told(story.title, beats, stories.jobs(story, get(scene.theme, DARK), shot))


def survey(source: Source, shot: Shot) -> Survey:
    """Walk through a scene and note what it consists of."""
    session = Session(source, shot, listens=True)
    plays = []
    while not session.over:
        play = {"border": session.border(), "content": session.content()}
        session.walk()
        plays.append({**play, **effort(session.scene)})
    return surveyed(session.scene, plays, session.border())


def effort(scene: Scene) -> dict[str, int]:
    """Return how many frames a scene's last play has, how many have to be drawn, and how many curves in each."""
    renderer = scene.renderer
    return {"frames": renderer.frames, "drawn": renderer.pictures, "curves": renderer.curves}


def surveyed(scene: Scene, plays: list[dict[str, Any]], end: str) -> Survey:
    """Return the survey of a scene that has ended; see there for the plays and the end."""
    writer = scene.renderer.file_writer
    sections = [
        Section(str(each.name), _plain(each.type_), len(each.get_clean_partial_movie_files()))
        for each in writer.sections
    ]
    said = [(each.content, each.start.total_seconds(), each.end.total_seconds()) for each in writer.subcaptions]
    return Survey(plays, end, sections, said, _sound(writer))


def _plain(kind: object) -> str:
    """Return a section's type, which is often a member of an enumeration of texts, as manim writes it."""
    return str.__str__(kind) if isinstance(kind, str) else str(kind)


def _sound(writer: Writer) -> bytes:
    """Return the scene's sound as a WAV file, as manim exports it."""
    if not writer.includes_sound:
        return b""
    writer.add_audio_segment(AudioSegment.silent(0))
    return writer.audio_segment.export(io.BytesIO(), format="wav").getvalue()


def jobs(found: Survey, shot: Shot) -> list[Job]:
    """Return the jobs of a surveyed scene, in order."""
    ends = [play["border"] for play in found.plays[1:]] + [found.end]
    return [_job(index, play, end, shot) for index, (play, end) in enumerate(zip(found.plays, ends, strict=True))]


def _job(index: int, play: dict[str, Any], end: str, shot: Shot) -> Job:
    head = {"index": index, "before": play["border"], "after": end}
    return Job(f"play {index}", key(play["content"], shot), cost(play, shot), "scene", shot, head)


def cost(play: dict[str, Any], shot: Shot) -> float:
    """Return how many seconds a play is expected to take, by its `effort`."""
    return SEGMENT + play["drawn"] * (FRAME + PIXEL * shot.width * shot.height + CURVE * play["curves"])


def key(content: str, shot: Shot) -> str:
    """Return the hash of all that a play's frames depend on, or nothing where that is not known."""
    if not content:
        return ""
    about = [code(), libraries(), content, asdict(shot), FORMATS[shot.format].recipe]
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


_session: dict[tuple[bytes, Shot], Session] = {}  # the one that is kept between jobs


def _session_at(index: int, source: bytes, shot: Shot) -> Session:
    """Return the scene waiting at a play: the one that is kept, walked on, or a new one."""
    session = _session.get((source, shot))
    if session is None or session.over or session.index > index:
        for other in _session.values():
            other.close()
        _session.clear()
        session = _session[source, shot] = Session(Source.from_bytes(source), shot)
    while session.index < index and not session.over:
        session.walk()
    return session


def carry_out(job: Job, source: bytes) -> bytes:
    """Draw and encode the play of a job, unless the scene is not as it was when it was surveyed; return its segment.

    The notes tell how the scene was ``found`` and ``left``: the fingerprint of its state and a hash of its picture.
    """
    session = _session_at(job.head["index"], source, job.shot)
    found = session.stand()
    if session.over or found[0] != job.head["before"]:
        return Segment((), notes={"found": found, "left": found}).to_bytes()
    encoder = Encoder(job.shot)
    session.draw(encoder)
    return encoder.finish({"found": found, "left": session.stand()}).to_bytes()


def strayed(job: Job, notes: dict[str, Any]) -> bool:
    """Say whether a play was drawn from, or led to, another state than the survey's."""
    return notes["found"][0] != job.head["before"] or notes["left"][0] != job.head["after"]


def carry_out_survey(job: Job, source: bytes) -> bytes:
    """Survey a scene and return what was found: a `Told` where it only plays a story, else a `Survey`."""
    place = Source.from_bytes(source)
    if (story := told(place, job.shot)) is not None:
        return pack({"kind": "told"}, story.to_bytes())
    return pack({"kind": "survey"}, survey(place, job.shot).to_bytes())


def carry_out_whole(job: Job, source: bytes) -> bytes:
    """Draw a scene in one piece; return its survey and the segments of its plays."""
    session = Session(Source.from_bytes(source), job.shot, listens=True)
    plays, segments = [], []
    while not session.over:
        encoder = Encoder(job.shot)
        session.draw(encoder)
        plays.append(effort(session.scene))
        segments.append(encoder.finish().to_bytes())
    return pack({}, surveyed(session.scene, plays, session.border()).to_bytes(), *segments)
