"""What becomes of a feature map: ReLU keeps what is positive, pooling keeps the largest of each block."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from vizkit.errors import ArgumentError, ShapeError
from vizkit.typing import Bool, Float
from vizkit.views.grids import HEAD, HEIGHT, WIDTH, Grid, canvas, decimals
from vizkit.views.marks import Arrow, Mark, Text
from vizkit.views.picture import Picture, View
from vizkit.views.text import words

__all__ = ["FeatureStagesView"]


def _first(shape: tuple[int, int], amount: int | None) -> Bool["row column"]:
    """Return which cells come first in reading order."""
    size = shape[0] * shape[1]
    return (np.arange(size) < (size if amount is None else amount)).reshape(shape)


@dataclass(frozen=True, eq=False)
class FeatureStagesView(View):
    """A feature map, the map after its activation, and the pooled map, side by side; before them the image, if given.

    Each stage is drawn equally large, since each covers the same picture: a pooled value stands
    on the block that it was taken from.

    Attributes
    ----------
    output, activated
        Shape (rows, columns): the convolution's values and what the activation makes of them.
    pooled
        Shape (rows, columns), with as many times fewer values as the pool is large.
    image
        Shape (height, width), or None.
    active, done
        How many values of the activated and of the pooled map are filled in; None for all.
    block
        Row and column of the pooled value whose block is framed, or None.
    activation
        The activation's name, on its arrow.

    Examples
    --------
    >>> values = np.array([[1.0, -2.0], [3.0, 0.0]])
    >>> view = FeatureStagesView(values, np.maximum(values, 0), np.array([[3.0]]))
    >>> view.pool, view.quantities()["pooled[0,0]"]
    ((2, 2), 3.0)
    """

    output: Float["row column"]
    activated: Float["row column"]
    pooled: Float["row column"]
    image: Float["height width"] | None = None
    active: int | None = None
    done: int | None = None
    block: tuple[int, int] | None = None
    activation: str = "ReLU"

    def __post_init__(self) -> None:
        if self.output.shape != self.activated.shape:
            raise ShapeError(f"An activation keeps the shape, but {self.output.shape} became {self.activated.shape}.")
        rows, columns = self.pooled.shape
        if self.block is not None and not (0 <= self.block[0] < rows and 0 <= self.block[1] < columns):
            raise ArgumentError(
                f"The pooled map has the shape {self.pooled.shape}, but block {self.block!r} was given."
            )

    @property
    def pool(self) -> tuple[int, int]:
        """Rows and columns of the block that each pooled value stands for."""
        return (
            self.activated.shape[0] // self.pooled.shape[0],
            self.activated.shape[1] // self.pooled.shape[1],
        )

    def window(self, row: int, column: int) -> Float["row column"]:
        """Return the activated values that a pooled value was taken from."""
        high, wide = self.pool
        return self.activated[row * high : (row + 1) * high, column * wide : (column + 1) * wide]

    @cached_property
    def grids(self) -> tuple[Grid, ...]:
        """The stages from left to right, all equally wide."""
        tables = [self.output, self.activated, self.pooled]
        tables = tables if self.image is None else [self.image, *tables]
        room = 150.0 if self.image is None else 104.0
        side = min(HEIGHT - HEAD, (WIDTH - room * (len(tables) - 1)) / len(tables))
        step = side + (WIDTH - side * len(tables)) / (len(tables) - 1)
        digits = decimals(*tables)
        makers = [self._output, self._activated, self._pooled]
        makers = makers if self.image is None else [self._input, *makers]
        return tuple(make(index * step, side, digits) for index, make in enumerate(makers))

    def _input(self, left: float, side: float, digits: int) -> Grid:
        cell = side / self.image.shape[1]
        return Grid("input", self.image, left, side, cell, role="input", title="input", digits=digits)

    def _output(self, left: float, side: float, digits: int) -> Grid:
        cell = side / self.output.shape[1]
        return Grid(
            "map", self.output, left, side, cell, role="output", title="feature map", signed=True, digits=digits
        )  # fmt: skip

    def _activated(self, left: float, side: float, digits: int) -> Grid:
        shown = _first(self.activated.shape, self.active)
        cell = side / self.activated.shape[1]
        title = f"after {self.activation}"
        return Grid(
            "active", self.activated, left, side, cell, role="activation", title=title, digits=digits, shown=shown
        )  # fmt: skip

    def _pooled(self, left: float, side: float, digits: int) -> Grid:
        shown = _first(self.pooled.shape, self.done)
        cell = side / self.pooled.shape[1]
        return Grid(
            "pooled", self.pooled, left, side, cell, role="activation", title="pooled", digits=digits, shown=shown
        )

    def _arrow(self, before: Grid, after: Grid) -> Arrow:
        y = before.middle[1]
        return Arrow(
            key=f"to:{after.key}", role="muted", start=(before.right + 14, y), end=(after.left - 14, y), width=5
        )

    def draw(self) -> Picture:
        """Draw the stages with an arrow between each two and the framed block with its pooled value."""
        grids = self.grids
        marks: list[Mark] = [mark for grid in grids for mark in grid.marks()]
        marks += [self._arrow(before, after) for before, after in pairwise(grids)]
        marks += self._steps(grids)
        if self.block is not None:
            active, pooled = grids[-2:]
            high, wide = self.pool
            marks.append(active.window(self.block[0] * high, self.block[1] * wide, self.pool, "focus"))
            marks.append(pooled.window(*self.block, role="focus"))
        return canvas(marks, grids[-1].right, grids[0].top + HEAD)

    def _steps(self, grids: tuple[Grid, ...]) -> list[Mark]:
        """Return the name of each operation on its arrow, where there is room for it."""
        if self.image is not None:
            return []
        names = (self.activation, "max")
        return [
            Text(
                key=f"step:{after.key}", role="activation", words=words(name),
                x=(before.right + after.left) / 2, y=before.middle[1], dy=18, va="bottom",
            )
            for name, (before, after) in zip(names, pairwise(grids), strict=True)
        ]  # fmt: skip
