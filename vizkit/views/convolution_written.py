"""A step of a convolution on a large input: the picture with its window, the products as a list, the map.

The window is a small square on the picture. Its pixels and weights stand beside each other
line by line with their products, and the sum below. The map and its place have one scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vizkit.typing import Int
from vizkit.views.grids import HEAD, HEIGHT, WIDTH, Grid, canvas, decimals, text_width
from vizkit.views.images_layout import framed
from vizkit.views.images_scale import ColourScale, common_limit
from vizkit.views.marks import Arrow, Cell, Curve, Image, Mark, Text, points
from vizkit.views.picture import Picture
from vizkit.views.text import count, quantity, words

if TYPE_CHECKING:
    from vizkit.views.convolution import ConvolutionStepView

__all__ = ["draw", "listed"]

SIDE, SMALLEST = 470.0, 300.0  # longest side of the two pictures: at most and at least
MOST_LINES = 9  # products that are written out; of a larger kernel the largest, and the rest as one
HIGHEST = 60.0  # of a line, when there are few
GAP = 56.0  # between the columns, for the sign
BESIDE = 96.0  # from the pictures to the list, for the arrows
BAR = 24.0  # from the map to its colour scale
_TOP = HEIGHT - HEAD


def listed(products: np.ndarray) -> Int["entry"]:
    """Return which products, of shape (...), are written out: indices into the flat array, in reading order.

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


@dataclass(frozen=True)
class _List:
    """The list of products and the column addition below it: what it says, and where its lines stand."""

    view: ConvolutionStepView
    left: float

    @property
    def chosen(self) -> np.ndarray:
        return listed(self.view.products)

    @property
    def left_out(self) -> int:
        return self.view.products.size - self.chosen.size

    @property
    def tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        view = self.view
        pixels, weights, products = (np.ravel(each)[self.chosen] for each in (view.pixels, view.kernel, view.products))
        return pixels[:, None], weights[:, None], products[:, None]

    @property
    def digits(self) -> int:
        return decimals(self.view.image, self.view.kernel, self.view.products, [self.view.bias])

    @property
    def column(self) -> float:
        """Width of a column: the numbers' and the headings'."""
        shown = np.concatenate([*self.tables, [[self.view.sum], [self.view.bias], [self.view.value]]])
        return max(150.0, text_width(shown, self.digits) + 24)

    @property
    def line(self) -> float:
        return min(HIGHEST, _TOP / (self.chosen.size + (self.left_out > 0) + 3))

    @property
    def right(self) -> float:
        return self.left + 3 * self.column + 2 * GAP

    def height(self, line: float) -> float:
        """Return how high the middle of a line stands, counted from 0."""
        return _TOP - self.line * (line + 0.5)

    def marks(self) -> list[Mark]:
        return [*self._columns(), *self._signs(), *self._addition()]

    def _columns(self) -> list[Mark]:
        view = self.view
        parts = (
            ("pixel", "input", view.image, bool((view.image < 0).any())),
            ("weight", "positive", view.kernel, True),
            ("product", "output", view.products, True),
        )
        marks: list[Mark] = []
        for index, ((key, role, whole, signed), table) in enumerate(zip(parts, self.tables, strict=True)):
            left = self.left + index * (self.column + GAP)
            grid = Grid(
                key, table, left, _TOP, self.column, self.line, role=role, title=key, signed=signed,
                limit=common_limit(whole), digits=self.digits,
            )  # fmt: skip
            marks += grid.marks()
        return marks

    def _signs(self) -> list[Mark]:
        places = [self.left + (index + 1) * self.column + (index + 0.5) * GAP for index in range(2)]
        return [
            Text(key=f"sign:{row},{index}", role="muted", words=words(sign), x=x, y=self.height(row))
            for row in range(self.chosen.size)
            for index, (sign, x) in enumerate(zip("×=", places, strict=True))
        ]

    def _addition(self) -> list[Mark]:
        view = self.view
        rest = view.sum - float(self.tables[2].sum())
        lines = [("others", f"{count(self.left_out)} others", rest, "output")] if self.left_out else []
        lines += [("sum", "sum", view.sum, "output")]
        if not view.part:
            lines += [("bias", "+ bias", view.bias, "bias"), ("value", "= value", view.value, "output")]
        marks: list[Mark] = []
        for index, (key, label, value, role) in enumerate(lines):
            marks += self._line(self.chosen.size + index, key, label, value, role)
        return marks

    def _line(self, line: int, key: str, label: str, value: float, role: str) -> list[Mark]:
        """Return a number of the column addition with its label to the left."""
        left, y = self.right - self.column, self.height(line)
        text = words(quantity(key, value, self.digits))
        cell = Cell(
            key=key, role=role, x=left, y=y - self.line / 2, width=self.column, height=self.line, words=text
        )  # fmt: skip
        return [cell, Text(key=f"{key}:label", role=role, words=words(label), x=left - 22, y=y, ha="right")]

    def arrows(self, window: Curve, place: Curve) -> list[Mark]:
        """Return the way from the window to the list, and from the value to its place in the map."""
        start = float(window.points[:, 0].max()) + 10, float(window.points[:, 1].mean())
        into = (self.left - 14, self.height((self.chosen.size - 1) / 2))
        out = self.height(self.chosen.size + (self.left_out > 0) + 2 * (not self.view.part))
        leaves = (self.right + 12, out)
        return [
            Arrow(key="reads", role="focus", start=start, end=into, width=4),
            Arrow(key="enters", role="output", start=leaves, end=_rim(place, leaves), width=4),
        ]


