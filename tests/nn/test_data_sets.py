"""The data: published pixels, splits that lose nothing, and what is refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from vizkit.errors import ArgumentError, DataError, MissingExtraError, UnknownNameError
from vizkit.nn import data


def test_the_letter_o_of_the_lessons():
    rows = ["".join(str(int(pixel)) for pixel in row) for row in data.letter("O")[:, :, 0]]
    assert rows == ["001100", "010010", "100001", "100001", "010010", "001100"]


def test_letters_hold_every_shift_once():
    images, labels = data.letters()
    assert labels.tolist() == [0] * 9 + [1] * 9
    assert len({image.tobytes() for image in images}) == 18
    for name, first in (("O", images[0]), ("X", images[9])):
        np.testing.assert_array_equal(first, data.letter(name))
    wide = np.pad(data.letter("X")[:, :, 0], 1)
    windows = {wide[i : i + 6, j : j + 6].tobytes() for i in range(3) for j in range(3)}
    assert {np.ascontiguousarray(image[:, :, 0]).tobytes() for image in images[9:]} == windows


def test_digits_are_scikit_learns_split_by_class():
    (x, y), (x_test, y_test) = data.digits()
    assert len(x) + len(x_test) == 1797
    assert x.shape[1:] == (8, 8, 1) and x.dtype == np.float32
    assert x.min() == 0 and x.max() == 1
    everything = np.concatenate([x, x_test])[..., 0] * 16
    ours = sorted(image.astype(int).tobytes() for image in everything)
    assert ours == sorted(image.astype(int).tobytes() for image in load_digits().images)
    shares = np.bincount(y_test) / (np.bincount(y) + np.bincount(y_test))
    np.testing.assert_allclose(shares, 0.2, atol=0.005)
    again = data.digits()
    np.testing.assert_array_equal(again[1][1], y_test)
    assert not np.array_equal(data.digits(seed=1)[0][1], y)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError, match=r"vizkit\[data\]"):
        data.digits()


@settings(max_examples=30, deadline=None)
@given(st.integers(5, 40), st.floats(0.1, 0.9), st.integers(0, 99), st.booleans())
def test_a_split_loses_nothing_and_keeps_pairs(count, share, seed, stratify):
    labels = np.arange(count) % 3
    (x, y), (held_x, held_y) = data.split(np.arange(count), labels, share, seed, stratify)
    assert sorted([*x, *held_x]) == list(range(count))
    np.testing.assert_array_equal(y, x % 3)
    np.testing.assert_array_equal(held_y, held_x % 3)
    assert abs(len(held_x) - share * count) <= (1.5 if stratify else 0.5) + 1e-9


def test_refusals():
    with pytest.raises(UnknownNameError, match="O, X"):
        data.letter("Q")
    with pytest.raises(ArgumentError, match="shift"):
        data.letters(shift=9)
    with pytest.raises(ArgumentError, match="share"):
        data.split(np.ones(3), np.ones(3), share=1)
    for labels in ([-1, 0], [0.5], []):
        with pytest.raises(DataError):
            data.one_hot(labels)
    with pytest.raises(DataError, match="3 was given"):
        data.one_hot([3], classes=3)


def test_one_hot_picks_rows_of_the_identity():
    np.testing.assert_array_equal(data.one_hot([2, 0, 1], 4), np.eye(4)[[2, 0, 1]])
