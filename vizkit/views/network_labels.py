"""The labels of a network's picture: titles, weights, biases, and further numbers, where they have room.

Each function writes on a sheet. What is written first finds the most room, so the caller's
order is the order of importance. Within a layer, weights are written for all edges or for
none, and so are biases: a few numbers among many would look like a choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from vizkit.views.marks import Text
from vizkit.views.network_layers import Loss
from vizkit.views.network_layout import BLOCK, LABEL, LOSS, Column
from vizkit.views.network_marks import Sheet
from vizkit.views.network_room import GAP, Point, Rect, beside, text_size
from vizkit.views.text import Words, quantity, subscript, tally, words

__all__ = [
    "Note",
    "gradient_notes",
    "label_biases",
    "label_columns",
    "label_outputs",
    "label_target",
    "label_weights",
    "write_notes",
]

SHARES = tuple(0.5 + sign * 0.02 * step for step in range(13) for sign in (1, -1))  # places along an edge

LEAN = 44.0  # of a single unit's bias to the right, away from the labels of the edges that come in
NEARBY = 22.0  # step of the places that are tried around a note's own
CLASS_GAP = 20.0  # between a class and its value
BLOCK_GAP = 16.0  # between the shapes of neighbouring blocks, which would read as one

Entry = tuple[str, Words, str]  # the key of an edge or bias, its text, its colour role


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A further number at a place of the network, such as a product or a derivative.

    ``at`` is the key of an edge, bias, unit or the loss; ``key`` is the note's own, so that one
    note can travel from place to place.
    """

    key: str
    at: str
    words: Words
    role: str = "ink"


def _label(sheet: Sheet, key: str, said: Words, role: str, candidates: Iterable[Point]) -> bool:
    """Write a label at the first candidate that is free; leave it out when none is, and say which."""
    at = sheet.room.place(str(said), candidates, gap=BLOCK_GAP if key.startswith("shape:") else GAP)
    if at is not None:
        sheet.marks.append(Text(key=key, role=role, words=said, x=at[0], y=at[1]))
    return at is not None


def _label_all(sheet: Sheet, entries: list[Entry], suffix: str = "") -> None:
    """Write the labels of all entries or of none."""
    wanted = [(str(said), _candidates(sheet, key, str(said), outward=True)) for key, said, _ in entries]
    for (key, said, role), (x, y) in zip(entries, sheet.room.place_all(wanted) or [], strict=False):
        sheet.marks.append(Text(key=key + suffix, role=role, words=said, x=x, y=y))
        sheet.labels[key] = Rect.around((x, y), text_size(str(said)))


def label_columns(sheet: Sheet) -> None:
    """Write each column's title, a block's shape, and how many units are not drawn."""
    for index, (layer, column) in enumerate(zip(sheet.layers, sheet.layout.columns, strict=True)):
        _label(sheet, f"title:{index}", words(layer.title), sheet.role(index), _heads(sheet, column, layer.title))
        if column.block:
            lengths = [tally(f"shape[{index}][{axis}]", length) for axis, length in enumerate(layer.output.shape)]
            said = words(*[part for length in lengths for part in (" × ", length)][1:])
            _label(sheet, f"shape:{index}", said, "muted", _levels(column, -1))
        elif column.more:
            _label_more(sheet, index, column)


def _label_more(sheet: Sheet, index: int, column: Column) -> None:
    """Write how many units are not drawn, in short where the neighbours are near."""
    more, low = tally(f"more[{index}]", column.more), column.ys[-1] - column.radius
    for said in (words("… ", more, " more"), words("+", more)):
        if _label(sheet, f"more:{index}", said, "muted", [(column.x, low - 30), (column.x, low - LABEL)]):
            return


