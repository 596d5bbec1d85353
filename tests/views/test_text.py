"""Numbers as text, words and sentences."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizkit.errors import ArgumentError, DataError
from vizkit.views.text import count, number, quantity, sentence, subscript, tally, words

finite = st.floats(-1e12, 1e12, allow_nan=False)


@given(finite, st.integers(0, 6))
def test_a_shown_number_is_the_value_rounded_to_its_digits(value: float, digits: int) -> None:
    shown = Decimal(number(value, digits).replace("−", "-").replace(",", ""))
    assert shown == Decimal(value).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)


@given(finite, st.integers(0, 6))
def test_the_minus_is_a_true_minus_and_zero_has_none(value: float, digits: int) -> None:
    text = number(value, digits)
    assert "-" not in text
    assert text.startswith("−") == (round(Decimal(value), digits) < 0)


@given(st.integers(0, 10**15))
def test_a_count_groups_its_thousands(value: int) -> None:
    groups = count(value).split(",")
    assert int("".join(groups)) == value
    assert all(len(group) == 3 for group in groups[1:]) and 1 <= len(groups[0]) <= 3


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_never_shown(value: float) -> None:
    with pytest.raises(DataError, match="finite"):
        number(value)


def test_words_keep_their_numbers() -> None:
    label = words("SSR ", quantity("ssr", 20.4196), words(" of ", tally("n", 3)), " points")
    assert str(label) == "SSR 20.42 of 3 points"
    assert label.quantities() == {"ssr": 20.4196, "n": 3.0}


def test_a_sentence_needs_each_field_once() -> None:
    assert str(sentence("{a} and {{b}}", a=quantity("a", 1, 0))) == "1 and {b}"
    with pytest.raises(ArgumentError, match="field 'a'"):
        sentence("{a}")
    with pytest.raises(ArgumentError, match="no field"):
        sentence("nothing", a=quantity("a", 1))


def test_bad_digits_and_counts_are_refused() -> None:
    with pytest.raises(ArgumentError, match="16"):
        number(1.0, 16)
    with pytest.raises(ArgumentError, match="whole"):
        count(1.5)
    assert subscript("-12") == "₋₁₂"
