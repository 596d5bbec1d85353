"""The events in the order in which they happened, with an index of what is where.

The log is made of blocks: rows of bytes, one for each step, in memory or in a file. An event object is
made when it is read, so that recording and loading cost little.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from heapq import merge
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from vizkit.errors import ArgumentError
from vizkit.trace.arrays import ArraysByName
from vizkit.trace.events import KINDS, Event, Node, made_event
from vizkit.trace.forms import FIELDS, NUMBERS, ArrayForm, EpochForm, EventForm, Form, MappingForm, StepForm
from vizkit.trace.rows import Block

__all__ = ["Epoch", "EventLog", "Missing", "Row", "find", "read_event"]

Values: TypeAlias = tuple[Any, ...]
Place: TypeAlias = tuple[int, Block, int]  # a step, its block, its row there


class Row(NamedTuple):
    """One event before it is an object: `read` gives its fields after step and node."""

    kind: str
    step: int
    node: Node
    read: Callable[[], Values]

    def event(self) -> Event:
        """Return the event as an object."""
        return made_event(self.kind, self.step, self.node, self.read())


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
    """Blocks of steps and of epochs; steps never go back.

    Attributes
    ----------
    open_step
        Returns the step that is not complete yet as a block, or None; set by who records.
    last
        How many steps there are at most, the last ones; None where all stay. Blocks may hold some more.
    """

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self.last: int | None = None
        self._noted: list[Missing] = []
        self._latest = _Latest()
        self.open_step: Callable[[], Block | None] | None = None
        self._blocks: dict[Form, list[Block]] = {}

    def add_block(self, block: Block) -> None:
        """Add a block; its steps come after those of the earlier blocks of its form."""
        self._blocks.setdefault(block.form, []).append(block)

    def add_node(self, node: Node) -> None:
        """Make a node known; one index stands for one node."""
        known = self.nodes.setdefault(node.index, node)
        if known is not node and known != node:
            raise ArgumentError(f"Two nodes have the index {node.index}: {known} and {node}.")

    def note(self, missing: Missing) -> bool:
        """Note something that is missing; say whether it was not noted before."""
        new = missing not in self._noted
        if new:
            self._noted.append(missing)
        return new

    @property
    def missing(self) -> list[Missing]:
        """What was noted, and that early steps were dropped if they were."""
        if self.last is None:
            return self._noted
        self.blocks()  # which finds out whether there are more steps than the last ones
        if not self._latest.dropped:
            return self._noted
        kept = f"the last {self.last:,} steps are" if self.last > 1 else "the last step is"
        return [*self._noted, Missing("", "steps", f"Only {kept} kept; those before were dropped.")]

    def whole_blocks(self) -> list[Block]:
        """Return the blocks of steps as they are, the step that is told just now not among them."""
        return [block for form, blocks in self._blocks.items() if isinstance(form, StepForm) for block in blocks]

    def drop(self, block: Block) -> None:
        """Remove a block."""
        blocks = self._blocks[block.form]
        blocks.remove(block)
        if not blocks:
            del self._blocks[block.form]
        self._latest.dropped = True

    def blocks(self, kind: type[Form] = StepForm) -> dict[Form, list[Block]]:
        """Return the blocks of steps (or of epochs) by their form, each list in order."""
        found = {form: blocks for form, blocks in self._blocks.items() if isinstance(form, kind)}
        unfinished = self.open_step() if self.open_step is not None and kind is StepForm else None
        if unfinished is not None:
            before = [block for block in found.get(unfinished.form, ()) if block.count]  # one may be open for this step
            found[unfinished.form] = [*before, unfinished]
        if self.last is None or kind is not StepForm:
            return found
        return self._latest.of(found, self.last, unfinished is not None)

    @property
    def nbytes(self) -> int:
        """The bytes of the arrays of all events."""
        return sum(block.count * block.form.array_bytes for block in self._all())

    @property
    def last_step(self) -> int:
        """The last step; -1 when there is none."""
        return max((block.last for block in self._all()), default=-1)

    def last_of(self, form: Form) -> int:
        """Return the last step of the blocks of one form; -1 when there is none."""
        return self._blocks[form][-1].last if form in self._blocks else -1

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps that have events, in order."""
        parts = [block.steps() for block in self._all() if block.count]
        return tuple(np.sort(np.concatenate(parts)).tolist()) if parts else ()

    @property
    def step_count(self) -> int:
        """The number of steps that have events."""
        return sum(block.count for block in self._all())

    def __len__(self) -> int:
        return sum(block.count * len(block.form.events) for block in self._all())

    @property
    def rows(self) -> Iterator[Row]:
        """All events in order."""
        return self.select(tuple(KINDS), tuple(self.nodes.values()), None)

    @property
    def epochs(self) -> list[Epoch]:
        """What training reported, epoch by epoch."""
        found = []
        for _, block, row in _in_order(self.blocks(EpochForm).values(), None):
            numbers = block.array(ArrayForm("f8", (1 + len(block.form.names),)), row)
            number = int(numbers[:1].view("<i8")[0])
            logs = dict(zip(block.form.names, numbers[1:].tolist(), strict=True))
            found.append(Epoch(number, MappingProxyType(logs)))
        return found

    @property
    def epoch_count(self) -> int:
        """The number of epochs."""
        return sum(block.count for blocks in self.blocks(EpochForm).values() for block in blocks)

    def select(self, kinds: Sequence[str], nodes: Sequence[Node], step: int | None) -> Iterator[Row]:
        """Yield the rows of these kinds, nodes and step (None: every step), in order."""
        places = {(kind, node.index) for kind in kinds for node in nodes}
        chosen = {}
        blocks = self.blocks()
        for form in blocks:
            events = [event for event in form.events if (event.kind, event.node) in places]
            if events:
                chosen[form] = events
        for at, block, row in _in_order([blocks[form] for form in chosen], step):
            for event in chosen[block.form]:
                yield Row(event.kind, at, self.nodes[event.node], partial(read_event, event, block, row))

    @property
    def parameter_steps(self) -> tuple[int, ...]:
        """The steps that have parameters, their gradients or updates, or statistics of these, in order."""
        found = [blocks for form, blocks in self.blocks().items() if any(map(_is_of_parameters, form.events))]
        parts = [block.steps() for blocks in found for block in blocks if block.count]
        return tuple(np.sort(np.concatenate(parts)).tolist()) if parts else ()

    def event_forms(self) -> Iterator[EventForm]:
        """Yield the forms of the events that there are."""
        return chain.from_iterable(form.events for form in self.blocks())

    def _all(self) -> Iterator[Block]:
        return chain.from_iterable(self.blocks().values())


