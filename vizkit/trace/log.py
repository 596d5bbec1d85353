"""The events in the order in which they happened, with an index of what is where.

An event object is made when it is read; until then it is a row, so that recording and loading
cost little. A file that is read lazily hands in functions instead of values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from vizkit.errors import ArgumentError
from vizkit.trace.events import KINDS, Event, Node

__all__ = ["Epoch", "EventLog", "Missing", "Row"]

Values: TypeAlias = tuple[Any, ...]


class Row(NamedTuple):
    """One event before it is an object: `values` are its fields after step and node, or a function that reads them."""

    kind: str
    step: int
    node: Node
    values: Values | Callable[[], Values]

    def read(self) -> Values:
        """Return the event's fields after step and node."""
        return self.values() if callable(self.values) else self.values

    def event(self) -> Event:
        """Return the event as an object."""
        return KINDS[self.kind](self.step, self.node, *self.read())


class Epoch(NamedTuple):
    """The numbers that training reported at the end of an epoch."""

    number: int
    logs: Mapping[str, float]


class Missing(NamedTuple):
    """What a trace does not hold, and why; a node or kind of "" stands for all of them."""

    node: str
    kind: str
    reason: str


class EventLog:
    """Rows in order; steps never go back."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.epochs: list[Epoch] = []
        self.missing: list[Missing] = []
        self.nodes: dict[int, Node] = {}
        self.nbytes = 0
        self._by_step: dict[int, list[int]] = {}
        self._by_place: dict[tuple[str, int], list[int]] = {}
        self.last_step = -1

    def append(self, row: Row, nbytes: int) -> None:
        """Add an event whose arrays, each of shape (...), take `nbytes` in all."""
        if row.step < max(self.last_step, 0):
            raise ArgumentError(f"Steps count from 0 and never go back: step {row.step} came after {self.last_step}.")
        self.add_node(row.node)
        self.last_step = row.step
        self._by_step.setdefault(row.step, []).append(len(self.rows))
        self._by_place.setdefault((row.kind, row.node.index), []).append(len(self.rows))
        self.rows.append(row)
        self.nbytes += nbytes

    def add_node(self, node: Node) -> None:
        """Make a node known; one index stands for one node."""
        known = self.nodes.setdefault(node.index, node)
        if known is not node and known != node:
            raise ArgumentError(f"Two nodes have the index {node.index}: {known} and {node}.")

    def end_epoch(self, number: int, logs: Mapping[str, float]) -> None:
        """Add what training reported at the end of an epoch."""
        self.epochs.append(
            Epoch(int(number), MappingProxyType({str(name): float(value) for name, value in logs.items()}))
        )

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps that have events, in order."""
        return tuple(self._by_step)

    def of_step(self, step: int) -> list[Row]:
        """Return the rows of a step, in order."""
        return [self.rows[i] for i in self._by_step.get(step, ())]

    def select(self, kinds: Sequence[str], nodes: Sequence[Node], step: int | None) -> Iterator[Row]:
        """Yield the rows of these kinds, nodes and step (None: every step), in order."""
        if step is not None:
            places = {(kind, node.index) for kind in kinds for node in nodes}
            yield from (row for row in self.of_step(step) if (row.kind, row.node.index) in places)
            return
        found = [self._by_place.get((kind, node.index), []) for kind in kinds for node in nodes]
        yield from (self.rows[i] for i in sorted(chain.from_iterable(found)))
