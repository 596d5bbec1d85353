"""What the metadata of a chunk may say: each value from a file is checked before it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from vizkit.errors import TraceVersionError
from vizkit.trace.arrays import DTYPES
from vizkit.trace.chunks import Chunk
from vizkit.trace.events import KINDS, Node
from vizkit.trace.forms import FIELDS, NUMBERS, ArrayForm, EventForm, MappingForm, Part

__all__ = ["checked_array", "checked_events", "checked_list", "whole_number"]

_MOST_AXES = 32
_LONGEST = 2**48  # more than any file holds; keeps products small enough to compute
_TUPLES = ("inputs", "input_gradients")
_MAPPINGS = ("parameters", "parameter_gradients")
_TEXTS = ("parameter", "of", "quantity", "item")


def whole_number(value: Any) -> bool:
    """Say whether a JSON value is a whole number from 0 that fits into 48 bits."""
    return type(value) is int and 0 <= value < _LONGEST


def checked_list(chunk: Chunk, name: str) -> list[Any]:
    """Return a list of the metadata."""
    entries = chunk.metadata.get(name)
    if not isinstance(entries, list):
        raise chunk.damaged(f"it has no list of {name}")
    return entries


def checked_array(chunk: Chunk, entry: Any, room: int, times: int = 1) -> ArrayForm:
    """Return what an entry of the metadata says of an array.

    Parameters
    ----------
    chunk
        The chunk that holds it.
    entry
        What the metadata say.
    room
        The bytes of the memory that it is in.
    times
        How often it stands there, one after the other.

    Raises
    ------
    TraceFileError
        When the entry makes no sense.
    TraceVersionError
        When the array is stored in a way that a newer vizkit introduced.
    """
    if not isinstance(entry, dict) or not {"dtype", "shape", "at"} <= entry.keys():
        raise chunk.damaged(f"an array is described by {str(entry)[:80]!r}")
    if "encoding" in entry:
        raise TraceVersionError(
            f"{chunk.file} stores arrays as {str(entry['encoding'])[:20]!r}, which needs a newer vizkit."
        )
    shape, dtype, at, order = entry["shape"], entry["dtype"], entry["at"], entry.get("order")
    if not isinstance(shape, list) or len(shape) > _MOST_AXES or not all(map(whole_number, shape)):
        raise chunk.damaged(f"an array has the impossible shape {str(shape)[:80]!r}")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise chunk.damaged(f"an array has the element type {str(dtype)[:20]!r}")
    if order is not None and not _is_order(order, len(shape)):
        raise chunk.damaged(f"an array has the impossible order of axes {str(order)[:80]!r}")
    kind = np.dtype(dtype)
    size = prod(shape) * kind.itemsize * times
    if not whole_number(at) or at % kind.alignment or at + size > room:
        raise chunk.damaged(f"an array of {size} bytes at {at} does not fit into {room} bytes of data")
    if prod(filter(None, shape)) >= _LONGEST:  # an empty array whose other axes are too long
        raise chunk.damaged(f"an array has the impossible shape {str(shape)[:80]!r}")
    return ArrayForm(dtype, tuple(shape), at, None if order is None else tuple(order))


def _is_order(order: Any, axes: int) -> bool:
    return isinstance(order, list) and all(type(axis) is int for axis in order) and sorted(order) == list(range(axes))


def checked_events(chunk: Chunk, nodes: Mapping[int, Node], array: Callable[[Any], ArrayForm]) -> tuple[EventForm, ...]:
    """Return the events that the metadata describe.

    Parameters
    ----------
    chunk
        The chunk.
    nodes
        The nodes that the file has named so far.
    array
        Returns what an entry says of an array.
    """
    events = chunk.metadata.get("events")
    if not isinstance(events, list) or not events:
        raise chunk.damaged("it has no list of events")
    found = []
    for event in events:
        if not isinstance(event, dict) or event.get("kind") not in tuple(KINDS):
            raise chunk.damaged(f"an event is described by {str(event)[:80]!r}")
        node, kind = event.get("node"), event["kind"]
        if not whole_number(node) or node not in nodes:
            raise chunk.damaged(f"an event belongs to the unknown node {str(node)[:20]!r}")
        found.append(EventForm(kind, node, tuple(_part(chunk, name, event.get(name), array) for name in FIELDS[kind])))
    return tuple(found)


def _part(chunk: Chunk, name: str, entry: Any, array: Callable[[Any], ArrayForm]) -> Part:
    if name in _TEXTS:
        return _of_type(chunk, name, entry, str)
    if name in _TUPLES:
        return tuple(map(array, _of_type(chunk, name, entry, list)))
    if name in _MAPPINGS:
        return MappingForm(tuple((key, array(part)) for key, part in _of_type(chunk, name, entry, dict).items()))
    form = array(entry)
    if name in NUMBERS and (form.shape or form.dtype != "f8"):
        raise chunk.damaged(f"{name} is not one number of 64 bits for each step")
    return form


def _of_type(chunk: Chunk, name: str, entry: Any, kind: type) -> Any:
    if not isinstance(entry, kind):
        raise chunk.damaged(f"{name} is described by {str(entry)[:80]!r}")
    return entry
