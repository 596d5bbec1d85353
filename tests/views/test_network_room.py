"""Whether room is found where there is room, against dense sampling."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vizkit.views.network_room import Rect, Room, beside, text_size

place = st.tuples(st.floats(-100, 100), st.floats(-100, 100))
rects = st.builds(lambda at, w, h: Rect.around(at, (w, h)), place, st.floats(1, 80), st.floats(1, 80))


def holds(rect, points, pad=0.0):
    x, y = points.T
    inside = (x > rect.left - pad) & (x < rect.right + pad) & (y > rect.bottom - pad) & (y < rect.top + pad)
    return bool(inside.any())


@given(rects, place, place)
def test_a_line_enters_a_rectangle_when_one_of_its_points_does(rect, start, end):
    line = np.linspace(start, end, 2001)
    if holds(rect, line, pad=-0.3):
        assert rect.meets_line(start, end)
    if not holds(rect, line, pad=0.3):
        assert not rect.meets_line(start, end)


@given(rects, place, st.floats(1, 60))
def test_a_disc_reaches_into_a_rectangle_when_one_of_its_points_does(rect, middle, radius):
    xs, ys = np.linspace(rect.left, rect.right, 60), np.linspace(rect.bottom, rect.top, 60)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    nearest = np.hypot(*(grid - middle).T).min()
    if nearest < radius:
        assert rect.meets_disc(middle, radius)
    if nearest > radius + 3:
        assert not rect.meets_disc(middle, radius)


@given(rects, rects)
def test_two_rectangles_meet_whichever_is_asked(one, other):
    assert one.meets(other) == other.meets(one)
    apart = one.right <= other.left or other.right <= one.left or one.top <= other.bottom or other.top <= one.bottom
    assert one.meets(other) != apart


@given(place, place, st.floats(0, 1), st.booleans())
def test_a_label_beside_a_line_clears_it_on_the_side_that_was_asked_for(start, end, share, above):
    if abs(end[0] - start[0]) < 1:
        return
    middle = beside((start, end), share, "0.50", above)
    rect = Rect.around(middle, text_size("0.50"))
    assert not rect.meets_line(start, end)
    at = [a + share * (b - a) for a, b in zip(start, end, strict=True)]
    assert (middle[1] > at[1]) == above
    assert math.dist(middle, at) < 200


def test_labels_are_placed_all_or_none():
    room = Room(Rect(0, 0, 300, 100))
    assert room.place_all([("0.50", [(60, 50)]), ("0.25", [(60, 50), (200, 50)])]) == [(60, 50), (200, 50)]
    assert room.place_all([("1", [(280, 85)]), ("0.75", [(60, 50)])]) is None
    assert room.free((280, 80), text_size("1")), "what was placed before the failure is given back"


def test_nothing_is_placed_off_the_frame_or_on_a_disc():
    room = Room(Rect(0, 0, 300, 100))
    room.discs.append(((150, 50), 30))
    assert room.place("0.50", [(10, 50), (150, 50), (290, 50), (60, 98)]) is None
    assert room.place("0.50", [(150, 50), (60, 50)]) == (60, 50)
