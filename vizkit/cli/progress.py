"""A progress bar for work that takes minutes.

On a terminal it is one line that is drawn again; elsewhere each finished part gets a line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["Bar", "bar"]

WIDTH = 28
PAUSE = 0.1  # seconds between two drawings


class Bar:
    """Shows how much of something is done, a number from 0 to 1, and what was done last."""

    def __init__(self, title: str, stream: TextIO) -> None:
        self.title = title
        self.stream = stream
        self.started = self.drawn = time.monotonic()
        self.live = stream.isatty()

    def __call__(self, share: float, note: str = "") -> None:
        """Report the share that is done and, when a part was finished, its name."""
        now = time.monotonic()
        if not self.live:
            if note:
                self.stream.write(f"{self.title} {share:4.0%}  {note}\n")
                self.stream.flush()
        elif note or share >= 1 or now - self.drawn >= PAUSE:
            self.drawn = now
            self._draw(share, note, now)

    def _draw(self, share: float, note: str, now: float) -> None:
        full = int(WIDTH * share)
        spent = now - self.started
        left = f"{spent / share - spent:3.0f} s left" if share > 0.02 else ""
        line = f"{self.title} {'█' * full}{'░' * (WIDTH - full)} {share:4.0%} {left:12} {note}"
        self.stream.write(f"\r\033[K{line[:110]}")
        self.stream.flush()

    def close(self) -> None:
        """Leave the finished line standing."""
        if self.live:
            self.stream.write("\n")


@contextmanager
def bar(title: str, stream: TextIO | None = None) -> Iterator[Bar]:
    """Open a bar on standard error, or on another stream.

    Examples
    --------
    >>> import io
    >>> out = io.StringIO()
    >>> with bar("gallery", out) as report:
    ...     report(0.5, "backprop")
    >>> out.getvalue()
    'gallery  50%  backprop\\n'
    """
    shown = Bar(title, stream or sys.stderr)
    try:
        yield shown
    finally:
        shown.close()
