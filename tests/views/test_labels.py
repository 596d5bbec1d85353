"""Labels keep apart: the spreading against a numerical optimiser, the places against their boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from vizkit.errors import ArgumentError
from vizkit.views.labels import Plane, Spot, label_width, spread
from vizkit.views.marks import Text
from vizkit.views.picture import PLOT, axis
from vizkit.views.text import words

places = st.lists(st.floats(0, 500), min_size=1, max_size=9)


@given(wanted=places)
def test_labels_are_apart_in_range_and_in_order(wanted: list[float]) -> None:
    found = spread(wanted, 50, 0, 500)
    assert found.min() >= -1e-9 and found.max() <= 500 + 1e-9
    assert (np.diff(np.sort(found)) >= 50 - 1e-9).all()
    assert np.argsort(found).tolist() == np.argsort(wanted, kind="stable").tolist()


@given(wanted=st.lists(st.floats(0, 500), min_size=2, max_size=5))
@settings(max_examples=25)
def test_the_moves_are_as_small_as_an_optimiser_finds_them(wanted: list[float]) -> None:
    order = np.argsort(wanted, kind="stable")
    start = np.linspace(0, 500, len(wanted))
    rules = {"type": "ineq", "fun": lambda at: np.diff(at) - 50}
    bounds = [(0, 500)] * len(wanted)
    best = minimize(lambda at: ((at - np.array(wanted)[order]) ** 2).sum(), start, bounds=bounds, constraints=rules)
    moved = ((spread(wanted, 50, 0, 500) - wanted) ** 2).sum()
    assert moved <= best.fun + 1e-2 * (1 + best.fun)


def test_labels_with_room_stay_where_they_are() -> None:
    assert spread([300, 100, 200], 50, 0, 500).tolist() == [300, 100, 200]


def test_too_many_labels_are_refused() -> None:
    with pytest.raises(ArgumentError, match="4 labels, each 50 from the next, do not fit a height of 100"):
        spread([1, 2, 3, 4], 50, 0, 100)


def plane() -> Plane:
    x, y = axis("x", 0, 10), axis("y", 0, 10)
    return Plane((1000, 576), (0, 10, 0, 10), x, y, PLOT)


def test_a_label_avoids_dots_lines_and_other_labels() -> None:
    room = plane()
    room.avoid_dot(5, 5)
    room.avoid(np.array([[5.0, 5.0], [10.0, 5.0]]))
    first = room.label(Text(key="a", words=words("first"), x=5, y=5))
    second = room.label(Text(key="b", words=words("second"), x=5, y=5))
    at = room.stage(np.array([[5.0, 5.0]]))[0]
    one, two = (Spot(t.dx, t.dy, t.ha, t.va).box(*at, label_width(t.words)) for t in (first, second))
    assert not first.halo and first.ha == "right"  # the line takes the right
    assert (
        one.bottom + one.height <= two.bottom
        or two.bottom + two.height <= one.bottom
        or (one.left + one.width <= two.left or two.left + two.width <= one.left)
    )


def test_a_label_that_must_stand_on_a_line_has_a_halo_and_one_without_room_is_left_out() -> None:
    room = plane()
    room.avoid(np.array([[0.0, 5.0], [10.0, 5.0]]))
    spot = [Spot(20, 0)]
    assert room.label(Text(key="a", words=words("on it"), x=5, y=5), spot).halo
    assert room.label(Text(key="b", words=words("on it"), x=5, y=5), spot) is None
