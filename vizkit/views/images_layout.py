"""Where pictures of one kind stand when they are shown side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vizkit.errors import ArgumentError
from vizkit.theme import SIZES
from vizkit.typing import Float
from vizkit.views.grids import Grid, text_width
from vizkit.views.marks import Curve, Image, Mark, Text, points
from vizkit.views.measure import width
from vizkit.views.text import count, words

__all__ = ["LABEL", "MOST", "Tiles", "framed", "tile_marks"]

MOST = 64  # pictures that are still told apart on one page
LABEL = 54.0  # room above a picture for its index
GAP = 30.0
NEARLY = 0.72  # of the largest tiles' size, given up for full rows


@dataclass(frozen=True, slots=True)
class Tiles:
    """Rows of equal tiles in reading order, as large as their room allows, in stage units.

    `shape` is the (height, width) of what a tile holds, in cells.

    Examples
    --------
    >>> tiles = Tiles.fitted(8, (3, 3), (1200, 800))
    >>> tiles.columns, tiles.rows, round(tiles.unit)
    (4, 2, 92)
    """

    amount: int
    columns: int
    unit: float
    shape: tuple[int, int]

    @classmethod
    def fitted(cls, amount: int, shape: tuple[int, int], room: tuple[float, float]) -> Tiles:
        """Return the arrangement with the largest tiles in a room of (width, height).

        One whose rows are all full is preferred, as long as its tiles are not much smaller.

        Raises
        ------
        ArgumentError
            If there are more than `MOST` tiles, or none.
        """
        if not 1 <= amount <= MOST:
            raise ArgumentError(f"From 1 to {MOST} pictures can be shown side by side, but there are {amount}.")
        options = []
        for columns in range(1, amount + 1):
            rows = -(-amount // columns)
            across = (room[0] - GAP * (columns - 1)) / (columns * shape[1])
            up = (room[1] - LABEL * rows - GAP * (rows - 1)) / (rows * shape[0])
            options.append((rows * columns - amount, -min(across, up), columns))
        largest = -min(unit for _, unit, _ in options)
        _, unit, columns = min(option for option in options if -option[1] >= NEARLY * largest)
        return cls(amount, columns, -unit, shape)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return -(-self.amount // self.columns)

    @property
    def width(self) -> float:
        """Width of all together."""
        return self.columns * self.unit * self.shape[1] + GAP * (self.columns - 1)

    @property
    def height(self) -> float:
        """Height of all together, with their labels."""
        return self.rows * (self.unit * self.shape[0] + LABEL) + GAP * (self.rows - 1)

    def corner(self, index: int) -> tuple[float, float]:
        """Return the upper left corner of a tile, the whole having its own at (0, height)."""
        row, column = divmod(index, self.columns)
        x = column * (self.unit * self.shape[1] + GAP)
        return x, self.height - row * (self.unit * self.shape[0] + LABEL + GAP) - LABEL


def framed(image: Image) -> tuple[Mark, ...]:
    """Return an image with a hairline around it, so that its edge shows where its values are 0."""
    left, right, bottom, top = image.x, image.x + image.width, image.y, image.y + image.height
    outline = points([left, right, right, left, left], [bottom, bottom, top, top, bottom])
    rim = Curve(key=f"{image.key}:frame", role="lines", points=outline, width=2, shows=False, depth=image.depth + 1)
    return image, rim


def tile_marks(
    tiles: Tiles, key: str, planes: Float["tile row column"], limit: float, left: float = 0.0, role: str = "activation",
    signed: bool = False, numbers: Sequence[int] | None = None,
) -> tuple[Mark, ...]:  # fmt: skip
    """Return each plane as a tile with its number above: with numbers in the cells when they fit, else as a picture.

    Without `numbers` the planes are counted from 0.
    """
    written = tiles.unit >= text_width(planes, 2) + 20
    marks: list[Mark] = []
    for index, (number, plane) in enumerate(zip(numbers or range(len(planes)), planes, strict=True)):
        x, top = tiles.corner(index)
        name = f"{key}{number}"
        if written:
            grid = Grid(name, plane, left + x, top, tiles.unit, role=role, signed=signed, limit=limit, digits=2)
            marks += grid.marks()
        else:
            marks += framed(_image(name, plane, (left + x, top), tiles.unit, (limit, signed, role)))
        middle = left + x + tiles.unit * tiles.shape[1] / 2
        label = words(_label(key, number, tiles, max(numbers or [tiles.amount])))
        marks.append(Text(key=f"{name}:label", role="muted", words=label, x=middle, y=top, dy=10, va="bottom"))
    return tuple(marks)


def _label(key: str, number: int, tiles: Tiles, largest: int) -> str:
    """Return the number, with the word for it when all such labels fit above their tiles."""
    longest = f"{key} {count(largest)}"
    fits = width(longest, SIZES["label"]) <= tiles.unit * tiles.shape[1]
    return f"{key} {count(number)}" if fits else count(number)


def _image(
    key: str, plane: np.ndarray, corner: tuple[float, float], unit: float, scale: tuple[float, bool, str]
) -> Image:
    limit, signed, role = scale
    across, up = unit * plane.shape[1], unit * plane.shape[0]
    return Image(
        key=key, role=role, values=plane, x=corner[0], y=corner[1] - up, width=across, height=up,
        limit=limit, signed=signed,
    )  # fmt: skip
