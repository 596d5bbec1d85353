"""Carrying out jobs on this computer: in this process, or in a few that live as long as the work.

A process gets its jobs one at a time through a pipe, as bytes, and sends back bytes. When the pipe ends too
early, the process has died.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait

from vizkit.animation.plain import pack, unpack
from vizkit.errors import RenderError
from vizkit.render.answers import answer, segment_in
from vizkit.render.jobs import Job, render_segment
from vizkit.render.queues import next_job

__all__ = ["ENVIRONMENT", "Here", "Processes"]

# Processes side by side that compute with several threads each would wait for each other's cores; and memory for
# frames that is given back to the system after each one costs more than drawing into it.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}
PATIENCE = 5.0  # seconds that a process has to end after it was told to


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
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs,), daemon=True)
        with _environment(), _interrupts_ignored():
            self.process.start()
        theirs.close()  # so that the pipe ends with the process
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
        return segment_in(outcome, self.job)

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.join(PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.pipe.close()

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


@contextmanager
def _environment() -> Iterator[None]:
    """Let a process that starts now have the environment above, unless its user has chosen otherwise."""
    before = dict(os.environ)
    quiet = "ignore::UserWarning:multiprocessing.resource_tracker"
    ours = {**ENVIRONMENT, "PYTHONWARNINGS": ",".join(filter(None, [before.get("PYTHONWARNINGS"), quiet]))}
    os.environ.update({name: value for name, value in ours.items() if name == "PYTHONWARNINGS" or name not in before})
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
        os.environ.update({name: before[name] for name in ours if name in before})


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Let a process that starts now leave Ctrl-C to its parent, which then stops it."""
    if threading.current_thread() is not threading.main_thread():  # others may not set handlers
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# -- in the process --------------------------------------------------------------------------------


def _work(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            _, (job, source) = unpack(pipe.recv_bytes())
            pipe.send_bytes(answer(job, source))
    except (EOFError, ConnectionError):  # the parent has ended
        return