def _heads(sheet: Sheet, column: Column, text: str) -> list[Point]:
    """Return where a column's title may stand: above, between two units, or below."""
    if column.block:
        return _levels(column, 1)
    if len(column.ys) == 2:
        return [(column.x, sum(column.ys) / 2)]
    high = text_size(text)[1] / 2
    top, bottom = column.ys[0] + column.radius, column.ys[-1] - column.radius
    return [(column.x, top + 13 + high), (column.x, sheet.height - high - 2), (column.x, bottom - 13 - high)]


def _levels(column: Column, sign: int) -> list[Point]:
    """Return three heights above or below a block, so that wide texts of neighbours can alternate."""
    return [(column.x, column.ys[0] + sign * (BLOCK[1] / 2 + 34 + level * LABEL)) for level in range(3)]


def label_outputs(sheet: Sheet, loss: Loss | None) -> None:
    """Write the outputs beside their units where these are too small to hold them.

    Where they are classes each has its number, the right one in the target's colour.
    """
    index, layer, column = len(sheet.layers) - 1, sheet.layers[-1], sheet.layout.columns[-1]
    if not column.tail:
        return
    right = None if loss is None else loss.label(layer.units)
    numbers = layer.numbers or range(layer.units)
    for unit, (y, number) in enumerate(zip(column.ys, numbers, strict=False)):
        left = column.x + column.radius + 12
        if right is not None:
            role, said = ("target" if number == right else "muted"), words(tally(f"class[{unit}]", number))
            wide = text_size(str(said))[0]
            _label(sheet, f"unit:{index}:{unit}:class", said, role, [(left + wide / 2, y)])
            left += wide + CLASS_GAP
        if sheet.known(f"unit:{index}:{unit}"):
            said = words(quantity(f"value[{index}][{unit}]", layer.output[unit]))
            _label(sheet, f"unit:{index}:{unit}:value", said, "ink", [(left + text_size(str(said))[0] / 2, y)])


def label_weights(sheet: Sheet) -> None:
    """Write the weights beside their edges, counted through the network: w₁, w₂ ..."""
    first = 1
    for index, layer in enumerate(sheet.layers):
        if layer.weights is None:
            continue
        number, first = first, first + layer.weights.size
        entries: list[Entry] = []
        for (i, j), weight in np.ndenumerate(layer.weights):
            if f"edge:{index}:{i}:{j}" not in sheet.edges:
                break
            name = number + i * layer.weights.shape[1] + j
            said = words(f"w{subscript(name)} = ", quantity(f"w{name}", weight))
            entries.append((f"edge:{index}:{i}:{j}", said, "negative" if weight < 0 else "positive"))
        else:
            _label_all(sheet, entries, ":weight")


def label_biases(sheet: Sheet) -> None:
    """Write the biases above or below their units, counted through the network: b₁, b₂ ..."""
    first = 1
    for index, (layer, column) in enumerate(zip(sheet.layers, sheet.layout.columns, strict=True)):
        if layer.bias is None:
            continue
        number, first = first, first + layer.bias.size
        if column.more:
            continue
        entries: list[Entry] = []
        for unit, bias in enumerate(layer.bias):
            said = words(f"b{subscript(number + unit)} = ", quantity(f"b{number + unit}", bias))
            entries.append((f"bias:{index}:{unit}", said, "bias"))
        _label_all(sheet, entries)


def label_target(sheet: Sheet, loss: Loss, name: str) -> None:
    """Write what the one output, or which class, was right, above the loss's box, with room for a note between."""
    right = loss.label(sheet.layers[-1].units)
    if (loss.target.size != 1 and right is None) or sheet.layout.loss is None:
        return
    value = quantity("target", float(loss.target.reshape(()))) if right is None else tally("target", right)
    said = words(f"{name} ", value)
    wide = text_size(str(said))[0]
    x, y = sheet.layout.loss
    at = (min(x, sheet.layout.size[0] - 4 - wide / 2), y + LOSS[1] / 2 + 44 + 2 * LABEL)
    _label(sheet, "loss:target", said, "target", [at])


