"""The processes that draw a scene, as seen by who wants the video: how they begin, what they say, how they end.

What they do stands in `vizkit.render.forks`. Nothing here needs manim, so that the first of them can be started before
this process loads it too.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from vizkit.errors import RenderError
from vizkit.render.children import end, start, workers

if TYPE_CHECKING:
    from vizkit.render.jobs import Executor

__all__ = ["ASKS", "DRAW", "PASS", "TASKS", "Troupe", "possible", "ready"]

ASKS = b"?"  # what a copy sends begins with it when it asks whether to draw; else it is an outcome, see `answers`
DRAW, PASS = b"draw", b"pass"
TASKS = Path("/proc/self/task")  # has an entry for each thread, also for those that Python does not know


def possible() -> bool:
    """Say whether processes can be copied on this system."""
    if sys.platform != "linux" or not TASKS.is_dir():
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # a kernel before 5.3, or one that imitates Linux
        return False
    return True


@contextmanager
def ready(jobs: Executor | int | None) -> Iterator[Troupe | None]:
    """Start the first process for a scene, where copies of it will be made, and end all of them after the block.

    Parameters
    ----------
    jobs
        As `vizkit.render.scene_video` takes it.
    """
    count = workers(jobs)
    if not isinstance(count, int) or not possible():
        yield None
        return
    with closing(Troupe(count)) as troupe:
        yield troupe


class Troupe:
    """The process that leads a scene, and the copies that it makes of itself.

    Parameters
    ----------
    workers
        How many copies there may be at a time.

    Attributes
    ----------
    leader, ahead, copies
        Ends of pipes: of the process that leads, which says what it found, as an outcome; of the copy that runs ahead;
        and of the copies that draw.
    """

    def __init__(self, workers: int) -> None:
        pairs = [Pipe() for _ in range(workers + 1)]
        self.ahead, *self.copies = [ours for ours, _ in pairs]
        self.process, self.leader = start(_work, [theirs for _, theirs in pairs])
        for _, theirs in pairs:
            theirs.close()

    def lead(self, scene: bytes) -> None:
        """Say which scene is to be led.

        Parameters
        ----------
        scene
            Packed: a job of the kind ``"survey"`` and a `Source`, both as bytes, and, under ``"ahead"``, whether
            one copy runs ahead to the scene's end, to say how much work there will be.
        """
        self.leader.send_bytes(scene)

    def close(self) -> None:
        """End all processes; more than once makes no difference."""
        if self.leader.closed:
            return
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
        except ProcessLookupError:  # all have ended, or the first has hardly begun
            self.process.terminate()
        end(self.process, self.leader)
        for pipe in (self.ahead, *self.copies):
            pipe.close()


def _work(pipes: Sequence[Connection], news: Connection) -> None:
    os.setpgrp()  # so that all of them can be ended at once
    try:
        from vizkit.render.forks import lead

        lead(pipes, news)
    except (EOFError, BrokenPipeError, ConnectionError):  # nobody listens any more
        os._exit(1)
    except (ImportError, RenderError):  # manim is missing, as who started this process finds too, and says
        os._exit(1)
