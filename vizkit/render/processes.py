"""Carrying out jobs on this computer: in this process, or in a few that live as long as the work.

A process gets its jobs one at a time through a pipe, as bytes, and sends back bytes. When the pipe ends too
early, the process has died.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait

from vizkit.animation.plain import pack, unpack
from vizkit.errors import RenderError
from vizkit.render.answers import answer, segment_in
from vizkit.render.children import PATIENCE, end, start
from vizkit.render.jobs import Job, render_segment
from vizkit.render.queues import next_job

__all__ = ["Here", "Processes"]


class Here:
    """Carries out jobs in this process, one after the other."""

    workers = 1

    def run(self, batches: Sequence[Sequence[Job]], source: bytes) -> Iterator[tuple[Job, bytes]]:
        """Yield each job with its segment; see `vizkit.render.jobs.Executor`."""
        for job in (job for batch in batches for job in batch):
            yield job, render_segment(job, source)

    def close(self) -> None:
        """Do nothing: there is no process."""


class Processes:
    """Carries out jobs in processes side by side.

    Parameters
    ----------
    workers
        How many there are at most.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._started: list[_Worker] = []

    def run(self, batches: Sequence[Sequence[Job]], source: bytes) -> Iterator[tuple[Job, bytes]]:
        """Yield each job with its segment; see `vizkit.render.jobs.Executor`.

        Raises
        ------
        RenderError
            If a process died, or failed in a way that vizkit did not foresee.
        """
        waiting = [list(batch) for batch in batches if batch]
        started = self._started
        try:
            while len(started) < min(self.workers, sum(map(len, waiting))):
                started.append(_Worker())
            for worker in started:
                worker.take(next_job(worker, waiting, started), source)
            while busy := {worker.pipe: worker for worker in started if worker.job is not None}:
                for pipe in wait(list(busy)):
                    worker = busy[pipe]
                    job, made = worker.job, worker.answer()
                    worker.take(next_job(worker, waiting, started), source)
                    yield job, made
        finally:
            if any(worker.job is not None for worker in started):  # after an error or an interruption
                self.close()

    def close(self) -> None:
        """End the processes."""
        while self._started:
            self._started.pop().stop()


class _Worker:
    """A process with this end of its pipe, the job that it is at, and those of its batch that it has not begun."""

    def __init__(self) -> None:
        self.process, self.pipe = start(_work)
        self.job: Job | None = None
        self.batch: list[Job] = []

    def take(self, job: Job | None, source: bytes) -> None:
        """Begin a job, if there is one."""
        self.job = job
        if job is not None:
            self._send(pack({}, job.to_bytes(), source))

    def answer(self) -> bytes:
        """Return the segment of the job that the process is at."""
        try:
            outcome = self.pipe.recv_bytes()
        except (EOFError, ConnectionError):
            raise self._died() from None
        return segment_in(outcome, self.job.name)

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        end(self.process, self.pipe)

    def _send(self, data: bytes) -> None:
        try:
            self.pipe.send_bytes(data)
        except (BrokenPipeError, ConnectionError):
            raise self._died() from None

    def _died(self) -> RenderError:
        self.process.join(PATIENCE)
        at = f" that was making {self.job.name!r}" if self.job else ""
        return RenderError(
            f"A process{at} ended too early, with exit code {self.process.exitcode}."
            " It may have run out of memory: try --jobs 1."
        )


# -- in the process --------------------------------------------------------------------------------


def _work(pipe: Connection) -> None:
    try:
        while True:
            _, (job, source) = unpack(pipe.recv_bytes())
            pipe.send_bytes(answer(job, source))
    except (EOFError, ConnectionError):  # the parent has ended
        return