def write_notes(sheet: Sheet, notes: Iterable[Note]) -> None:
    """Write the further numbers at their places, or as near as there is room."""
    for note in notes:
        best = _candidates(sheet, note.at, str(note.words), outward=False)
        _label(sheet, note.key, note.words, note.role, [*best, *_nearby(best)])


def _nearby(best: list[Point]) -> list[Point]:
    """Return places around the best one, nearer ones first."""
    if not best:
        return []
    x, y = best[0]
    offsets = [(NEARBY * i, NEARBY * j) for i in range(-8, 9) for j in range(-8, 9)]
    return [(x + dx, y + dy) for dx, dy in sorted(offsets, key=lambda offset: math.hypot(*offset))]


def gradient_notes(sheet: Sheet, wanted: tuple[str, ...]) -> list[Note]:
    """Return the loss's derivatives by the labelled weights and biases that fit a pattern, as notes beside them."""
    notes: list[Note] = []
    first = {"edge": 1, "bias": 1}
    for index, layer in enumerate(sheet.layers):
        found = (("edge", "w", layer.weights, layer.weight_gradient), ("bias", "b", layer.bias, layer.bias_gradient))
        for kind, name, parameter, gradient in found:
            for offset, (place, value) in enumerate(np.ndenumerate([] if gradient is None else gradient)):
                at = ":".join(map(str, (kind, index, *place)))
                if at in sheet.labels and any(fnmatchcase(at, pattern) for pattern in wanted):
                    said = words(quantity(f"d {name}{first[kind] + offset}", value))
                    notes.append(Note(key=f"{at}:gradient", at=at, words=said, role="gradient"))
            first[kind] += 0 if parameter is None else parameter.size
    return notes


def _candidates(sheet: Sheet, at: str, text: str, outward: bool) -> list[Point]:
    """Return the places for a text that belongs to an edge, a bias, a unit or the loss, best first."""
    if at in sheet.edges:
        return _beside_edge(sheet, at, text, outward)
    if at in sheet.labels:
        return _beside_label(sheet.labels[at], text)
    if at == "loss" and sheet.layout.loss is not None:
        x, y = sheet.layout.loss
        x = min(x, sheet.layout.size[0] - 4 - text_size(text)[0] / 2)
        return [(x, y + LOSS[1] / 2 + 30), (x, y - LOSS[1] / 2 - 30)]
    kind, _, place = at.partition(":")
    index, _, unit = place.partition(":")
    if kind not in ("unit", "bias") or not unit.isdecimal():
        return []
    column = sheet.layout.columns[int(index)]
    lean = LEAN if kind == "bias" and len(column.ys) == 1 else 0.0
    return _around_unit(sheet, column.at(int(unit)), column.radius, text, lean)


def _beside_edge(sheet: Sheet, key: str, text: str, outward: bool) -> list[Point]:
    ends = sheet.edges[key]
    above = (ends[0][1] + ends[1][1]) / 2 >= sheet.height / 2
    sides = (above, not above) if outward else (not above, above)
    return [beside(ends, share, text, side) for side in sides for share in SHARES]


def _beside_label(rect: Rect, text: str) -> list[Point]:
    (wide, high), x, y = text_size(text), (rect.left + rect.right) / 2, (rect.bottom + rect.top) / 2
    right, left = (rect.right + 18 + wide / 2, y), (rect.left - 18 - wide / 2, y)
    return [right, (x, rect.bottom - 12 - high / 2), (x, rect.top + 12 + high / 2), left]


def _around_unit(sheet: Sheet, at: Point, radius: float, text: str, lean: float) -> list[Point]:
    """Return the places around a disc: outward first, then the other side, then right and left."""
    (x, y), (wide, high) = at, text_size(text)
    up, across = radius + 12 + high / 2, radius + 14 + wide / 2
    sign = 1 if y > sheet.height / 2 + 1 else -1
    shifts = [lean + sign * step * 15.0 for step in range(7) for sign in (1, -1)]
    near = [(x + shift, y + side * up) for side in (sign, -sign) for shift in shifts]
    return [*near, (x + across, y), (x - across, y)]
