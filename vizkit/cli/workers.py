"""Making exhibits in processes side by side, each process for the exhibits of one run.

A process tells through a pipe how far it is; when the pipe ends too early, the process has died.
"""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from vizkit.cli.faults import WorkerTraceback, is_fault
from vizkit.errors import RenderError, VizkitError
from vizkit.render.children import PATIENCE, end, start

__all__ = ["Task", "Tell", "run"]

Tell = Callable[[float], None]
Make = Callable[[str, Path, str, Tell], None]
Hear = Callable[[str, float], None]


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
        return cls(*start(_work, task, make, duplex=False), task)

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
        end(self.process, self.pipe)

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


# -- in the process --------------------------------------------------------------------------------


def _work(task: Task, make: Make, pipe: Connection) -> None:
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