def _is_of_parameters(event: EventForm) -> bool:
    if event.kind == "statistics":
        return event.part("of") == "update" or event.part("quantity") in ("parameters", "parameter_gradients")
    return event.kind == "update" or any(isinstance(part, MappingForm) and part.items for part in event.parts)


class _Latest:
    """The last steps among those of some blocks; what was found is kept until there are others."""

    def __init__(self) -> None:
        self.dropped = False  # whether there were steps before these blocks
        self._key: tuple[int, ...] = ()
        self._found: dict[Form, list[Block]] = {}

    def of(self, blocks: dict[Form, list[Block]], last: int, is_open: bool) -> dict[Form, list[Block]]:
        """Return blocks without the rows that come before the last steps; `is_open` when one step is not complete."""
        every = [block for several in blocks.values() for block in several if block.count]
        total = sum(block.count for block in every)
        if total <= last:
            return blocks
        self.dropped = True
        key = (total, max(block.last for block in every), sum(len(form.events) for form in blocks), is_open)
        if key != self._key:
            steps = np.sort(np.concatenate([block.steps() for block in every]))
            since, self._found, self._key = steps[-last], {}, key
            for form, several in blocks.items():
                left = [part for block in several if (part := block.since(since)) is not None]
                self._found |= {form: left} if left else {}
        return self._found


def _in_order(several: Any, step: int | None) -> Iterator[Place]:
    """The rows of blocks of several forms by their steps."""
    if step is not None:
        for blocks in several:
            place = find(blocks, step)
            if place is not None:
                yield step, *place
        return
    walks = [_walk(blocks) for blocks in several]
    yield from walks[0] if len(walks) == 1 else merge(*walks, key=lambda place: place[0])


def find(blocks: Sequence[Block], step: int) -> tuple[Block, int] | None:
    """Return the block and the row of a step among blocks of one form; None when it is not there."""
    end = len(blocks)
    while end and not blocks[end - 1].count:  # opened for a step that turned out to look different
        end -= 1
    number = bisect_right(blocks, step, 0, end, key=lambda block: block.first) - 1
    row = blocks[number].position(step) if number >= 0 else None
    return None if row is None else (blocks[number], row)


def _walk(blocks: Sequence[Block]) -> Iterator[Place]:
    for block in blocks:
        for row, step in enumerate(block.steps().tolist()):
            yield step, block, row
        block.forget()


def read_event(event: EventForm, block: Block, row: int) -> Values:
    """Return the fields of one event after step and node, its arrays of shape (...) as they stand in a row."""
    pairs = zip(FIELDS[event.kind], event.parts, strict=True)
    return tuple(
        float(block.array(part, row)[()]) if name in NUMBERS else _part(part, block, row) for name, part in pairs
    )


def _part(part: Any, block: Block, row: int) -> Any:
    if isinstance(part, ArrayForm):
        return block.array(part, row)
    if isinstance(part, MappingForm):
        return ArraysByName({name: block.array(form, row) for name, form in part.items})
    return part if isinstance(part, str) else tuple(block.array(form, row) for form in part)
