"""The data: published pixels, splits that lose nothing, and what is refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits, make_circles, make_moons
from sklearn.preprocessing import StandardScaler

from vizkit import data
from vizkit.errors import ArgumentError, DataError, MissingExtraError, ShapeError, UnknownNameError


def test_the_network_has_them_under_its_name_too():
    from vizkit.nn.data import dosage

    assert dosage is data.dosage


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


@settings(max_examples=30)
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


# -- points, curves, series and text ------------------------------------------------------------------------------


def test_moons_are_scikit_learns():
    x, y = make_moons(20, shuffle=False)
    ours, labels = data.moons(20, noise=0)
    np.testing.assert_allclose(ours, x, atol=1e-6)
    np.testing.assert_array_equal(labels, y)


def test_circles_are_scikit_learns():
    x, y = make_circles(20, shuffle=False, factor=0.3)
    ours, labels = data.circles(20, noise=0, factor=0.3)
    np.testing.assert_allclose(ours, x, atol=1e-6)
    np.testing.assert_array_equal(labels, y)


@settings(max_examples=20)
@given(st.integers(1, 5), st.integers(5, 60), st.floats(0.5, 3))
def test_arms_of_a_spiral_are_turned_copies(classes, samples, turns):
    points, labels = data.spirals(samples * classes, classes, noise=0, turns=turns)
    np.testing.assert_array_equal(np.bincount(labels), samples)
    arms = points.astype(complex) @ np.array([1, 1j])
    for number in range(classes):
        turned = arms[labels == 0] * np.exp(2j * np.pi * number / classes)
        np.testing.assert_allclose(arms[labels == number], turned, atol=1e-6)
    assert np.abs(arms).max() == pytest.approx(1)


def test_noise_has_the_spread_that_was_asked_for_and_a_seed():
    for make in (data.spirals, data.moons, data.circles, data.xor):
        clean, noisy = make(4000, noise=0)[0], make(4000, noise=0.3, seed=1)[0]
        assert (noisy - clean).std() == pytest.approx(0.3, rel=0.03)
        np.testing.assert_array_equal(noisy, make(4000, noise=0.3, seed=1)[0])
        assert not np.array_equal(noisy, make(4000, noise=0.3, seed=2)[0])
        assert noisy.dtype == np.float32
    x, y = data.noisy_sine(4000, noise=0.3)
    assert (y - np.sin(x)).std() == pytest.approx(0.3, rel=0.03)


def test_windows_of_the_text_spell_the_text():
    x, y, alphabet = data.next_characters(10)
    text = data.text()
    assert len(x) == len(y) == len(text) - 10
    for place in (0, 77, len(x) - 1):
        assert "".join(alphabet[n] for n in x[place]) + alphabet[y[place]] == text[place : place + 11]
    assert 20 < len(alphabet) < 40


def test_standardised_features_have_mean_0_and_deviation_1():
    random = np.random.default_rng(0)
    x, other = random.normal(5, [1, 10, 100], (50, 3)), random.normal(size=(5, 3))
    x[:, 1] = 7
    ours, moved = data.standardise(x, other)
    scaler = StandardScaler().fit(x)
    np.testing.assert_allclose(ours, scaler.transform(x), atol=1e-12)
    np.testing.assert_allclose(moved, scaler.transform(other), rtol=1e-12)


def test_shifts_and_flips_move_every_pixel():
    images = np.random.default_rng(0).normal(size=(2, 5, 4, 3))
    for down, right in ((0, 0), (2, -1), (-1, 3), (5, 0), (0, -9)):
        expected = np.zeros_like(images)
        for i, j in np.ndindex(5, 4):
            if 0 <= i + down < 5 and 0 <= j + right < 4:
                expected[:, i + down, j + right] = images[:, i, j]
        np.testing.assert_array_equal(data.shift(images, down, right), expected)
    np.testing.assert_array_equal(data.flip(images)[:, :, 0], images[:, :, 3])
    np.testing.assert_array_equal(data.flip(images, "vertical")[:, 0], images[:, 4])


def test_augmented_images_are_shifted_and_flipped_ones():
    images = np.random.default_rng(0).normal(size=(40, 5, 5, 1))
    made = data.augment(images, reach=1, mirror=True, seed=3)
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    found = set()
    for image, result in zip(images, made, strict=True):
        candidates = {(m, f): data.shift(image[None], *m)[0][:, :: -1 if f else 1] for m in moves for f in (0, 1)}
        found |= {key for key, candidate in candidates.items() if np.array_equal(candidate, result)}
    assert len({move for move, _ in found}) == 9 and {flipped for _, flipped in found} == {0, 1}


def test_two_photographs():
    photos = data.photographs()
    assert photos.shape == (2, 427, 640, 3) and photos.dtype == np.float32
    assert photos.min() >= 0 and 0.9 < photos.max() <= 1


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: data.spirals(1), "samples is a whole number from 2; 1"),
        (lambda: data.moons(noise=-1), "noise"),
        (lambda: data.circles(factor=2), "factor"),
        (lambda: data.windows([1.0, 2.0], 2), r"length of 2 and values of shape \(2,\)"),
        (lambda: data.noisy_sine(1.5), "samples"),
        (lambda: data.flip(np.zeros((1, 2, 2, 1)), "diagonal"), "diagonal"),
        (lambda: data.shift(np.zeros((2, 2))), r"\(2, 2\)"),
        (lambda: data.augment(np.zeros((1, 2, 2, 1)), -1), "reach"),
        (lambda: data.standardise(np.zeros((2, 2)), np.zeros((2, 3))), r"\(2, 3\)"),
    ],
)
def test_refusals_of_makers(make, words):
    with pytest.raises((ArgumentError, ShapeError, UnknownNameError), match=words):
        make()
