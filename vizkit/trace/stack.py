"""One quantity over many steps becomes one array with named axes, block by block and without events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import TraceQueryError, unknown_name
from vizkit.trace.axes import NamedArray, axis_names
from vizkit.trace.events import KINDS, Node
from vizkit.trace.forms import FIELDS, ArrayForm, EventForm, MappingForm
from vizkit.trace.log import EventLog, find
from vizkit.trace.rows import Block

__all__ = ["Run", "chosen_runs", "stack_runs"]


class Run(NamedTuple):
    """Rows of a block, and the events of its form that are meant."""

    block: Block
    rows: slice
    events: tuple[EventForm, ...]

    def steps(self) -> NDArray[np.int64]:
        """Return the steps of the rows, shape (rows,)."""
        return self.block.steps()[self.rows]


def chosen_runs(log: EventLog, kind: str, nodes: Sequence[Node], steps: Iterable[int] | None) -> list[Run]:
    """Return where the events of one kind and these nodes stand: in the order of the steps, or of `steps`."""
    indices = {node.index for node in nodes}
    meant = [
        (blocks, events)
        for form, blocks in log.blocks().items()
        if (events := tuple(event for event in form.events if event.kind == kind and event.node in indices))
    ]
    if steps is not None:
        return [run for step in steps for blocks, events in meant for run in _row(blocks, int(step), events)]
    runs = [Run(block, slice(0, block.count), events) for blocks, events in meant for block in blocks if block.count]
    return sorted(runs, key=lambda run: run.block.first)


def _row(blocks: Sequence[Block], step: int, events: tuple[EventForm, ...]) -> Iterator[Run]:
    place = find(blocks, step)
    if place is not None:
        yield Run(place[0], slice(place[1], place[1] + 1), events)


def stack_runs(log: EventLog, runs: Sequence[Run], quantity: str, item: int | str | None = None) -> NamedArray:
    """Return one quantity of the events of one kind and one node, stacked to shape (steps, ...).

    Parameters
    ----------
    log
        Where the events stand.
    runs
        At least one.
    quantity
        The field's name.
    item
        Which array of the field, or which parameter's update.

    Raises
    ------
    TraceQueryError
        When the events are of several nodes, several in one step, or of several shapes.
    UnknownNameError
        For a quantity or item that does not exist.
    """
    kind = runs[0].events[0].kind
    if kind == "update":
        runs, parameter, item = *_updates_of(runs, item), None
    _check_quantity(kind, quantity)
    node = _one_node(log, runs)
    runs = _holding(runs, quantity) or runs
    forms = [_item(run.events[0].part(quantity), item, quantity) for run in runs]
    _check_shapes(node, runs, forms, quantity)
    values, steps = _gathered(runs, forms)
    name = parameter if kind == "update" else _name(runs[0].events[0].part(quantity), item)
    axes = axis_names(node, quantity, name, values.ndim - 1)
    return NamedArray(values, ("step", *axes), tuple(steps.tolist()))


def _gathered(runs: Sequence[Run], forms: Sequence[ArrayForm]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The arrays in the order of their steps, and the steps; a block that was read is let go of."""
    lengths = [run.rows.stop - run.rows.start for run in runs]
    dtype = np.result_type(*{form.dtype for form in forms})
    values, steps = np.empty((sum(lengths), *forms[0].shape), dtype), np.empty(sum(lengths), np.int64)
    end = 0
    for run, form, length in zip(runs, forms, lengths, strict=True):
        begin, end = end, end + length
        values[begin:end] = run.block.column(form, run.rows)
        steps[begin:end] = run.steps()
        if length == run.block.count:
            run.block.forget()
    if max(lengths) > 1 and np.any(np.diff(steps) < 0):  # blocks of several forms whose steps take turns
        order = np.argsort(steps, kind="stable")
        values, steps = values[order], steps[order]
    values.flags.writeable = False
    return values, steps


def _holding(runs: Sequence[Run], quantity: str) -> list[Run]:
    """The runs whose field of arrays by name is not empty, as where parameters are kept at some steps only."""
    return [run for run in runs if run.events[0].part(quantity) != MappingForm(())]


def _updates_of(runs: Sequence[Run], parameter: int | str | None) -> tuple[list[Run], str]:
    names = tuple(dict.fromkeys(str(event.parts[0]) for run in runs for event in run.events))
    if parameter is None and len(names) > 1:
        raise TraceQueryError(f"There are updates of several parameters; say which with item=: {', '.join(names)}.")
    parameter = names[0] if parameter is None else parameter
    if parameter not in names:
        raise unknown_name("parameter", parameter, names)
    kept = [run._replace(events=tuple(event for event in run.events if event.parts[0] == parameter)) for run in runs]
    return [run for run in kept if run.events], str(parameter)


def _check_quantity(kind: str, quantity: str) -> None:
    allowed = [name for name in FIELDS[kind] if name != "parameter"]
    if quantity not in allowed:
        raise unknown_name(f"{KINDS[kind].__name__} quantity", quantity, allowed)


def _one_node(log: EventLog, runs: Sequence[Run]) -> Node:
    nodes = [log.nodes[index] for index in dict.fromkeys(event.node for run in runs for event in run.events)]
    if len(nodes) > 1:
        names = ", ".join(_label(node) for node in nodes)
        raise TraceQueryError(f"One layer is stacked at a time; say which with layer=: {names}.")
    steps = sum(run.rows.stop - run.rows.start for run in runs)
    events = sum((run.rows.stop - run.rows.start) * len(run.events) for run in runs)
    if events > steps:
        raise TraceQueryError(
            f"{_label(nodes[0])} has several such events in one step ({events} in {steps} steps) "
            "and cannot be stacked; read them with trace.events()."
        )
    return nodes[0]


def _check_shapes(node: Node, runs: Sequence[Run], forms: Sequence[ArrayForm], quantity: str) -> None:
    for run, form in zip(runs, forms, strict=True):
        if form.shape != forms[0].shape:
            raise TraceQueryError(
                f"{quantity} of {node.name!r} has the shape {forms[0].shape} at step {runs[0].steps()[0]} but "
                f"{form.shape} at step {run.steps()[0]}; stack steps of one shape with step=[...]."
            )


def _item(part: Any, item: int | str | None, quantity: str) -> ArrayForm:
    if isinstance(part, ArrayForm):
        if item is not None:
            raise TraceQueryError(f"{quantity} is one array; item={item!r} has no meaning for it.")
        return part
    arrays = dict(part.items) if isinstance(part, MappingForm) else dict(enumerate(part))
    if not arrays:
        raise TraceQueryError(f"There are no {quantity} at these steps; trace.missing() may say why.")
    if item is None and len(arrays) == 1:
        item = next(iter(arrays))
    if item is None:
        listed = ", ".join(map(repr, arrays))
        raise TraceQueryError(f"{quantity} holds {len(arrays)} arrays; say which with item=: {listed}.")
    if item not in arrays:
        raise unknown_name(f"{quantity} item", item, map(str, arrays))
    return arrays[item]


def _name(part: Any, item: int | str | None) -> int | str | None:
    """The parameter's name, which says what its axes are."""
    return part.items[0][0] if item is None and isinstance(part, MappingForm) else item


def _label(node: Node) -> str:
    return f"{node.name!r} ({node.index})"
