"""The marks of a blueprint: two lines of grids, and the dense layer as edges with their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vizkit.views.grids import HEAD, Grid, canvas, decimals
from vizkit.views.marks import Arrow, Cell, Curve, Disc, Mark, Text, points
from vizkit.views.network_room import beside
from vizkit.views.picture import Picture
from vizkit.views.text import quantity, words

if TYPE_CHECKING:
    from vizkit.views.blueprint import BlueprintView

__all__ = ["draw"]

SIDE = 584.0  # of the image and the maps
GAP = 100.0
KERNEL = 450.0
WIDTH = 3 * SIDE + KERNEL + 3 * GAP
LINE = SIDE + HEAD  # height of one line
BETWEEN = 70.0  # from one line to the next
TOP = 2 * LINE + BETWEEN - HEAD
RADIUS = 82.0
ALONG = {1: (0.4,), 2: (0.1, 0.26)}  # where the weights stand, by the number of answers
ROOMY = 120.0  # from one flat value to the next, so that weights find room between their lines


def _scaled(key: str, values: np.ndarray, corner: tuple[float, float], side: float, **options: object) -> Grid:
    """Return a grid that is `side` wide."""
    digits = decimals(values)
    return Grid(key, values, corner[0], corner[1], side / values.shape[1], digits=digits, **options)


def _first_line(view: BlueprintView) -> list[Grid]:
    lefts = (0.0, SIDE + GAP, SIDE + KERNEL + 2 * GAP, 2 * SIDE + KERNEL + 3 * GAP)
    return [
        _scaled("input", view.image, (lefts[0], TOP), SIDE, role="input", title="input"),
        _scaled("kernel", view.kernel, (lefts[1], TOP), KERNEL, role="positive", title="kernel", signed=True),
        _scaled("map", view.output, (lefts[2], TOP), SIDE, role="output", title="feature map", signed=True),
        _scaled("active", view.activated, (lefts[3], TOP), SIDE, role="activation", title=f"after {view.activation}"),
    ]


def _second_line(view: BlueprintView) -> list[Grid]:
    column = view.pooled.reshape(-1, 1)
    digits = decimals(view.pooled)
    tall = SIDE / column.shape[0]
    pooled = _scaled("pooled", view.pooled, (0, SIDE), SIDE, role="activation", title="max pooling")
    flat = Grid(
        "flat", column, SIDE + GAP, SIDE, 160, tall, role="activation", title="flatten",
        digits=digits, limit=float(np.abs(column).max()) or 1.0,
    )  # fmt: skip
    return [pooled, flat]


def _arrow(before: Grid, after: Grid) -> Arrow:
    y = before.middle[1]
    return Arrow(key=f"to:{after.key}", role="muted", start=(before.right + 14, y), end=(after.left - 14, y))


def _bias(view: BlueprintView, kernel: Grid) -> list[Mark]:
    """Return the bias below the kernel, with the signs of the convolution beside both."""
    x, cell = kernel.middle[0], 170.0
    y = TOP - SIDE
    words_ = words(quantity("bias", view.bias, decimals([view.bias])))
    box = Cell(key="bias", role="bias", x=x - 10, y=y, width=cell, height=SIDE - KERNEL - 36, words=words_, frame=4)
    name = Text(
        key="bias:label", role="bias", words=words("+ bias"), x=x - 30, y=y + box.height / 2, ha="right"
    )  # fmt: skip
    return [box, name]


def _signs(grids: list[Grid]) -> list[Mark]:
    image, kernel, output, _ = grids
    y = kernel.middle[1]
    places = (("times", "×", image.right + GAP / 2), ("equals", "=", (kernel.right + output.left) / 2))
    return [
        Text(key=key, role="muted", words=words(sign), x=x, y=y, size="heading", bold=True) for key, sign, x in places
    ]


def _rows(amount: int) -> list[float]:
    """Return the heights at which the answers stand."""
    return [SIDE * (1 - (2 * index + 1) / (2 * amount)) for index in range(amount)]


def _units(view: BlueprintView, x: float) -> list[Mark]:
    marks: list[Mark] = []
    digits = decimals(view.answers)
    strengths = np.clip(view.answers, 0, 1)
    for index, y in enumerate(_rows(view.answers.size)):
        best = index == view.best
        role = "output" if best else "muted"
        value = quantity(f"answer[{index}]", view.answers[index], digits)
        bias = quantity(f"dense_bias[{index}]", view.biases[index])
        marks += [
            Disc(
                key=f"answer:{index}", role=role, x=x, y=y, radius=RADIUS, width=8 if best else 4,
                strength=float(strengths[index]) if best else 0.0,
            ),
            Text(key=f"answer:{index}:value", words=words(value), x=x, y=y, size="value"),
            Text(
                key=f"answer:{index}:name", role=role, words=words(view.classes[index]), x=x + RADIUS, y=y, dx=30,
                ha="left", size="heading", bold=best,
            ),
            Text(
                key=f"answer:{index}:bias", role="bias", words=words("bias ", bias), x=x, y=y - RADIUS, dy=-8, va="top"
            ),
        ]  # fmt: skip
    return marks


def _edges(view: BlueprintView, flat: Grid, x: float) -> list[Mark]:
    """Return the dense layer's weights as lines; up to two answers have their weights written above them.

    Near their start lines to one answer lie apart; those to a second answer are labelled further on, where they have
    left the first one's.
    """
    largest = float(np.abs(view.weights).max()) or 1.0
    start, end = flat.right + 6, x - RADIUS
    along = ALONG.get(view.answers.size, ()) if SIDE / len(view.weights) >= ROOMY else ()
    marks: list[Mark] = []
    for (row, answer), weight in np.ndenumerate(view.weights):
        low, high = flat.centre(row, 0)[1], _rows(view.answers.size)[answer]
        role = "negative" if weight < 0 else "positive"
        line = Curve(
            key=f"weight:{row},{answer}", role=role, points=points([start, end], [low, high]),
            width=3 + 9 * abs(float(weight)) / largest, value=float(weight),
        )  # fmt: skip
        marks.append(line)
        if along:
            label = words(quantity(f"weight[{row},{answer}]", weight))
            at = beside(((start, low), (end, high)), along[answer], str(label), above=True, thick=line.width)
            marks.append(Text(key=f"{line.key}:text", role=role, words=label, x=at[0], y=at[1], halo=True))
    return marks


def draw(view: BlueprintView) -> Picture:
    """Return the picture of the two lines."""
    first, second = _first_line(view), _second_line(view)
    pooled, flat = second
    x = WIDTH - RADIUS - 260
    marks: list[Mark] = [mark for grid in (*first, *second) for mark in grid.marks()]
    marks += [*_signs(first), *_bias(view, first[1]), _arrow(first[2], first[3]), _arrow(pooled, flat)]
    marks += [*_edges(view, flat, x), *_units(view, x)]
    middle = (flat.right + x) / 2
    marks.append(
        Text(key="dense:title", role="ink", words=words("dense"), x=middle, y=SIDE, dy=14, va="bottom")
    )  # fmt: skip
    marks.append(Text(key="answer:title", role="output", words=words("answer"), x=x, y=SIDE, dy=14, va="bottom"))
    return canvas(marks, WIDTH, TOP + HEAD)
