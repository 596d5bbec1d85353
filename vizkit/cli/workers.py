"""Making exhibits in processes side by side, each process for the exhibits of one run.

A process tells through a pipe how far it is; when the pipe ends too early, the process has died.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from vizkit.cli.faults import WorkerTraceback, is_fault
from vizkit.errors import RenderError, VizkitError

__all__ = ["Task", "Tell", "run"]

Tell = Callable[[float], None]
Make = Callable[[str, Path, str, Tell], None]
Hear = Callable[[str, float], None]

# Processes side by side that compute with several threads each would wait for each other's cores.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PATIENCE = 5.0  # seconds that a process has to end after it was told to


@dataclass(frozen=True, slots=True)
class Task:
    """Exhibits to be made one after the other in one process: each name with its folder."""

    places: tuple[tuple[str, Path], ...]
    quality: str


def run(tasks: Sequence[Task], jobs: int, make: Make, hear: Hear) -> None:
    """Work off tasks in order, at most `jobs` at a time.

    Parameters
    ----------
    tasks
        What is to be made.
    jobs
        How many processes there are at most.
    make
        Makes one exhibit, see `vizkit.cli.works.make`.
    hear
        Is told of each exhibit the share that is done; 1 when it is finished.

    Raises
    ------
    RenderError
        If a process died, or failed in a way that vizkit did not foresee.
    VizkitError
        What went wrong in a process. The other processes are stopped.
    """
    left, running = list(tasks), {}
    try:
        while left or running:
            while left and len(running) < jobs:
                worker = _Worker.start(left.pop(0), make)
                running[worker.pipe] = worker
            for pipe in wait(list(running)):
                if running[pipe].heard(hear):
                    running.pop(pipe).close()
    finally:  # after an error or an interruption some are still at work
        for worker in running.values():
            worker.process.terminate()
        for worker in running.values():
            worker.close()
            worker.clear()


class _Worker:
    """A process with the parent's end of its pipe."""

    def __init__(self, process: BaseProcess, pipe: Connection, task: Task) -> None:
        self.process = process
        self.pipe = pipe
        self.task = task
        self.unfinished = [name for name, _ in task.places]

    @classmethod
    def start(cls, task: Task, make: Make) -> _Worker:
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(task, make, theirs), daemon=True)
        with _environment(), _interrupts_ignored():
            process.start()
        theirs.close()  # so that the pipe ends with the process
        return cls(process, pipe, task)

    def heard(self, hear: Hear) -> bool:
        """Take one message; say whether the process has done all it had to."""
        try:
            name, share, trouble = self.pipe.recv()
        except (EOFError, ConnectionError):
            if not self.unfinished:
                return True
            self.process.join(PATIENCE)
            raise RenderError(
                f"The process that made the exhibit {self.unfinished[0]!r} ended too early, with exit code"
                f" {self.process.exitcode}. It may have run out of memory: try --jobs 1."
            ) from None
        if isinstance(trouble, VizkitError):
            trouble.add_note(f"This happened while the exhibit {name!r} was made.")
            raise trouble
        if trouble is not None:
            raise RenderError(f"vizkit failed at the exhibit {name!r}; please report it.") from WorkerTraceback(trouble)
        if share == 1.0:
            self.unfinished.remove(name)
        hear(name, share)
        return False

    def close(self) -> None:
        self.process.join(PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.pipe.close()

    def clear(self) -> None:
        for _, folder in self.task.places:
            _clear(folder)


def _clear(folder: Path) -> None:
    """Remove what a process that was stopped has left half done: its files and folders with a dot in front."""
    for left in folder.glob(".*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


@contextmanager
def _environment() -> Iterator[None]:
    """Let a process that starts now compute with one thread, unless its user has chosen otherwise.

    A process that is stopped cannot give its semaphores back; Python then does so, and need not tell.
    """
    before = dict(os.environ)
    for name in THREADS:
        os.environ.setdefault(name, "1")
    quiet = "ignore::UserWarning:multiprocessing.resource_tracker"
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [before.get("PYTHONWARNINGS"), quiet]))
    try:
        yield
    finally:
        for name in (*THREADS, "PYTHONWARNINGS"):
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]


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


def _work(task: Task, make: Make, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name, folder in task.places:
        _clear(folder)
        try:
            make(name, folder, task.quality, lambda share, name=name: pipe.send((name, min(share, 0.999), None)))
        except Exception as error:
            pipe.send((name, 0.0, _sendable(error)))
            return
        pipe.send((name, 1.0, None))


def _sendable(error: Exception) -> VizkitError | str:
    """Return an error that a user can mend as it is, any other as the text of its traceback."""
    return "".join(traceback.format_exception(error)) if is_fault(error) else error
