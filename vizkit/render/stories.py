"""Stories as jobs: each play is drawn from its two frames and nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from vizkit.animation.filming import drawn, film
from vizkit.animation.frames import Frame
from vizkit.animation.plain import frame_from, frame_to, play_from, play_to
from vizkit.animation.script import Play, plays
from vizkit.render.encoding import Encoder
from vizkit.render.formats import FORMATS, Shot
from vizkit.render.jobs import Job
from vizkit.render.stamps import stamp
from vizkit.stories.story import Story
from vizkit.theme import Theme

__all__ = ["carry_out", "jobs"]

# Expected seconds, about what one core of 2020 needs: for a segment, for a frame, and for a pixel of a frame.
SEGMENT, FRAME, PIXEL = 0.02, 0.003, 6e-9


def jobs(story: Story, theme: Theme, shot: Shot) -> list[Job]:
    """Return the jobs of a story's plays, in order; each is called by its beat's name."""
    ground = {"name": theme.name, "ground": theme.ground, "roles": dict(theme.roles)}
    planned = list(plays(story, theme))
    # A frame is written once, though it ends one play and begins the next. All frames are alive: no two have one id.
    frames = {id(frame): frame for play in planned for frame in (play.before, play.after)}
    written = {name: frame_to(frame) for name, frame in frames.items()}
    return [_job(play, ground, shot, written) for play in planned]


def _job(play: Play, ground: dict[str, Any], shot: Shot, written: dict[int, bytes]) -> Job:
    ends = (play.before,) if play.before is play.after else (play.before, play.after)
    blobs = tuple(written[id(frame)] for frame in ends)
    head = {"play": play_to(play), "theme": ground}
    cost = SEGMENT + drawn(play, shot.rate) * (FRAME + PIXEL * shot.width * shot.height)
    return Job(play.beat.name, _key(head, shot, blobs), cost, "play", shot, head, blobs)


def _key(head: dict[str, Any], shot: Shot, blobs: tuple[bytes, ...]) -> str:
    """Return the hash of all that a play's frames depend on."""
    about = [stamp(), head, asdict(shot), FORMATS[shot.format].recipe]
    found = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for blob in blobs:
        found.update(hashlib.sha256(blob).digest())
    return found.hexdigest()


def carry_out(job: Job, source: bytes = b"") -> bytes:
    """Draw and encode the play of a job; return its segment."""
    theme = Theme(**job.head["theme"])
    frames: list[Frame] = [frame_from(blob) for blob in job.blobs]
    play = play_from(job.head["play"], frames[0], frames[-1])
    shot, encoder = job.shot, Encoder(job.shot)
    clear = FORMATS[shot.format].clear
    for pixels, repeat in film(play, theme, (shot.width, shot.height), shot.rate, clear=clear):
        encoder.add(pixels, repeat)
    return encoder.finish().to_bytes()
