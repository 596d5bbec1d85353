"""The lines and discs of a network's picture, and what room they leave for labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from vizkit.views.marks import Cell, Curve, Disc, Mark, Text, points
from vizkit.views.network_layers import Layer, Loss
from vizkit.views.network_layout import BLOCK, FULL, LOSS, Column, Layout, between
from vizkit.views.network_room import Point, Rect, Room
from vizkit.views.network_sketch import DROP, sketch_marks, tangent_mark
from vizkit.views.text import quantity, words

__all__ = ["Sheet", "draw_columns", "draw_edges", "draw_loss", "draw_tangents"]

THIN = 3.0  # the width of a line without a weight
FEW = 12  # edges of a layer up to which they may be wide
WIDTHS = {True: (3.0, 12.0), False: (1.5, 6.0)}  # of few and of many edges, from a weight of zero to the largest


@dataclass(slots=True)
class Sheet:
    """A network's picture while it is being drawn: its marks so far, and the room that is left.

    ``known`` says of the key of a unit, or of ``"loss"``, whether its value has been computed
    yet, ``classes`` whether the outputs speak for classes. ``edges`` and ``labels`` say where lines
    and labels lie, by key.
    """

    layers: tuple[Layer, ...]
    layout: Layout
    known: Callable[[str], bool]
    classes: bool = False
    marks: list[Mark] = field(default_factory=list)
    room: Room = field(init=False)
    edges: dict[str, tuple[Point, Point]] = field(default_factory=dict)
    labels: dict[str, Rect] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.room = Room(Rect(0, 0, *self.layout.size))

    @property
    def height(self) -> float:
        """The picture's height."""
        return self.layout.size[1]

    def role(self, index: int) -> str:
        """Return the colour role of a layer's units."""
        if index == 0:
            return "input"
        return "output" if index == len(self.layers) - 1 else "activation"

    def share(self, index: int, unit: int) -> float:
        """Return how strongly a unit answers, from 0 to 1: by its value's size, a class by how likely it is held."""
        values = self.layers[index].output
        if self.classes and index == len(self.layers) - 1:
            values = values - min(0.0, float(values.min()))
        return abs(float(values[unit])) / (float(np.abs(values).max()) or 1.0)


def draw_columns(sheet: Sheet) -> None:
    """Draw the units of each layer, or its block."""
    for index, column in enumerate(sheet.layout.columns):
        if column.block:
            _block(sheet, f"block:{index}", column)
            continue
        for unit in range(len(column.ys)):
            _unit(sheet, index, unit)


def _block(sheet: Sheet, key: str, column: Column) -> None:
    rect, (wide, high) = column.rect(), BLOCK
    box = Cell(key=key, role="activation", x=rect.left, y=rect.bottom, width=wide, height=high, fill=0.15, frame=4.0)
    sheet.marks.append(box)
    sheet.room.rects.append(rect)


def _unit(sheet: Sheet, index: int, unit: int) -> None:
    key, layer, column = f"unit:{index}:{unit}", sheet.layers[index], sheet.layout.columns[index]
    x, y = column.at(unit)
    known, sketched = sheet.known(key), column.radius >= FULL and layer.sketched
    strength = sheet.share(index, unit) if known and not column.valued else 0.0
    sheet.marks.append(Disc(key=key, role=sheet.role(index), x=x, y=y, radius=column.radius, strength=strength))
    sheet.room.discs.append(((x, y), column.radius + 2))
    if sketched:
        sheet.marks += sketch_marks(key, layer, unit, (x, y), known)
    if column.valued and known:
        value = words(quantity(f"value[{index}][{unit}]", layer.output[unit]))
        sheet.marks.append(Text(key=f"{key}:value", words=value, x=x, y=y - DROP * sketched, size="value"))


def draw_tangents(sheet: Sheet, keys: Iterable[str]) -> None:
    """Draw the tangent to the activation in the units of these keys, where there is a drawing."""
    for key in keys:
        if f"{key}:curve" not in {mark.key for mark in sheet.marks}:
            continue
        index, unit = (int(part) for part in key.split(":")[1:])
        sheet.marks.append(tangent_mark(key, sheet.layers[index], unit, sheet.layout.columns[index].at(unit)))


def draw_edges(sheet: Sheet) -> None:
    """Draw a line for each weight, as wide as it is large, and a thin one from or to a block."""
    sizes = [float(np.abs(layer.weights).max()) for layer in sheet.layers if layer.weights is not None]
    largest = max(sizes, default=0.0) or 1.0
    for index in range(1, len(sheet.layers)):
        before, after = sheet.layout.columns[index - 1 : index + 1]
        weights = None if before.block else sheet.layers[index].weights
        for i, j in np.ndindex(len(before.ys), len(after.ys)):
            ends = _ends(before, i, after, j)
            thin, thick = WIDTHS[len(before.ys) * len(after.ys) <= FEW]
            if weights is None:
                _line(sheet, f"link:{index}:{i}:{j}", ends)
                continue
            weight = float(weights[i, j])
            width = thin + (thick - thin) * abs(weight) / largest
            _line(sheet, f"edge:{index}:{i}:{j}", ends, width, weight)


def _line(sheet: Sheet, key: str, ends: tuple[Point, Point], width: float = THIN, weight: float | None = None) -> None:
    role = "muted" if weight is None else "negative" if weight < 0 else "positive"
    line = points(*zip(*ends, strict=True))
    sheet.marks.append(Curve(key=key, role=role, points=line, width=width, value=weight, shows=weight is not None))
    sheet.room.lines.append((*ends, width))
    sheet.edges[key] = ends


def draw_loss(sheet: Sheet, loss: Loss) -> None:
    """Draw the loss's box at the right and the lines that lead to it."""
    if sheet.layout.loss is None:
        return
    x, y = sheet.layout.loss
    rect, last = Rect.around((x, y), LOSS), sheet.layout.columns[-1]
    box = Cell(key="loss", role="loss", x=rect.left, y=rect.bottom, width=LOSS[0], height=LOSS[1], frame=4.0)
    sheet.marks += [box, Text(key="loss:name", role="loss", words=words(loss.name), x=x, y=y + 30)]
    sheet.room.rects.append(rect)
    for unit in range(1 if last.tail else len(last.ys)):
        _line(sheet, f"loss:edge:{unit}", _to_box(last, unit, (rect.left, y)))
    if sheet.known("loss"):
        value = words(quantity(loss.name.lower(), loss.value))
        sheet.marks.append(Text(key="loss:value", words=value, x=x, y=y - 30, size="value"))


def _ends(before: Column, i: int, after: Column, j: int) -> tuple[Point, Point]:
    """Return the ends of the line from one column's unit or block to the next column's."""
    (x0, y0), (x1, y1) = before.at(i), after.at(j)
    start = (x0 + before.radius * before.block, y0)
    end = (x1 - after.radius * after.block, y1)
    return between(start, end, (before.rim, after.rim))


def _to_box(column: Column, unit: int, end: Point) -> tuple[Point, Point]:
    """Return the line from an output to the loss; one from the whole column where values stand beside the units."""
    if column.tail:
        return between((column.x + column.radius + column.tail, end[1]), end, (0.0, 0.0))
    x, y = column.at(unit)
    return between((x + column.radius * column.block, y), end, (column.rim, 0.0))
