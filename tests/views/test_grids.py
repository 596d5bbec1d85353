"""Grids: where cells stand, what their numbers say, how they are coloured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from vizkit.errors import ArgumentError, DataError, ShapeError
from vizkit.views.grids import Grid, GridView, canvas, decimals, matrix
from vizkit.views.marks import Cell

TABLES = arrays(float, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.floats(-999, 999))


def cells(grid: Grid) -> dict[str, Cell]:
    return {mark.key: mark for mark in grid.marks() if isinstance(mark, Cell)}


@given(TABLES)
def test_every_number_stands_in_its_cell_with_its_exact_value(values: np.ndarray) -> None:
    found = canvas(Grid("g", matrix(values)).marks(), 100, 100).quantities()
    assert found == {f"g[{r},{c}]": values[r, c] for r, c in np.ndindex(values.shape)}


@given(TABLES)
def test_cells_tile_the_grid_with_row_0_on_top(values: np.ndarray) -> None:
    grid = Grid("g", matrix(values), left=3, top=500, cell=20, height=10)
    for (row, column), _ in np.ndenumerate(values):
        cell = cells(grid)[f"g:{row},{column}"]
        assert (cell.x, cell.y) == (3 + 20 * column, 500 - 10 * (row + 1))
        assert grid.centre(row, column) == (cell.x + 10, cell.y + 5)
    assert (grid.right, grid.bottom) == (3 + 20 * values.shape[1], 500 - 10 * values.shape[0])


def test_a_signed_grid_fills_by_the_share_of_the_limit_on_both_sides() -> None:
    found = cells(Grid("g", matrix([[-2.0, 1.0, 8.0]]), signed=True, limit=4.0))
    assert [found[f"g:0,{c}"].fill for c in range(3)] == [-0.5, 0.25, 1.0]
    one_sided = cells(Grid("g", matrix([[-2.0, 1.0]]), limit=4.0))
    assert [one_sided[f"g:0,{c}"].fill for c in range(2)] == [0.0, 0.25]


def test_a_cell_that_is_not_shown_has_no_number_and_no_colour() -> None:
    found = cells(Grid("g", matrix([[1.0, 2.0]]), shown=np.array([[True, False]])))
    assert found["g:0,1"].words is None and found["g:0,1"].fill == 0
    assert str(found["g:0,0"].words) == "1"


def test_the_window_frames_exactly_its_cells() -> None:
    grid = Grid("g", matrix(np.zeros((4, 5))), left=10, top=100, cell=10)
    outline = grid.window(1, 2, (2, 3)).points
    assert outline.min(axis=0).tolist() == [30, 70]
    assert outline.max(axis=0).tolist() == [60, 90]


def test_whole_numbers_have_no_decimals() -> None:
    assert decimals([[1.0, -2.0]], [3]) == 0
    assert decimals([[1.0, -2.5]]) == 2


@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        ([1, 2], ShapeError, r"\(2,\)"),
        ([[1, 2], [3]], ShapeError, "equally many"),
        (np.zeros((0, 3)), DataError, r"\(0, 3\)"),
        ([[1, float("nan")]], DataError, "row 0, column 1"),
        ([[float("inf")]], DataError, "row 0, column 0"),
        ("words", ShapeError, "words"),
    ],
)
def test_a_table_that_is_none_is_refused(values: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        GridView.ensure(values)


def test_a_limit_or_mask_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ArgumentError, match="limit 0"):
        Grid("g", matrix([[1.0]]), limit=0)
    with pytest.raises(ShapeError, match=r"\(1, 1\)"):
        Grid("g", matrix([[1.0, 2.0]]), shown=np.array([[True]]))
