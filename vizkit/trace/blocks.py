"""Blocks: consecutive steps that hold the same events with arrays of the same shapes.

The layout is written once for all steps of a block, and each array's steps stand one after the
other. So a step of a few numbers costs a few numbers, and one quantity over many steps is read in one go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from vizkit.trace.chunks import Chunk, write_chunk
from vizkit.trace.events import KINDS, Node
from vizkit.trace.layout import Packer, read_array, whole_number
from vizkit.trace.log import Row

__all__ = ["BLOCK_BYTES", "FIELDS", "Block", "read_block", "step_blocks", "write_block"]

BLOCK_BYTES = 1 << 20  # a block ends when its arrays take this much
# The fields of each kind of event after step and node, in order.
FIELDS = {kind: tuple(entry.name for entry in fields(cls))[2:] for kind, cls in KINDS.items()}
_TEXTS = ("parameter",)
_NUMBERS = ("value", "learning_rate")
_TUPLES = ("inputs", "input_gradients")
_MAPPINGS = ("parameters", "parameter_gradients")


class _ArrayLayout(NamedTuple):
    dtype: str
    shape: tuple[int, ...]


class _MappingLayout(NamedTuple):
    items: tuple[tuple[str, _ArrayLayout], ...]


@dataclass(slots=True)
class Block:
    """Steps of one layout on their way to the file; `columns` holds each array of each step."""

    layout: Any
    steps: list[int] = field(default_factory=list)
    columns: list[list[Any]] = field(default_factory=list)
    nbytes: int = 0

    def takes(self, layout: Any, arrays: Sequence[Any]) -> bool:
        """Say whether a step with these arrays, each of shape (...), may join.

        Where a step has more events than bytes, a block holds one step: so a reader knows that a
        file cannot describe many more events than it has bytes.
        """
        size = sum(array.nbytes for array in arrays)
        return layout == self.layout and self.nbytes + size <= BLOCK_BYTES and size >= len(layout)

    def add(self, step: int, arrays: Sequence[Any]) -> None:
        """Add one step."""
        self.columns = self.columns or [[] for _ in arrays]
        for column, array in zip(self.columns, arrays, strict=True):
            column.append(array)
        self.steps.append(step)
        self.nbytes += sum(array.nbytes for array in arrays)


def step_blocks(steps: Iterable[tuple[int, Sequence[Row]]]) -> Iterator[Block]:
    """Yield the blocks of steps that come with their rows, in order."""
    block: Block | None = None
    for step, rows in steps:
        arrays: list[Any] = []
        layout = tuple((row.kind, row.node.index, _layout(row.read(), arrays)) for row in rows)
        if block is None or not block.takes(layout, arrays):
            if block is not None:
                yield block
            block = Block(layout)
        block.add(step, arrays)
    if block is not None:
        yield block


def write_block(stream: BinaryIO, block: Block) -> None:
    """Write one block as a chunk of the kind ``STEP``."""
    packer, columns = Packer(), iter(block.columns)
    events = []
    for kind, node, layout in block.layout:
        values = (_entry(part, packer, columns) for part in layout)
        events.append({"kind": kind, "node": node, **dict(zip(FIELDS[kind], values, strict=True))})
    write_chunk(stream, "STEP", {"steps": block.steps, "events": events}, packer.parts)


def read_block(chunk: Chunk, nodes: Mapping[int, Node], after: int) -> Iterator[tuple[Row, int]]:
    """Yield the rows of a chunk of the kind ``STEP`` in order, each with the bytes of its arrays.

    An array is held in the chunk with shape (steps, ...).

    Parameters
    ----------
    chunk
        The chunk.
    nodes
        The nodes that the file has named so far.
    after
        The last step before this block, or -1.

    Raises
    ------
    TraceFileError
        When the chunk is damaged. Nothing is yielded before all of it was checked.
    """
    steps, events = _checked_steps(chunk, after), _checked_events(chunk)
    if len(steps) > 1 and len(steps) * len(events) > len(chunk.data):
        raise chunk.damaged(f"it claims {len(steps)} steps of {len(events)} events in {len(chunk.data)} bytes")
    parts = [_Part(chunk, event, nodes, len(steps)) for event in events]
    for position, step in enumerate(steps):
        for part in parts:
            yield Row(part.kind, step, part.node, partial(part.values, position)), part.nbytes


class _Part:
    """One event of a block's layout: the columns of its fields over the block's steps."""

    __slots__ = ("columns", "kind", "nbytes", "node")

    def __init__(self, chunk: Chunk, event: Mapping[str, Any], nodes: Mapping[int, Node], steps: int) -> None:
        self.kind = event["kind"]
        node = event.get("node")
        if not whole_number(node) or node not in nodes:
            raise chunk.damaged(f"an event belongs to the unknown node {str(node)[:20]!r}")
        self.node = nodes[node]
        self.columns = tuple(_column(chunk, name, event.get(name), steps) for name in FIELDS[self.kind])
        self.nbytes = sum(map(_nbytes, self.columns)) // steps

    def values(self, position: int) -> tuple[Any, ...]:
        """Return the event's fields at one step of the block."""
        pairs = zip(FIELDS[self.kind], self.columns, strict=True)
        return tuple(float(column[position]) if name in _NUMBERS else _at(column, position) for name, column in pairs)


