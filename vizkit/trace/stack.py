"""One quantity over many events becomes one array with named axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import TraceQueryError, unknown_name
from vizkit.trace.axes import NamedArray, axis_names
from vizkit.trace.events import Event, Node

__all__ = ["stack_events"]


def stack_events(events: Sequence[Event], quantity: str, item: int | str | None = None) -> NamedArray:
    """Return one quantity of events of one kind and one node, stacked to shape (steps, ...).

    Parameters
    ----------
    events
        At least one event, in order, each of another step.
    quantity
        The field's name.
    item
        Which array of the field, or which parameter's update.
    """
    if hasattr(events[0], "parameter"):
        events, item = _updates_of(events, item), None
    _check_quantity(events[0], quantity)
    _check_one_node(events)
    arrays = [np.asarray(_item(getattr(event, quantity), item, quantity)) for event in events]
    _check_shapes(events, arrays, quantity)
    values = np.stack(arrays)
    values.flags.writeable = False
    name = _parameter_name(events[0], quantity, item)
    axes = axis_names(events[0].node, quantity, name, arrays[0].ndim)
    return NamedArray(values, ("step", *axes), tuple(event.step for event in events))


def _updates_of(events: Sequence[Any], parameter: int | str | None) -> list[Any]:
    names = tuple(dict.fromkeys(event.parameter for event in events))
    if parameter is None and len(names) > 1:
        raise TraceQueryError(f"There are updates of several parameters; say which with item=: {', '.join(names)}.")
    parameter = names[0] if parameter is None else parameter
    if parameter not in names:
        raise unknown_name("parameter", parameter, names)
    return [event for event in events if event.parameter == parameter]


def _check_quantity(event: Event, quantity: str) -> None:
    names = [entry.name for entry in fields(event)][2:]
    if quantity not in names or isinstance(getattr(event, quantity), str):
        allowed = [name for name in names if name != "parameter"]
        raise unknown_name(f"{type(event).__name__} quantity", quantity, allowed)


def _check_one_node(events: Sequence[Event]) -> None:
    nodes = tuple(dict.fromkeys(event.node for event in events))
    if len(nodes) > 1:
        names = ", ".join(_label(node) for node in nodes)
        raise TraceQueryError(f"One layer is stacked at a time; say which with layer=: {names}.")
    steps = [event.step for event in events]
    if len(set(steps)) < len(steps):
        raise TraceQueryError(
            f"{_label(nodes[0])} has several such events in one step ({len(steps)} in {len(set(steps))} steps) "
            "and cannot be stacked; read them with trace.events()."
        )


def _check_shapes(events: Sequence[Event], arrays: Sequence[NDArray[Any]], quantity: str) -> None:
    for event, array in zip(events, arrays, strict=True):
        if array.shape != arrays[0].shape:
            raise TraceQueryError(
                f"{quantity} of {event.node.name!r} has the shape {arrays[0].shape} at step {events[0].step} but "
                f"{array.shape} at step {event.step}; stack steps of one shape with step=[...]."
            )


def _item(value: Any, item: int | str | None, quantity: str) -> Any:
    if not isinstance(value, (tuple, Mapping)):
        if item is not None:
            raise TraceQueryError(f"{quantity} is one array; item={item!r} has no meaning for it.")
        return value
    names = list(value) if isinstance(value, Mapping) else list(range(len(value)))
    if item is None and len(names) == 1:
        item = names[0]
    if item is None:
        listed = ", ".join(map(repr, names)) or "none"
        raise TraceQueryError(f"{quantity} holds {len(names)} arrays; say which with item=: {listed}.")
    if item not in names:
        raise unknown_name(f"{quantity} item", item, map(str, names))
    return value[item]


def _parameter_name(event: Any, quantity: str, item: int | str | None) -> int | str | None:
    """Whose axes the array has: an update's arrays are its parameter's."""
    if hasattr(event, "parameter"):
        return event.parameter
    value = getattr(event, quantity)
    return next(iter(value)) if item is None and isinstance(value, Mapping) else item


def _label(node: Node) -> str:
    return f"{node.name!r} ({node.index})"
