"""What training says while it runs, and the model's table: the only places where nn writes text.

It goes to standard output, as Keras's does: notebooks colour standard error as if something were wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from vizkit.errors import ArgumentError

__all__ = ["Progress", "in_words", "say", "verbosity"]

_WIDTH = 24


def say(text: str) -> None:
    """Write a line to standard output.

    Examples
    --------
    >>> say("done")
    done
    """
    sys.stdout.write(text + "\n")


def verbosity(verbose: Any) -> int:
    """Return 0 (silent), 1 (a bar) or 2 (a line for each epoch); ``"auto"`` is a bar on a terminal, elsewhere lines.

    Raises
    ------
    ArgumentError
        When it is something else.

    Examples
    --------
    >>> verbosity(False), verbosity(2)
    (0, 2)
    """
    if isinstance(verbose, str) and verbose == "auto":
        return 1 if sys.stdout.isatty() else 2
    if not isinstance(verbose, int) or verbose not in (0, 1, 2):
        raise ArgumentError(f"verbose is 0, 1, 2 or 'auto'; {verbose!r} was given.")
    return int(verbose)


def in_words(logs: Mapping[str, float]) -> str:
    """Return loss and metrics as a text.

    Examples
    --------
    >>> in_words({"loss": 0.25, "accuracy": 1.0})
    'loss: 0.2500  accuracy: 1.0000'
    """
    return "  ".join(f"{name}: {value:.4f}" for name, value in logs.items())


class Progress:
    """The progress of one ``fit``, written to standard output.

    Parameters
    ----------
    verbose
        0, 1 or 2, as `verbosity` gives it.
    epochs, steps
        How many epochs, and how many steps in each.
    """

    def __init__(self, verbose: int, epochs: int, steps: int) -> None:
        self.verbose, self.epochs, self.steps = verbose, epochs, steps

    def step(self, epoch: int, step: int) -> None:
        """Say that `step` steps of an epoch are done."""
        if self.verbose == 1 and (step % max(1, self.steps // 50) == 0 or step == self.steps):
            bar = "━" * (_WIDTH * step // self.steps)
            sys.stdout.write(f"\rEpoch {epoch + 1}/{self.epochs} {bar:<{_WIDTH}} {step}/{self.steps}")
            sys.stdout.flush()

    def epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Say how an epoch went."""
        if self.verbose:
            start = "" if self.verbose == 1 else f"Epoch {epoch + 1}/{self.epochs}"
            sys.stdout.write(f"{start}  {in_words(logs)}\n")
            sys.stdout.flush()
