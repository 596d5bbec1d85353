"""Carrying out jobs on this computer: in this process, or in a few that live as long as the work.

A process gets its jobs one at a time through a pipe, as bytes, and sends back bytes. When the pipe ends too
early, the process has died.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait

from vizkit import errors
from vizkit.errors import RenderError, VizkitError
from vizkit.render.jobs import Job, render_segment

__all__ = ["Here", "Processes"]

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
_DONE, _VIZKIT, _FAULT = b"d", b"v", b"f"  # how an answer begins: a segment, an error of vizkit's, a traceback


class Here:
    """Carries out jobs in this process, one after the other."""

    workers = 1

    def run(self, batches: Sequence[Sequence[Job]], source: bytes) -> Iterator[tuple[Job, bytes]]:
        """Yield each job with its segment; see `vizkit.render.jobs.Executor`."""
        for job in (job for batch in batches for job in batch):
            yield job, render_segment(job, source)


class Processes:
    """Carries out jobs in processes side by side.

    Parameters
    ----------
    workers
        How many there are at most.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, batches: Sequence[Sequence[Job]], source: bytes) -> Iterator[tuple[Job, bytes]]:
        """Yield each job with its segment; see `vizkit.render.jobs.Executor`.

        Raises
        ------
        RenderError
            If a process died, or failed in a way that vizkit did not foresee.
        """
        waiting = [list(batch) for batch in batches if batch]
        started: list[_Worker] = []
        try:
            started.extend(_Worker(source) for _ in range(min(self.workers, sum(map(len, waiting)))))
            for worker in started:
                worker.take(_next(worker, waiting, started))
            while busy := {worker.pipe: worker for worker in started if worker.job is not None}:
                for pipe in wait(list(busy)):
                    worker = busy[pipe]
                    job, made = worker.job, worker.answer()
                    worker.take(_next(worker, waiting, started))
                    yield job, made
        finally:  # after an error or an interruption some are still at work
            for worker in started:
                worker.stop()


def _next(worker: _Worker, waiting: list[list[Job]], workers: Sequence[_Worker]) -> Job | None:
    """Return a worker's next job: of its batch, of the first batch that waits, or of another worker's batch."""
    if not worker.batch:
        worker.batch = waiting.pop(0) if waiting else _half(workers)
    return worker.batch.pop(0) if worker.batch else None


def _half(workers: Sequence[_Worker]) -> list[Job]:
    """Take away the later half of the batch that has the most left."""
    longest = max(workers, key=lambda worker: sum(job.cost for job in worker.batch)).batch
    kept = (len(longest) + 1) // 2
    taken = longest[kept:]
    del longest[kept:]
    return taken


class _Worker:
    """A process with this end of its pipe, the job that it is at, and those of its batch that it has not begun."""

    def __init__(self, source: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs,), daemon=True)
        with _environment(), _interrupts_ignored():
            self.process.start()
        theirs.close()  # so that the pipe ends with the process
        self.job: Job | None = None
        self.batch: list[Job] = []
        self._send(source)

    def take(self, job: Job | None) -> None:
        """Begin a job, if there is one."""
        self.job = job
        if job is not None:
            self._send(job.to_bytes())

    def answer(self) -> bytes:
        """Return the segment of the job that the process is at."""
        try:
            answer = self.pipe.recv_bytes()
        except (EOFError, ConnectionError):
            raise self._died() from None
        kind, content = answer[:1], answer[1:]
        if kind == _DONE:
            return content
        if kind == _VIZKIT:
            raise _error_from(content)
        raise RenderError(f"vizkit failed at {self.job.name!r}; please report it.") from _Traceback(content.decode())

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


class _Traceback(Exception):
    """The traceback of another process as text, to be the cause of an error in this one."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


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
        source = pipe.recv_bytes()
        while True:
            pipe.send_bytes(_answer(Job.from_bytes(pipe.recv_bytes()), source))
    except (EOFError, ConnectionError):  # the parent has ended
        return


def _answer(job: Job, source: bytes) -> bytes:
    try:
        return _DONE + render_segment(job, source)
    except VizkitError as error:
        cause = error.__cause__
        if cause is None or isinstance(cause, OSError | VizkitError):
            return _VIZKIT + _error_to(error)
        return _FAULT + "".join(traceback.format_exception(error)).encode()
    except Exception as error:
        return _FAULT + "".join(traceback.format_exception(error)).encode()


def _error_to(error: VizkitError) -> bytes:
    said = {"kind": type(error).__name__, "message": str(error), "notes": getattr(error, "__notes__", [])}
    return json.dumps(said).encode()


def _error_from(content: bytes) -> VizkitError:
    said = json.loads(content)
    error = getattr(errors, said["kind"], RenderError)(said["message"])
    for note in said["notes"]:
        error.add_note(note)
    return error
