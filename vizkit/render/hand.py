"""A process that carries out one job after another for a worker of a cluster.

A cluster's worker has threads of its own, which use Python's random numbers and settings while a scene
is being built; and it may not start processes by `multiprocessing`. So it starts this module as a program. Both ends
say how long a message is, and then the message, through the program's standard input and output.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from typing import BinaryIO

from vizkit.errors import RenderError

__all__ = ["Hand"]

_LENGTH = struct.Struct("<Q")


class Hand:
    """Carries out jobs in a process of its own.

    Parameters
    ----------
    source
        What all jobs share, see `vizkit.render.jobs.render_segment`.
    environment
        What the process has in its environment beside this one's.

    Examples
    --------
    >>> hand = Hand(b"")
    >>> hand.outcome(b"no job")[:1]  # a fault: nobody makes such a job
    b'f'
    >>> hand.close()
    """

    def __init__(self, source: bytes, environment: dict[str, str] | None = None) -> None:
        self.source = source
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**(environment or {}), **os.environ},
        )
        self._send(source)

    def outcome(self, job: bytes) -> bytes:
        """Return the outcome of a job, both as bytes; see `vizkit.render.answers`.

        Raises
        ------
        RenderError
            If the process has died.
        """
        self._send(job)
        found = _read(self._process.stdout)
        if found is None:
            raise RenderError(f"A process that drew ended too early, with exit code {self._process.wait()}.")
        return found

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                pipe.close()
            except BrokenPipeError:  # what was not sent any more is of no use
                continue

    def _send(self, data: bytes) -> None:
        try:
            _write(self._process.stdin, data)
        except (BrokenPipeError, ConnectionError) as error:
            raise RenderError(f"A process that drew has ended, with exit code {self._process.wait()}.") from error


def _write(pipe: BinaryIO, data: bytes) -> None:
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def _read(pipe: BinaryIO) -> bytes | None:
    """Return the next message; ``None`` at the end."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    return data if len(data) == length else None


def _serve() -> None:
    """Carry out what comes in, until nothing comes any more."""
    from vizkit.render.answers import answer

    # Whatever a scene or a library prints goes to the standard error: the standard output is for outcomes.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    source = _read(sys.stdin.buffer)
    while source is not None and (job := _read(sys.stdin.buffer)) is not None:
        _write(answers, answer(job, source))


if __name__ == "__main__":
    _serve()
