"""A step of a convolution drawn as grids: input × kernel = products, below them bias + sum = value.

Four columns stand side by side, their titles on one line: what is learnt (kernel, bias) in
the second, what is computed in the third (products, sum) and fourth (map, value).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vizkit.views.grids import HEAD, HEIGHT, WIDTH, Grid, canvas, decimals, text_width
from vizkit.views.marks import Arrow, Cell, Mark, Text
from vizkit.views.picture import Picture
from vizkit.views.text import quantity, words

if TYPE_CHECKING:
    from vizkit.views.convolution import ConvolutionStepView

__all__ = ["draw", "fits"]

LABEL_ROOM = 72.0  # above a cell of the lower row: its label and the arrow's end
LEAST_GAP = 84.0
MOST_GAP = 170.0
_PADDING = 14.0  # from a cell's rim to its number, both sides together


def _tables(view: ConvolutionStepView) -> tuple[np.ndarray, ...]:
    return view.image, view.kernel, view.products, view.feature_map


def _digits(view: ConvolutionStepView) -> int:
    return decimals(*_tables(view), [view.bias, view.sum])


def _cell(view: ConvolutionStepView) -> float:
    """Return the largest cell with which all grids and the lower row fit."""
    image, kernel, _, result = (table.shape for table in _tables(view))
    columns = image[1] + 2 * kernel[1] + result[1]
    upright = HEIGHT - HEAD
    heights = (upright / image[0], (upright - LABEL_ROOM) / (max(kernel[0], result[0]) + 1))
    return min((WIDTH - 3 * LEAST_GAP) / columns, *heights)


def fits(view: ConvolutionStepView) -> bool:
    """Say whether every number fits into its cell.

    Examples
    --------
    >>> from vizkit.views.convolution import ConvolutionStepView
    >>> fits(ConvolutionStepView.from_arrays(np.eye(6), np.eye(3)))
    True
    >>> fits(ConvolutionStepView.from_arrays(np.eye(28), np.eye(3)))
    False
    """
    numbers = np.concatenate([np.ravel(table) for table in (*_tables(view), [view.bias, view.sum])])
    return _cell(view) >= max(60.0, text_width(numbers, _digits(view)) + _PADDING)


def _grids(view: ConvolutionStepView) -> tuple[Grid, Grid, Grid, Grid]:
    cell, digits = _cell(view), _digits(view)
    image, kernel, products, result = _tables(view)
    columns = image.shape[1] + 2 * kernel.shape[1] + result.shape[1]
    gap = min((WIDTH - cell * columns) / 3, MOST_GAP)
    below = cell * (max(kernel.shape[0], result.shape[0]) + 1) + LABEL_ROOM
    top = max(cell * image.shape[0], below)
    seen = [np.full(kernel.shape, view.reached(stage)) for stage in ("kernel", "products")]
    first = Grid("input", image, 0, top, cell, role="input", title="input", digits=digits)
    second = Grid(
        "kernel", kernel, first.right + gap, top, cell,
        role="positive", title="kernel", signed=True, digits=digits, shown=seen[0],
    )  # fmt: skip
    third = Grid(
        "products", products, second.right + gap, top, cell,
        role="output", title="products", signed=True, digits=digits, shown=seen[1],
    )  # fmt: skip
    fourth = Grid(
        "map", result, third.right + gap, top, cell,
        role="output", title="feature map", signed=True, digits=digits, shown=view.filled,
    )  # fmt: skip
    return first, second, third, fourth


def _below(view: ConvolutionStepView, grid: Grid, role: str, label: str, shown: float | None) -> list[Mark]:
    """Return the cell of the lower row that belongs to a grid, with its label above."""
    cell, (x, _) = grid.cell, grid.middle
    text = None if shown is None else words(quantity(label, shown, _digits(view)))
    box = Cell(key=label, role=role, x=x - cell / 2, y=0, width=cell, height=cell, words=text, frame=4)
    name = Text(key=f"{label}:label", role=role, words=words(label), x=x, y=cell, dy=10, va="bottom")
    return [box, name]


def _sign(key: str, text: str, x: float, y: float) -> Text:
    return Text(key=key, role="muted", words=words(text), x=x, y=y, size="heading", bold=True)


def _signs(grids: tuple[Grid, Grid, Grid, Grid]) -> list[Mark]:
    image, kernel, products, result = grids
    upper, lower = kernel.middle[1], kernel.cell / 2
    first, second = (image.right + kernel.left) / 2, (kernel.right + products.left) / 2
    third = (products.middle[0] + result.middle[0]) / 2
    return [
        _sign("times", "×", first, upper),
        _sign("equals", "=", second, upper),
        _sign("plus", "+", second, lower),
        _sign("gives", "=", third, lower),
    ]


def _arrows(grids: tuple[Grid, Grid, Grid, Grid]) -> list[Mark]:
    _, _, products, result = grids
    cell, (x, _), (to, _) = products.cell, products.middle, result.middle
    marks: list[Mark] = []
    if products.bottom - cell - LABEL_ROOM > 20:
        start, end = (x, products.bottom - 8), (x, cell + LABEL_ROOM - 10)
        marks.append(Arrow(key="adds", role="output", start=start, end=end))
    marks.append(Arrow(key="enters", role="output", start=(to, cell + 8), end=(to, result.bottom - 8)))
    return marks


def _lower_row(view: ConvolutionStepView, grids: tuple[Grid, Grid, Grid, Grid]) -> list[Mark]:
    _, kernel, products, result = grids
    marks = _below(view, kernel, "bias", "bias", view.bias if view.reached("kernel") else None)
    marks += _below(view, products, "output", "sum", view.sum if view.reached("sum") else None)
    value = _below(view, result, "output", "value", view.value if view.reached("bias") else None)
    return [*marks, value[0]]


def draw(view: ConvolutionStepView) -> Picture:
    """Return the picture of the four grids and the lower row."""
    grids = _grids(view)
    image, _, _, result = grids
    marks: list[Mark] = [mark for grid in grids for mark in grid.marks()]
    marks += [*_signs(grids), *_arrows(grids), *_lower_row(view, grids)]
    if view.reached("window"):
        marks.append(image.window(*view.corner, view.kernel.shape, "focus"))
    if view.reached("result"):
        marks.append(result.window(view.row, view.column, role="focus"))
    return canvas(marks, result.right, image.top + HEAD)
