"""How data flow through a recorded model: which layer's output went into which layer.

A trace describes layers and not the lines between them, but it keeps what went in and what came
out. An input that is, number for number, what another layer gave before came from there; one that
is the sum of two such outputs went through an addition that is no layer, as in a residual block.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from vizkit.errors import ArgumentError
from vizkit.trace import ForwardEvent, LayerDescription, Trace
from vizkit.typing import Float

__all__ = ["Link", "Row", "read_flow"]

SUMMANDS = 24  # earlier outputs of one shape among which a sum is looked for


@dataclass(frozen=True, slots=True)
class Link:
    """Data that flow from one row to a later one; ``source`` −1 is the model's input.

    ``how`` says what lies between: nothing (``""``), a ``relu``, an addition (``+``), or that only the
    order of the layers is known (``order``).
    """

    source: int
    target: int
    how: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A layer of the model: its names, its output's shape without the batch, and how many parameters it has.

    ``depth`` is the number of layers that contain it, and ``group`` whether it contains others.
    """

    name: str
    kind: str
    shape: tuple[int | None, ...]
    parameters: int
    depth: int = 0
    group: bool = False


def read_flow(trace: Trace, most: int = 18) -> tuple[tuple[Row, ...], tuple[Link, ...]]:
    """Return a trace's layers in the order in which data pass them, and the links between them.

    Parameters
    ----------
    trace
        A recorded run.
    most
        How many rows there may be: of a deep network, layers within layers are folded into the one
        that contains them, the innermost first.

    Raises
    ------
    ArgumentError
        If the trace knows no layers.
    """
    described = {layer.node.index: layer for layer in trace.model.layers}
    if not described:
        raise ArgumentError("An architecture is drawn from a model's layers, but the trace describes none.")
    events = _first_events(trace)
    depths = {index: len(_path(described, index)) - 1 for index in described}
    for deepest in range(max(depths.values()), -1, -1):
        shown = [index for index in described if depths[index] <= deepest]
        if len(shown) <= most:
            break
    order = _in_order(shown, described, events)
    rows = tuple(_row(described, index, depths, deepest) for index in order)
    leaves = [at for at, row in enumerate(rows) if not row.group]
    links = _links([order[at] for at in leaves], events)
    places = {-1: -1, **dict(enumerate(leaves))}
    return rows, tuple(Link(places[link.source], places[link.target], link.how) for link in links)


def _first_events(trace: Trace) -> dict[int, ForwardEvent]:
    """Return each layer's first call in the first step that was recorded forward; only that step is read."""
    first = next((step for step in trace.steps if any(True for _ in trace.events(ForwardEvent, step=step))), None)
    found: dict[int, ForwardEvent] = {}
    if first is not None:
        for event in trace.events(ForwardEvent, step=first, level="layer"):
            found.setdefault(event.node.index, event)
    return found


def _path(described: Mapping[int, LayerDescription], index: int) -> tuple[int, ...]:
    """Return a layer's ancestors that are described, the outermost first, and itself."""
    path = [index]
    while (parent := described[path[0]].node.parent) in described and parent not in path:
        path.insert(0, parent)
    return tuple(path)


def _in_order(
    shown: Sequence[int], described: Mapping[int, LayerDescription], events: Mapping[int, ForwardEvent]
) -> list[int]:
    """Return layers in the order of their calls, each directly after the one that contains it."""
    called = {index: at for at, index in enumerate(events)}
    written = {index: at for at, index in enumerate(described)}

    def first(index: int) -> float:
        inside = [called[each] for each in described if each in called and index in _path(described, each)]
        return min(inside, default=math.inf)

    keys = {index: [(first(each), written[each]) for each in _path(described, index)] for index in shown}
    return sorted(shown, key=keys.__getitem__)


def _row(described: Mapping[int, LayerDescription], index: int, depths: Mapping[int, int], deepest: int) -> Row:
    inside = [each for each in described if index in _path(described, each)]
    opened = len(inside) > 1 and depths[index] < deepest
    counted = [index] if opened else inside
    amount = sum(math.prod(shape) for each in counted for shape in described[each].parameters.values())
    layer = described[index]
    return Row(layer.node.name, layer.node.kind, _shape(layer.output_shape), amount, depths[index], opened)


def _shape(shape: object) -> tuple[int | None, ...]:
    """Return a shape without the batch, of several outputs the first one's."""
    lengths = tuple(shape) if isinstance(shape, tuple | list) else ()
    if lengths and isinstance(lengths[0], tuple | list):
        lengths = tuple(lengths[0])
    return tuple(None if length is None else int(length) for length in lengths[1:])


def _links(order: Sequence[int], events: Mapping[int, ForwardEvent]) -> list[Link]:
    """Return the links between layers that are drawn, by their places in the order."""
    known = [(at, np.asarray(events[index].output)) for at, index in enumerate(order) if index in events]
    links: list[Link] = []
    start: Float["..."] | None = None
    for at, index in enumerate(order):
        if index not in events:
            links.append(Link(at - 1, at, "order"))
            continue
        earlier = [(place, values) for place, values in known if place < at]
        for values in map(np.asarray, events[index].inputs):
            start = values if start is None else start
            links += _origins([(-1, start), *earlier], values, at)
    return list(dict.fromkeys(links))


def _origins(earlier: list[tuple[int, Float["..."]]], values: Float["..."], at: int) -> list[Link]:
    """Return where one input came from, the latest place where it fits."""
    alike = [(place, output) for place, output in reversed(earlier) if output.shape == values.shape]
    for place, output in alike:
        if _same(output, values):
            return [Link(place, at)]
    for place, output in alike:
        if _same(np.maximum(output, 0), values):
            return [Link(place, at, "relu")]
    for (one, first), (other, second) in combinations(alike[:SUMMANDS], 2):
        total = first + second
        if _same(total, values) or _same(np.maximum(total, 0), values):
            return [Link(other, at, "+"), Link(one, at, "+")]
    for place, output in reversed(earlier):
        if output.size == values.size and _same(output.ravel(), values.ravel()):  # reshaped on the way
            return [Link(place, at)]
    return [Link(at - 1, at, "order")]


def _same(one: Float["..."], other: Float["..."]) -> bool:
    return bool(np.allclose(one, other, rtol=1e-5, atol=1e-7, equal_nan=True))
