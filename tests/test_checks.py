"""What is asked of numbers and arrays that users give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizkit import checks
from vizkit.errors import ArgumentError, DataError


@given(st.floats(allow_nan=True), st.booleans(), st.booleans())
def test_a_number_lies_within_its_limits(value, includes_low, includes_high):
    allowed = 0 < value < 1 or (value == 0 and includes_low) or (value == 1 and includes_high)
    if allowed:
        assert checks.number("it", value, 0, 1, includes_low, includes_high) == value
    else:
        rule = f"{'at least' if includes_low else 'above'} 0 and {'at most' if includes_high else 'less than'} 1"
        with pytest.raises(ArgumentError, match=f"it is a number {rule}; .* was given"):
            checks.number("it", value, 0, 1, includes_low, includes_high)


@pytest.mark.parametrize("value", [True, "3", None, [3], 3.0, 1, -3, np.float64(3)])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(ArgumentError, match="units is a whole number from 2"):
        checks.whole("units", value, 2)


@pytest.mark.parametrize("value", [2, 7, np.int32(2), np.uint8(9)])
def test_whole_numbers_become_plain_ones(value):
    assert type(checks.whole("units", value, 2)) is int


@given(st.sampled_from([np.nan, np.inf, -np.inf]), st.integers(0, 5))
def test_the_first_number_that_is_not_finite_is_named(bad, place):
    numbers = np.zeros((3, 2))
    numbers.flat[place] = bad
    with pytest.raises(DataError, match=rf"x must be finite; 1 of its 6 numbers .* at \({place // 2}, {place % 2}\)"):
        checks.array("x", numbers)
