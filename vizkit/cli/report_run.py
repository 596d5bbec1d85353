"""The run that a report is about: its trace, and which sample and steps of it are shown."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vizkit.errors import ArgumentError, TraceFileError, TraceVersionError, unknown_name
from vizkit.trace import ForwardEvent, StatisticsEvent, Trace, load

__all__ = ["Request", "Run", "open_run", "quoted"]


def quoted(value: object) -> str:
    """Return a value as Python code; a text as a rule in double quotes.

    Examples
    --------
    >>> print(quoted("run.vkt"), quoted('a "b"'), quoted(3))
    "run.vkt" 'a "b"' 3
    """
    written = repr(value)
    plain = written.startswith("'") and '"' not in written and "\\'" not in written
    return f'"{written[1:-1]}"' if plain else written


@dataclass(frozen=True, slots=True)
class Request:
    """What a user wants a report of: a file, and which sample, step and layer stand for the run."""

    path: Path
    sample: int = 0
    step: int | None = None
    layer: str | None = None

    @property
    def name(self) -> str:
        """The file's name, as it stands in the code to copy."""
        return self.path.name

    @property
    def title(self) -> str:
        """The file's name as text that can be written, whatever its bytes are."""
        return os.fsencode(self.path.name).decode("utf-8", "replace")


@dataclass(frozen=True, eq=False)
class Run:
    """A recorded run with what was asked of it.

    Attributes
    ----------
    trace
        The run.
    request
        What was asked.
    damage
        What is wrong with the file, when only a part of it could be read.
    """

    trace: Trace
    request: Request
    damage: str = ""

    @property
    def loading(self) -> str:
        """The line of code that loads the run."""
        return f"trace = vizkit.load({quoted(self.request.name)}{', partial=True' if self.damage else ''})"

    @property
    def only_statistics(self) -> bool:
        """Whether statistics were recorded in place of arrays."""
        return self.state_step is None and any(_has(self.trace, StatisticsEvent, step) for step in self.trace.steps[:1])

    @cached_property
    def state_step(self) -> int | None:
        """The step at which weights and activations are shown: the one asked for, else the last with any."""
        if self.request.step is not None and _has(self.trace, ForwardEvent, self.request.step):
            return self.request.step
        return next((step for step in self.trace.steps[::-1] if _has(self.trace, ForwardEvent, step)), None)

    def check(self) -> None:
        """Make sure that what was asked for is there.

        Raises
        ------
        ArgumentError
            If the run has no such step or sample.
        UnknownNameError
            If it has no such layer.
        """
        steps, step, sample = self.trace.steps, self.request.step, self.request.sample
        if step is not None and step not in steps:
            held = f"{len(steps)} steps from {steps[0]} to {steps[-1]}" if steps else "no step"
            near = f"; the nearest is {min(steps, key=lambda at: abs(at - step))}" if steps else ""
            raise ArgumentError(
                f"The step must be one that was recorded, but step {step} is not; there are {held}{near}."
            )
        names = [node.name for node in self.trace.layers]
        if self.request.layer is not None and self.request.layer not in names:
            raise unknown_name("layer", self.request.layer, names)
        if self.state_step is None:
            return
        event = next(self.trace.events(ForwardEvent, step=self.state_step, level="layer"), None)
        if event is not None and sample >= len(event.output):
            raise ArgumentError(
                f"Of each batch samples 0 to {len(event.output) - 1} were recorded, but sample {sample} was asked for."
            )


def _has(trace: Trace, kind: type, step: int) -> bool:
    return next(trace.events(kind, step=step, level="layer"), None) is not None


def open_run(request: Request) -> Run:
    """Load a run; of a damaged file what stands before the fault.

    Raises
    ------
    TraceFileError
        If it is no trace, or nothing of it can be read.
    ArgumentError
        If it has not what was asked for.
    """
    try:
        run = Run(load(request.path), request)
        run.check()
    except TraceVersionError:
        raise
    except TraceFileError as error:
        run = Run(load(request.path, partial=True), request, str(error))
        run.check()
    return run
