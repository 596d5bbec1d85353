"""Things between two beats: numbers count, curves bend, and both ends are exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vizkit.animation.items import Item, Move, can_blend, rgb
from vizkit.animation.timing import coming, leaving
from vizkit.theme import contrast
from vizkit.views.marks import Curve, Dot, Text, points
from vizkit.views.text import quantity, words

GROUND = rgb("#000000")
finite = st.floats(-1e4, 1e4)
shares = st.floats(0, 1)


def item(mark, colour="#ffffff"):
    return Item("panel/key", mark, rgb(colour), GROUND, GROUND)


def label(value, digits=2, x=0.0, prefix="w = "):
    return item(Text(key="key", words=words(prefix, quantity("w", value, digits)), x=x, y=0.0))


@given(finite, finite, shares)
def test_a_number_on_its_way_stays_between_its_ends_and_keeps_its_digits(start, end, share):
    text = str(Move(label(start), label(end)).at(share).mark.words)
    shown = float(text.removeprefix("w = ").replace("−", "-").replace(",", ""))
    assert min(start, end) - 0.006 <= shown <= max(start, end) + 0.006
    assert len(text.rpartition(".")[2]) == 2


@given(finite, finite)
def test_both_ends_are_exact(start, end):
    move = Move(label(start, x=start), label(end, x=end))
    assert str(move.at(0.0).mark.words) == str(label(start).mark.words) and move.at(0.0).mark.x == start
    assert move.at(1.0) is move.after


def test_numbers_change_only_with_the_same_words_around_them():
    assert can_blend(label(1).mark, label(2).mark)
    assert not can_blend(label(1).mark, label(1, prefix="v = ").mark)
    assert not can_blend(label(1).mark, replace(label(1).mark, bold=True))
    assert not can_blend(label(1).mark, Dot(key="key", x=0, y=0))


@given(st.integers(2, 60), st.integers(2, 60), shares)
def test_curves_of_different_length_bend_into_each_other_along_straight_ways(first, second, share):
    low, high = np.linspace(0, 1, first), np.linspace(0, 1, second)
    move = Move(
        item(Curve(key="key", points=points(low, 2 * low))),
        item(Curve(key="key", points=points(high, 2 * high + 3))),
    )
    shown = move.at(share).mark.points
    expected = shown[:, 0] * 2 + 3 * share  # every point of the one line goes straight up to the other
    assert share == 1.0 or np.allclose(shown[:, 1], expected, atol=1e-9)


def test_a_colour_change_keeps_the_mark_itself_so_that_its_outline_is_kept():
    before = label(1.0)
    move = Move(before, replace(before, colour=rgb("#ff0000")))
    assert move.at(0.5).mark is before.mark
    assert np.allclose(move.at(0.5).colour, [1.0, 0.5, 0.5])


def test_what_goes_has_gone_before_what_comes_appears():
    for share in np.linspace(0, 1, 41):
        gone, come = Move(label(1), None).at(leaving(share)), Move(None, label(1)).at(coming(share))
        assert gone.opacity == 0.0 or come.opacity == 0.0
    assert Move(label(1), None).at(leaving(0.0)).opacity == 1.0 and Move(None, label(1)).at(coming(1.0)).opacity == 1.0


@given(shares)
def test_a_text_whose_ground_turns_light_can_be_read_all_the_way(share):
    before = replace(label(1.0), colour=rgb("#99a0aa"), fill=rgb("#223050"))
    after = replace(before, colour=rgb("#10141b"), fill=rgb("#5f85d8"))
    shown = Move(before, after).at(share)
    assert contrast(_hex(shown.colour), _hex(shown.fill)) > 2.4  # a plain blend passes through 1


def _hex(colour):
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in colour)


def test_a_move_is_still_only_if_nothing_of_it_changes():
    before = label(1.0)
    assert Move(before, replace(before)).still
    assert not Move(before, replace(before, colour=rgb("#ff0000"))).still
    assert not Move(before, label(1.5)).still
    assert not Move(before, None).still
