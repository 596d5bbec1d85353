"""A step of a convolution on a large input: the picture with its window, the products as a list, the map.

The window is a small square on the picture. Its pixels and weights stand beside each other
line by line with their products, and the sum below. The map and its place have one scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vizkit.views.grids import HEAD, HEIGHT, Grid, canvas, decimals
from vizkit.views.images_layout import framed
from vizkit.views.images_scale import ColourScale, common_limit
from vizkit.views.marks import Arrow, Cell, Curve, Image, Mark, Text, points
from vizkit.views.picture import Picture
from vizkit.views.text import count, quantity, words

if TYPE_CHECKING:
    from vizkit.views.convolution import ConvolutionStepView

__all__ = ["draw", "listed"]

SIDE = 470.0  # longest side of the two pictures
MOST_LINES = 9  # products that are written out; of a larger kernel the largest, and the rest as one
LINE = 42.0
COLUMN = 150.0
GAP = 56.0  # between the columns, for the sign
LIST_LEFT = SIDE + 96.0
MAP_LEFT = LIST_LEFT + 3 * COLUMN + 2 * GAP + 96.0
_TOP = HEIGHT - HEAD


def listed(products: np.ndarray) -> np.ndarray:
    """Return which products, as indices into the flat array of any shape, are written out, in reading order.

    Examples
    --------
    >>> listed(np.eye(2)).tolist()
    [0, 1, 2, 3]
    """
    flat = np.abs(products).ravel()
    if flat.size <= MOST_LINES:
        return np.arange(flat.size)
    largest = np.argsort(-flat, kind="stable")[: MOST_LINES - 1]
    return np.sort(largest)


def _picture(key: str, values: np.ndarray, left: float, role: str) -> Image:
    """Return an image in a square of `SIDE`, its upper edge on the common line."""
    unit = SIDE / max(values.shape)
    height, width = unit * values.shape[0], unit * values.shape[1]
    return Image(
        key=key, role=role, values=values, x=left + (SIDE - width) / 2, y=_TOP - height, width=width, height=height,
        limit=common_limit(values), signed=bool((values < 0).any()),
    )  # fmt: skip


def _square(image: Image, key: str, corner: tuple[int, int], shape: tuple[int, int], role: str) -> Curve:
    unit = image.width / image.values.shape[1]
    left, top = image.x + unit * corner[1], image.y + image.height - unit * corner[0]
    right, bottom = left + unit * shape[1], top - unit * shape[0]
    outline = points([left, right, right, left, left], [top, top, bottom, bottom, top])
    return Curve(key=key, role=role, points=outline, width=6, shows=False, depth=3)


def _heading(key: str, text: str, x: float, role: str) -> Text:
    return Text(key=key, role=role, words=words(text), x=x, y=_TOP, dy=14, va="bottom")


def _columns(view: ConvolutionStepView, chosen: np.ndarray) -> list[Mark]:
    digits = decimals(view.image, view.kernel, view.products)
    pixels, weights, products = (
        np.ravel(table)[chosen][:, None] for table in (view.pixels, view.kernel, view.products)
    )
    limits = (common_limit(view.image), common_limit(view.kernel), common_limit(view.products))
    signed = (bool((view.image < 0).any()), True, True)
    marks: list[Mark] = []
    parts = zip(
        ("pixel", "weight", "product"), ("input", "positive", "output"), (pixels, weights, products), strict=True
    )
    for index, (key, role, table) in enumerate(parts):
        left = LIST_LEFT + index * (COLUMN + GAP)
        grid = Grid(
            key, table, left, _TOP, COLUMN, LINE, role=role, title=key,
            signed=signed[index], limit=limits[index], digits=digits,
        )  # fmt: skip
        marks += grid.marks()
    for row in range(chosen.size):
        y = _TOP - LINE * (row + 0.5)
        for index, sign in enumerate("×="):
            x = LIST_LEFT + (index + 1) * COLUMN + (index + 0.5) * GAP
            marks.append(Text(key=f"sign:{row},{index}", role="muted", words=words(sign), x=x, y=y))
    return marks


def _line(key: str, label: str, value: float, line: int, role: str) -> list[Mark]:
    """Return a number of the column addition with its label to the left."""
    left, y = LIST_LEFT + 2 * (COLUMN + GAP), _TOP - LINE * (line + 1)
    cell = Cell(key=key, role=role, x=left, y=y, width=COLUMN, height=LINE, words=words(quantity(key, value)))
    name = Text(key=f"{key}:label", role=role, words=words(label), x=left - 22, y=y + LINE / 2, ha="right")
    return [cell, name]


def _addition(view: ConvolutionStepView, chosen: np.ndarray) -> list[Mark]:
    lines = chosen.size
    marks: list[Mark] = []
    if left_out := view.products.size - chosen.size:
        rest = view.sum - float(np.ravel(view.products)[chosen].sum())
        marks += _line("others", f"{count(left_out)} others", rest, lines, "output")
        lines += 1
    marks += _line("sum", "sum", view.sum, lines, "output")
    marks += _line("bias", "+ bias", view.bias, lines + 1, "bias")
    marks += _line("value", "= value", view.value, lines + 2, "output")
    return marks


def _arrows(window: Curve, lines: int) -> list[Mark]:
    """From the window to the list, and from the value to the map's edge."""
    right = float(window.points[:, 0].max())
    middle = float(window.points[:, 1].mean())
    into = (LIST_LEFT - 14, _TOP - LINE * 4.5)
    y = _TOP - LINE * (lines + 2.5)
    out = ((LIST_LEFT + 3 * COLUMN + 2 * GAP + 12, y), (MAP_LEFT - 14, y))
    return [
        Arrow(key="reads", role="focus", start=(right + 10, middle), end=into, width=4),
        Arrow(key="enters", role="output", start=out[0], end=out[1], width=4),
    ]


def draw(view: ConvolutionStepView) -> Picture:
    """Return the picture, the list of products with its sum, and the map."""
    image = _picture("input", view.image, 0, "input")
    result = _picture("map", view.feature_map, MAP_LEFT, "output")
    chosen = listed(view.products)
    window = _square(image, "input:window", view.corner, view.kernel.shape, "focus")
    place = _square(result, "map:window", (view.row, view.column), (1, 1), "focus")
    scale = ColourScale(MAP_LEFT + SIDE + 24, result.y, result.height, result.limit, result.signed, role="output")
    marks = [
        *framed(image), *framed(result), window, place,
        _heading("input:title", "input", SIDE / 2, "input"),
        _heading("map:title", "feature map", MAP_LEFT + SIDE / 2, "output"),
        *_columns(view, chosen), *_addition(view, chosen), *_arrows(window, chosen.size), *scale.marks(),
    ]  # fmt: skip
    width = MAP_LEFT + SIDE + 24 + 30 + 12 + 140
    return canvas(marks, width, HEIGHT)
