"""The seam between planning a video and making its parts: jobs, and who carries them out.

A job is plain data. `render_segment` is the one function that carries it out, in whatever process or on whatever
machine it is called; it returns a `vizkit.render.segments.Segment` as bytes. An `Executor` calls it somewhere.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from vizkit.animation.plain import pack, unpack
from vizkit.errors import RenderError
from vizkit.render.formats import Shot

__all__ = ["Executor", "Job", "render_segment"]


@dataclass(frozen=True, slots=True)
class Job:
    """One segment to be made.

    Attributes
    ----------
    name
        Names the job among those of one video, and tells a person what it is.
    key
        Names the segment in the cache: a hash of all that its frames depend on. Empty where that is not known.
    cost
        Expected seconds of work.
    kind
        ``"play"`` (of a story, drawn from its two frames) or ``"scene"`` (a play of a manim scene, which is built); or
        a whole scene, to be looked through (``"survey"``) or drawn in one piece (``"whole"``).
    shot
        Size, rate and format.
    head, blobs
        What the kind needs, as JSON holds it, and as bytes.
    """

    name: str
    key: str
    cost: float
    kind: str
    shot: Shot
    head: dict[str, Any]
    blobs: tuple[bytes, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the job as bytes."""
        head = {"name": self.name, "key": self.key, "cost": self.cost, "kind": self.kind, "shot": asdict(self.shot)}
        return pack({**head, "head": self.head}, *self.blobs)

    @classmethod
    def from_bytes(cls, data: bytes) -> Job:
        """Return the job that bytes were made from.

        Raises
        ------
        RenderError
            If they are damaged.
        """
        head, blobs = unpack(data)
        return cls(**{**head, "shot": Shot(**head["shot"]), "blobs": tuple(blobs)})


class Executor(Protocol):
    """Carries out jobs: here one after the other, in processes side by side, or on a cluster."""

    workers: int

    def run(self, batches: Sequence[Sequence[Job]], source: bytes) -> Iterator[tuple[Job, bytes]]:
        """Yield each job with its segment as bytes, as they become ready.

        Parameters
        ----------
        batches
            The most costly come first. The jobs of one batch are cheapest on one worker, in their order; a part of a
            batch that has not begun may be given to another worker.
        source
            What all jobs share, see `render_segment`; empty for plays of stories.

        Raises
        ------
        VizkitError
            What went wrong. Work that is still going on is stopped; so it is when the iterator is closed.
        """
        ...

    def close(self) -> None:
        """Let go of the workers."""
        ...


# kind of a job -> the module and function that carry it out; loaded when they are needed
_KINDS = {
    "play": ("stories", "carry_out"),
    "scene": ("scenes", "carry_out"),
    "survey": ("scenes", "carry_out_survey"),
    "whole": ("scenes", "carry_out_whole"),
}


def render_segment(job: Job, source: bytes = b"") -> bytes:
    """Make one segment and return it as bytes; of a scene that is looked through, what was found.

    Parameters
    ----------
    job
        What is to be made.
    source
        Where a manim scene comes from, see `vizkit.render.scenes.Source`; empty for plays of stories.

    Raises
    ------
    RenderError
        If it cannot be made.
    """
    if job.kind not in _KINDS:
        raise RenderError(
            f"A job is one of {', '.join(_KINDS)}, but this one is {job.kind!r}; is it from another vizkit?"
        )
    module, function = _KINDS[job.kind]
    return getattr(importlib.import_module(f"vizkit.render.{module}"), function)(job, source)
