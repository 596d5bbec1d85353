"""Grids of cells with numbers in them: images, kernels, maps, tables.

`Grid` is the building block that other views place on their picture; `GridView` is a
picture of one grid. Row 0 is on top. A cell's key is ``grid:row,column`` and its number is
called ``grid[row,column]``, so the same cell can be followed from picture to picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from vizkit.errors import ArgumentError, DataError, ShapeError
from vizkit.theme import SIZES
from vizkit.typing import ArrayLike, Bool, Float
from vizkit.views.marks import Cell, Curve, Mark, Text, points
from vizkit.views.measure import width
from vizkit.views.picture import Margins, Picture, View
from vizkit.views.text import Words, number, quantity, words

__all__ = ["HEAD", "HEIGHT", "WIDTH", "Grid", "GridView", "canvas", "decimals", "matrix", "text_width"]

HEAD = 60.0  # room above a grid for its title, in stage units
RIM = 6.0  # around everything, for the strokes at the edges
WIDTH, HEIGHT = 1800.0 - 2 * RIM, 576.0 - 2 * RIM  # what fits a board's one panel


def matrix(values: ArrayLike, what: str = "values") -> Float["row column"]:
    """Return a read-only copy of a table of finite numbers, of shape (rows, columns).

    Raises
    ------
    ShapeError
        If there are not two axes.
    DataError
        If the table is empty or holds NaN or infinity.

    Examples
    --------
    >>> matrix([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    try:
        table = np.array(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"The {what} must be rows of equally many numbers, but {values!r:.80} was given.") from error
    if table.ndim != 2:
        raise ShapeError(f"The {what} must have two axes (rows, columns), but shape {table.shape} was given.")
    if not table.size:
        raise DataError(f"The {what} must hold at least one number, but shape {table.shape} was given.")
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        raise DataError(f"The {what} must be finite, but row {row}, column {column} holds {table[row, column]}.")
    table.setflags(write=False)
    return table


def canvas(marks: Iterable[Mark], width: float, height: float) -> Picture:
    """Return a picture whose data units are stage units, with a narrow rim.

    Examples
    --------
    >>> canvas((), WIDTH, HEIGHT).size
    (1800.0, 576.0)
    """
    size = (width + 2 * RIM, height + 2 * RIM)
    return Picture(size=size, bounds=(0, width, 0, height), marks=tuple(marks), margins=Margins(RIM, RIM, RIM, RIM))


def decimals(*tables: ArrayLike, most: int = 2) -> int:
    """Return how many decimals numbers of any shapes need together: none when all are whole, else `most`.

    Examples
    --------
    >>> decimals([[0, 1]], -1.0), decimals([0.5], [3])
    (0, 2)
    """
    flat = np.concatenate([np.ravel(np.asarray(table, dtype=float)) for table in tables])
    return 0 if np.allclose(flat, np.round(flat), atol=1e-6) else most


def text_width(values: ArrayLike, digits: int) -> float:
    """Return how wide the widest number of an array of shape (...,) is when written as a value, in stage units.

    Examples
    --------
    >>> text_width([0, -1.5], 1) > text_width([0, 1.5], 1)
    True
    """
    texts = {number(value, digits) for value in np.ravel(np.asarray(values, dtype=float))}
    return max(width(text, SIZES["value"]) for text in texts)


@dataclass(frozen=True, eq=False)
class Grid:
    """A table of numbers as cells, ready to be placed on a picture.

    Attributes
    ----------
    key
        The grid's name: its cells are ``key:row,column``.
    values
        Shape (rows, columns).
    left, top
        The upper left corner, in the picture's units.
    cell, height
        A cell's width and height, in the picture's units; without `height` it is square.
    title
        Words above the grid.
    signed
        Fill on the diverging map, instead of with so much of the role's colour.
    limit
        The value at the end of the colour map; without, the largest size of a value.
    digits
        Decimals of the numbers; without, what `decimals` says.
    shown
        Shape (rows, columns): which cells hold their number already. Without, all do.

    Examples
    --------
    >>> grid = Grid("image", matrix([[0, 1], [1, 0]]), top=2, cell=1)
    >>> [mark.key for mark in grid.marks()]
    ['image:0,0', 'image:0,1', 'image:1,0', 'image:1,1']
    >>> grid.centre(1, 0)
    (0.5, 0.5)
    """

    key: str
    values: Float["row column"]
    left: float = 0.0
    top: float = 0.0
    cell: float = 86.0
    height: float | None = None
    role: str = "ink"
    title: Words | str = ""
    signed: bool = False
    limit: float | None = None
    digits: int | None = None
    shown: Bool["row column"] | None = field(default=None)
    frame: float = 0.0

    def __post_init__(self) -> None:
        if self.limit is not None and not self.limit > 0:
            raise ArgumentError(f"A colour map ends above 0, but the limit {self.limit!r} was given.")
        if self.shown is not None and np.shape(self.shown) != self.values.shape:
            raise ShapeError(
                f"`shown` has one entry for each value, shape {self.values.shape}, but {np.shape(self.shown)} came."
            )

    @property
    def tall(self) -> float:
        """Height of one cell."""
        return self.cell if self.height is None else self.height

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.cell * self.values.shape[1]

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top - self.tall * self.values.shape[0]

    @property
    def middle(self) -> tuple[float, float]:
        """The centre of the grid."""
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """Return the centre of a cell."""
        return self.left + self.cell * (column + 0.5), self.top - self.tall * (row + 0.5)

    @cached_property
    def _scale(self) -> float:
        return float(self.limit or np.abs(self.values).max() or 1.0)

    def _cell(self, row: int, column: int, digits: int) -> Cell:
        value = float(self.values[row, column])
        shown = self.shown is None or bool(self.shown[row, column])
        fill = min(max(value / self._scale, -1.0 if self.signed else 0.0), 1.0)
        return Cell(
            key=f"{self.key}:{row},{column}",
            role=self.role,
            x=self.left + self.cell * column,
            y=self.top - self.tall * (row + 1),
            width=self.cell,
            height=self.tall,
            fill=fill if shown else 0.0,
            signed=self.signed,
            words=words(quantity(f"{self.key}[{row},{column}]", value, digits)) if shown else None,
            frame=self.frame,
        )

    def marks(self) -> tuple[Mark, ...]:
        """Return the cells row by row and, when there is one, the title."""
        digits = decimals(self.values) if self.digits is None else self.digits
        rows, columns = self.values.shape
        cells = [self._cell(row, column, digits) for row in range(rows) for column in range(columns)]
        return (*cells, *self._title())

    def _title(self) -> tuple[Mark, ...]:
        if not str(self.title):
            return ()
        x, _ = self.middle
        title = words(self.title)
        return (Text(key=f"{self.key}:title", role=self.role, words=title, x=x, y=self.top, dy=14, va="bottom"),)

    def window(self, row: int, column: int, shape: tuple[int, int] = (1, 1), role: str = "") -> Curve:
        """Return a frame around `shape` cells whose upper left one is given; its key is ``key:window``.

        The key is the same wherever the frame stands, so that an animation slides it.
        """
        left, right = self.left + self.cell * column, self.left + self.cell * (column + shape[1])
        top, bottom = self.top - self.tall * row, self.top - self.tall * (row + shape[0])
        outline = points([left, right, right, left, left], [top, top, bottom, bottom, top])
        return Curve(
            key=f"{self.key}:window", role=role or self.role, points=outline, width=8, shows=False, depth=3
        )  # fmt: skip

    def keys(self, cells: Iterable[tuple[int, int]]) -> tuple[str, ...]:
        """Return the keys of cells given as (row, column)."""
        return tuple(f"{self.key}:{row},{column}" for row, column in cells)


@dataclass(frozen=True, eq=False)
class GridView(View):
    """A picture of one grid, for tables and matrices.

    Examples
    --------
    >>> GridView.from_arrays([[1, 0], [0, 1]], title="pixels").quantities()["values[1,1]"]
    1.0
    """

    grid: Grid

    @classmethod
    def from_arrays(
        cls, values: ArrayLike, *, title: str = "", role: str = "input", signed: bool | None = None
    ) -> GridView:
        """Make the view of a table of shape (rows, columns); it is signed when a value is negative."""
        table = matrix(values)
        digits = decimals(table)
        cell = max(86.0, text_width(table, digits) + 20)
        signed = bool((table < 0).any()) if signed is None else signed
        top = cell * table.shape[0]
        return cls(Grid("values", table, 0, top, cell, role=role, title=title, signed=signed, digits=digits))

    @classmethod
    def ensure(cls, data: GridView | ArrayLike) -> GridView:
        """Return a view from itself or from a table of shape (rows, columns)."""
        return data if isinstance(data, cls) else cls.from_arrays(data)

    def draw(self) -> Picture:
        """Draw the grid with its title above."""
        right, height = self.grid.right, self.grid.top + (HEAD if str(self.grid.title) else 0)
        return canvas(self.grid.marks(), right, height)
