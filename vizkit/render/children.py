"""Processes of this computer that work for this one: how many, how they begin and how they end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import TYPE_CHECKING, Any

from vizkit.errors import ArgumentError

if TYPE_CHECKING:
    from vizkit.render.jobs import Executor

__all__ = ["ENVIRONMENT", "PATIENCE", "apart", "end", "start", "workers"]

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


def workers(jobs: Executor | int | None) -> Executor | int:
    """Return how many processes work, one for each core when None was asked for, or who else does.

    A process that is one of several side by side, as the gallery's are, works alone.

    Raises
    ------
    ArgumentError
        If a number below 1 was asked for.
    """
    if jobs is None:
        return 1 if multiprocessing.current_process().daemon else os.cpu_count() or 1
    if isinstance(jobs, int) and jobs < 1:
        raise ArgumentError(f"jobs is a whole number from 1 up, but {jobs!r} was given.")
    return jobs


def start(work: Callable[..., None], *given: Any, duplex: bool = True) -> tuple[BaseProcess, Connection]:
    """Start a process and return it with this end of a pipe; `work` gets the other end after what is given.

    When the pipe ends too early, the process has died.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex)
    process = context.Process(target=_begin, args=(work, *given, theirs), daemon=True)
    with _environment(), _interrupts_ignored(), apart():
        process.start()
    theirs.close()  # so that the pipe ends with the process
    return process, ours


def end(process: BaseProcess, pipe: Connection) -> None:
    """Wait a moment for a process to end, then make it."""
    process.join(PATIENCE)
    if process.is_alive():
        process.kill()
        process.join()
    pipe.close()


@contextmanager
def apart() -> Iterator[None]:
    """Let a process that starts now begin without the program that starts it.

    Python would run the user's file anew in it first. A file without ``if __name__ == "__main__":`` then trains its
    network again and fails as soon as it comes to start processes too. What is done in ours comes from modules.
    """
    program = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program


def _begin(work: Callable[..., None], *given: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work(*given)


@contextmanager
def _environment() -> Iterator[None]:
    """Let a process that starts now have the environment above, unless its user has chosen otherwise.

    A process that is stopped cannot give its semaphores back; Python then does so, and need not tell.
    """
    before = dict(os.environ)
    quiet = "ignore::UserWarning:multiprocessing.resource_tracker"
    ours = {**ENVIRONMENT, **before}
    ours["PYTHONWARNINGS"] = ",".join(filter(None, [before.get("PYTHONWARNINGS"), quiet]))
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


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