def _layout(value: Any, arrays: list[Any]) -> Any:
    """What stays the same from step to step; the arrays themselves are appended to `arrays`."""
    if isinstance(value, Mapping):
        return _MappingLayout(tuple((name, _layout(entry, arrays)) for name, entry in value.items()))
    if isinstance(value, tuple):
        return tuple(_layout(entry, arrays) for entry in value)
    if isinstance(value, str):
        return value
    array = np.asarray(value, dtype=np.float64) if isinstance(value, float) else value
    arrays.append(array)
    return _ArrayLayout(array.dtype.str, array.shape)


def _entry(layout: Any, packer: Packer, columns: Iterator[list[Any]]) -> Any:
    """The metadata of one field, in the form that ``schema.md`` describes."""
    if isinstance(layout, str):
        return layout
    if isinstance(layout, _MappingLayout):
        return {name: _entry(part, packer, columns) for name, part in layout.items}
    if isinstance(layout, _ArrayLayout):
        column = next(columns)
        return packer.add(np.stack(column) if len(column) > 1 else column[0][None], layout.shape)
    return [_entry(part, packer, columns) for part in layout]


def _checked_steps(chunk: Chunk, after: int) -> list[int]:
    steps = chunk.metadata.get("steps")
    if not isinstance(steps, list) or not steps or not all(map(whole_number, steps)):
        raise chunk.damaged("its steps are no list of whole numbers")
    for before, step in zip([after, *steps], steps, strict=False):
        if step <= before:
            raise chunk.damaged(f"step {step} comes after step {before}")
    return steps


def _checked_events(chunk: Chunk) -> list[Mapping[str, Any]]:
    events = chunk.metadata.get("events")
    if not isinstance(events, list) or not events:
        raise chunk.damaged("it has no list of events")
    for event in events:
        if not isinstance(event, dict) or event.get("kind") not in tuple(KINDS):
            raise chunk.damaged(f"an event is described by {str(event)[:80]!r}")
    return events


def _column(chunk: Chunk, name: str, entry: Any, steps: int) -> Any:
    if name in _TEXTS:
        return _of_type(chunk, name, entry, str)
    if name in _TUPLES:
        return tuple(read_array(chunk, part, steps) for part in _of_type(chunk, name, entry, list))
    if name in _MAPPINGS:
        return {key: read_array(chunk, part, steps) for key, part in _of_type(chunk, name, entry, dict).items()}
    array = read_array(chunk, entry, steps)
    if name in _NUMBERS and (array.ndim != 1 or array.dtype != np.float64):
        raise chunk.damaged(f"{name} is not one number of 64 bits for each step")
    return array


def _of_type(chunk: Chunk, name: str, entry: Any, kind: type) -> Any:
    if not isinstance(entry, kind):
        raise chunk.damaged(f"{name} is described by {str(entry)[:80]!r}")
    return entry


def _at(column: Any, position: int) -> Any:
    if isinstance(column, str):
        return column
    if isinstance(column, tuple):
        return tuple(array[position, ...] for array in column)
    if isinstance(column, dict):
        return MappingProxyType({name: array[position, ...] for name, array in column.items()})
    return column[position, ...]


def _nbytes(column: Any) -> int:
    if isinstance(column, str):
        return 0
    many = column.values() if isinstance(column, dict) else column if isinstance(column, tuple) else (column,)
    return sum(array.nbytes for array in many)
