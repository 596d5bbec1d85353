"""What is in a trace file, and whether all of it is whole."""

from __future__ import annotations

from os import PathLike
from typing import NamedTuple

from vizkit.errors import TraceFileError, TraceVersionError, TruncatedTraceError
from vizkit.trace.events import KINDS, Node
from vizkit.trace.file import opened_map
from vizkit.trace.forms import array_forms
from vizkit.trace.log import EventLog
from vizkit.trace.reading import Reading
from vizkit.trace.trace import Trace

__all__ = ["Contents", "Share", "look_into"]


class Share(NamedTuple):
    """How many events and bytes of arrays of one kind a node has."""

    node: Node
    kind: str
    events: int
    nbytes: int


class Contents(NamedTuple):
    """What is in a trace file.

    Parameters
    ----------
    trace
        What can be read of it.
    nbytes
        The bytes of the file.
    shares
        Events and bytes by node and kind, in the order in which they happen within a step.
    rows
        How many rows were checked; None when they were not.
    faults
        What is wrong with the file.
    """

    trace: Trace
    nbytes: int
    shares: tuple[Share, ...]
    rows: int | None
    faults: tuple[str, ...]


def look_into(path: str | PathLike[str], *, verify: bool = False) -> Contents:
    """Return what is in a trace file, also where it is damaged or was not written to its end.

    Parameters
    ----------
    path
        The file.
    verify
        Look at every byte, not only at what the end of the file lists.

    Raises
    ------
    TraceFileError
        When there is no such file, or it is no trace.
    TraceVersionError
        When a newer vizkit wrote it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from vizkit.trace import samples
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = look_into(samples.tiny_trace().save(Path(folder) / "run.vkt"), verify=True)
    >>> found.rows, found.faults, [(share.node.name, share.kind, share.events) for share in found.shares]
    (3, (), [('dense', 'forward', 3), ('dense', 'backward', 3), ('dense', 'update', 6), ('loss', 'loss', 3)])
    """
    with opened_map(path) as file:
        reading, faults = _read(Reading(file), whole=verify)
        if faults and not verify:
            reading, faults = _read(Reading(file), whole=True)
        log = reading.log
        rows = log.step_count + log.epoch_count if verify or faults else None
        trace = Trace(reading.model, log, complete=reading.complete and not faults)
        return Contents(trace, file.size, _shares(log), rows, tuple(faults))


def _read(reading: Reading, *, whole: bool) -> tuple[Reading, list[str]]:
    end: list[str] = []
    try:
        if whole:
            reading.walk()
        else:
            reading.read()
    except TraceVersionError:
        raise
    except TraceFileError as error:
        if not reading.begun:
            raise reading.truncated(str(error)) if isinstance(error, TruncatedTraceError) else error from None
        end = [str(reading.truncated(str(error)) if isinstance(error, TruncatedTraceError) else error)]
    return reading, [*map(str, reading.faults), *end]


def _shares(log: EventLog) -> tuple[Share, ...]:
    counts: dict[tuple[int, str], list[int]] = {}
    for form, blocks in log.blocks().items():
        rows = sum(block.count for block in blocks)
        for event in form.events:
            total = counts.setdefault((event.node, event.kind), [0, 0])
            total[0] += rows
            total[1] += rows * sum(part.nbytes for part in array_forms(event.parts))
    kinds = list(KINDS)
    places = sorted(counts, key=lambda place: (place[0], kinds.index(place[1])))
    return tuple(Share(log.nodes[node], kind, *counts[node, kind]) for node, kind in places)