def _rim(square: Curve, seen: tuple[float, float]) -> tuple[float, float]:
    """Return the point just outside a square that is nearest to where it is seen from, on the line to its middle."""
    (left, bottom), (right, top) = square.points.min(axis=0), square.points.max(axis=0)
    middle = np.array([(left + right) / 2, (bottom + top) / 2])
    away = np.array(seen) - middle
    reach = (right - left) / 2 / max(np.abs(away))
    x, y = middle + away * (reach + 12.0 / np.hypot(*away))
    return float(x), float(y)


def _picture(key: str, values: np.ndarray, left: float, role: str, side: float) -> Image:
    """Return an image in a square of this side, its upper edge on the common line."""
    unit = side / max(values.shape)
    height, width = unit * values.shape[0], unit * values.shape[1]
    return Image(
        key=key, role=role, values=values, x=left + (side - width) / 2, y=_TOP - height, width=width, height=height,
        limit=common_limit(values), signed=bool((values < 0).any()),
    )  # fmt: skip


def _square(image: Image, key: str, corner: tuple[int, int], shape: tuple[int, int]) -> Curve:
    unit = image.width / image.values.shape[1]
    left, top = image.x + unit * corner[1], image.y + image.height - unit * corner[0]
    right, bottom = left + unit * shape[1], top - unit * shape[0]
    outline = points([left, right, right, left, left], [top, top, bottom, bottom, top])
    return Curve(key=key, role="focus", points=outline, width=6, shows=False, depth=3)


def _heading(key: str, text: str, x: float, role: str) -> Text:
    return Text(key=key, role=role, words=words(text), x=x, y=_TOP, dy=14, va="bottom")


def _side(view: ConvolutionStepView) -> float:
    """Return the longest side of the two pictures with which everything fits a board's one panel."""
    limit = common_limit(view.feature_map)
    scale = ColourScale(0, 0, SIDE, limit, bool((view.feature_map < 0).any()), role="output").right
    return min(SIDE, max(SMALLEST, (WIDTH - _List(view, 0.0).right - 2 * BESIDE - BAR - scale) / 2))


def draw(view: ConvolutionStepView) -> Picture:
    """Return the picture, the list of products with its sum, and the map."""
    side = _side(view)
    products = _List(view, side + BESIDE)
    left = products.right + BESIDE
    image = _picture("input", view.image, 0, "input", side)
    result = _picture("map", view.feature_map, left, "output", side)
    window = _square(image, "input:window", view.corner, view.kernel.shape)
    place = _square(result, "map:window", (view.row, view.column), (1, 1))
    scale = ColourScale(left + side + BAR, result.y, result.height, result.limit, result.signed, role="output")
    marks = [
        *framed(image), *framed(result), window, place,
        _heading("input:title", "input", side / 2, "input"),
        _heading("map:title", "channel's part" if view.part else "feature map", left + side / 2, "output"),
        *products.marks(), *products.arrows(window, place), *scale.marks(),
    ]  # fmt: skip
    return canvas(marks, scale.right, HEIGHT)
