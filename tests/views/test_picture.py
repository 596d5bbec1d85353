"""Pictures, axes, placements and boards."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import Machine, Parabola

from vizkit.errors import ArgumentError, DataError, ShapeError
from vizkit.views.axes import axis_marks
from vizkit.views.board import PICTURE, Box, Placement, board
from vizkit.views.marks import Dot, points
from vizkit.views.picture import Picture, View, axis, nice_ticks


@given(st.floats(-1e6, 1e6), st.floats(1, 1e6), st.integers(2, 9))
def test_ticks_are_round_even_and_inside(low: float, width: float, most: int) -> None:
    high = low + width
    ticks = nice_ticks(low, high, most)
    assert 1 <= len(ticks) <= most
    assert all(low - 1e-6 * width <= tick <= high + 1e-6 * width for tick in ticks)
    if len(ticks) > 1:
        step = ticks[1] - ticks[0]
        np.testing.assert_allclose(np.diff(ticks), step, rtol=1e-6)
        mantissa = step / 10 ** np.floor(np.log10(step) + 1e-9)
        assert min(abs(mantissa - m) for m in (1, 2, 5, 10)) < 1e-6


def test_tick_texts_share_their_decimals() -> None:
    assert axis("x", -0.25, 0.5, 4).texts == ("−0.2", "0.0", "0.2", "0.4")
    with pytest.raises(ArgumentError, match=r"\(1, 1\)"):
        axis("x", 1, 1)


@given(st.floats(-2, 2), st.floats(0, 4))
def test_a_plot_fills_its_box_between_its_margins(x: float, y: float) -> None:
    placed = Placement(Parabola(1.0).picture, Box(100, 50, 720, 576))
    left, right, bottom, top = 130, 40, 122, 84
    across, up = placed.point(x, y)
    assert across == pytest.approx(100 + left + (x + 2) / 4 * (720 - left - right))
    assert up == pytest.approx(50 + bottom + y / 4 * (576 - bottom - top))


@given(st.floats(200, 3000), st.floats(200, 3000))
def test_a_diagram_keeps_its_proportions_and_is_centred(width: float, height: float) -> None:
    placed = Placement(Machine(1.0).picture, Box(0, 0, width, height))
    (x0, y0), (x1, y1) = placed.point(0, 0), placed.point(9, 5)
    assert (x1 - x0) / 9 == pytest.approx((y1 - y0) / 5) == pytest.approx(placed.unit)
    assert (x0 + x1) / 2 == pytest.approx(width / 2) and (y0 + y1) / 2 == pytest.approx(height / 2)
    assert x0 >= -1e-6 and y0 >= -1e-6


def test_a_logarithmic_axis_places_decades_evenly() -> None:
    from dataclasses import replace

    y = replace(axis("loss", 0.01, 100), scale="log")
    picture = Picture(size=(100, 100), bounds=(0, 1, 0.01, 100), marks=(), x=axis("x", 0, 1), y=y)
    placed = Placement(picture, Box(0, 0, 100, 100))
    heights = [placed.point(0, value)[1] for value in (0.01, 0.1, 1, 10, 100)]
    np.testing.assert_allclose(heights, [0, 25, 50, 75, 100])


def test_axis_marks_stand_at_their_ticks() -> None:
    placed = Placement(Parabola(1.0).picture, Box(0, 0, 720, 576))
    marks = {mark.key: mark for mark in axis_marks(placed)}
    for index, (tick, text) in enumerate(zip(placed.picture.x.ticks, placed.picture.x.texts, strict=True)):
        assert marks[f"axis:x:text:{index}"].x == pytest.approx(placed.point(tick, 0)[0])
        assert str(marks[f"axis:x:text:{index}"].words) == text
    assert axis_marks(Placement(Machine(1.0).picture, Box(0, 0, 720, 576))) == ()


def test_panels_share_the_board_without_overlap() -> None:
    shown = board(left=(Parabola(1.0), 3), middle=Machine(1.0), right=(Parabola(0.5), 2))
    boxes = list(shown.boxes().values())
    assert boxes[0].left == PICTURE.left
    assert boxes[-1].left + boxes[-1].width == pytest.approx(PICTURE.left + PICTURE.width)
    for one, following in itertools.pairwise(boxes):
        assert one.left + one.width + shown.gap == pytest.approx(following.left)
    assert "right/point.x" in shown.quantities()
    with pytest.raises(ArgumentError, match="above 0"):
        board(left=(Parabola(1.0), 0))
    with pytest.raises(ArgumentError, match="one or more"):
        board()


def test_pictures_refuse_two_marks_with_one_key() -> None:
    with pytest.raises(ArgumentError, match="'a'"):
        Picture(size=(1, 1), bounds=(0, 1, 0, 1), marks=(Dot(key="a", x=0, y=0), Dot(key="a", x=1, y=0)))
    with pytest.raises(NotImplementedError, match="View"):
        _ = View().picture


def test_points_are_checked_and_read_only() -> None:
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        points([1, 2], [1, 2, 3])
    with pytest.raises(DataError, match="point 1"):
        points([1, 2], [1, float("nan")])
    with pytest.raises(ValueError, match="read-only"):
        points([1], [2])[0, 0] = 3
