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
from typing import TypeAlias

import numpy as np

from vizkit.errors import ArgumentError
from vizkit.trace import ForwardEvent, LayerDescription, Trace
from vizkit.typing import Float

__all__ = ["Link", "Row", "read_flow"]

SUMMANDS = 16  # earlier outputs of one shape among which a sum is looked for


@dataclass(frozen=True, slots=True)
class Link:
    """Data that flow from one row to a later one; ``source`` −1 is the model's input.

    ``how`` says what lies between: nothing (``""``), a ``relu``, or that only the order of the layers is
    known (``order``).
    """

    source: int
    target: int
    how: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A layer of the model: its names, its output's shape without the batch, and how many parameters it has.

    ``depth`` is the number of layers that contain it, and ``group`` whether it contains others. An addition
    that is no layer has a row of its own, of the kind ``+`` and without a name.
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
    rows = [_row(described, index, depths, deepest) for index in order]
    leaves = [index for index, row in zip(order, rows, strict=True) if not row.group]
    found = _Flow(events)
    for index in leaves:
        found.enter(index)
    return _placed(rows, found)


def _placed(rows: list[Row], flow: _Flow) -> tuple[tuple[Row, ...], tuple[Link, ...]]:
    """Return the rows with those of additions among them, each after the layer before it, and the links by row."""
    made: list[Row] = []
    places = {START: -1}
    left = list(flow.points)
    for row in rows:
        while not row.group and isinstance(left[0], _Sum):
            at = max((place for place in range(len(made)) if not made[place].group), default=-1) + 1
            made.insert(at, Row("", "+", left[0].values.shape[1:], 0, made[at - 1].depth if at else 0))
            places = {point: place + (place >= at) for point, place in places.items()} | {left.pop(0): at}
        if not row.group:
            places[left.pop(0)] = len(made)
        made.append(row)
    links = (Link(places[one], places[other], how) for one, other, how in flow.links)
    return tuple(made), tuple(dict.fromkeys(links))


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


@dataclass(frozen=True, eq=False)
class _Sum:
    """An addition that is no layer, with what it gave."""

    values: Float["..."]


Point: TypeAlias = "int | str | _Sum"  # a layer's index, the start, or an addition
START = "start"


class _Flow:
    """Where data were seen, point by point in the order of the calls, and how they came there."""

    def __init__(self, events: Mapping[int, ForwardEvent]) -> None:
        self.events = events
        self.points: list[Point] = []
        self.links: list[tuple[Point, Point, str]] = []
        self.known: list[tuple[Point, Float["..."]]] = []

    def enter(self, index: int) -> None:
        """Take the next layer: find where each of its inputs came from."""
        event = self.events.get(index)
        before = next((point for point in reversed(self.points) if not isinstance(point, _Sum)), START)
        for values in map(np.asarray, () if event is None else event.inputs):
            if not self.known:
                self.known.append((START, values))
            self._link(values, index, before)
        if event is None:
            self.links.append((before, index, "order"))
        else:
            self.known.append((index, np.asarray(event.output)))
        self.points.append(index)

    def _link(self, values: Float["..."], index: int, before: Point) -> None:
        """Note where an input of a layer came from, of several places where it fits the latest."""
        found = self._equal(values)
        if found is None and (total := self._sum(values)) is not None:
            one, other, added = total
            self.points.append(added)
            self.links += [(one, added, ""), (other, added, "")]
            self.known.append((added, added.values))
            found = (added, "" if _same(added.values, values) else "relu")
        self.links.append((before, index, "order") if found is None else (found[0], index, found[1]))

    def _equal(self, values: Float["..."]) -> tuple[Point, str] | None:
        """Return where these numbers were seen before, as they are, bent by a relu, or in another shape."""
        for how, bend in (("", np.asarray), ("relu", lambda output: np.maximum(output, 0))):
            for point, output in reversed(self.known):
                if output.shape == values.shape and _same(bend(output), values):
                    return point, how
        for point, output in reversed(self.known):
            if output.size == values.size and _same(output.ravel(), values.ravel()):
                return point, ""
        return None

    def _sum(self, values: Float["..."]) -> tuple[Point, Point, _Sum] | None:
        """Return the two points whose numbers, each perhaps bent by a relu, add up to these or to these unbent."""
        alike = [(point, output) for point, output in reversed(self.known) if output.shape == values.shape][:SUMMANDS]
        bent = [(point, np.maximum(output, 0)) for point, output in alike]
        for (one, first), (other, second) in combinations([*alike, *bent], 2):
            total = first + second
            if one != other and (_same(total, values) or _same(np.maximum(total, 0), values)):
                return one, other, _Sum(total)
        return None


def _same(one: Float["..."], other: Float["..."]) -> bool:
    return bool(np.allclose(one, other, rtol=1e-5, atol=1e-7, equal_nan=True))
