"""Small helpers of programs written for Keras, against Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizkit import nn
from vizkit.errors import ArgumentError
from vizkit.nn import layers, ops, utils

sides = st.sampled_from(["pre", "post"])


@settings(max_examples=60)
@given(
    sequences=st.lists(st.lists(st.integers(1, 9), max_size=6), min_size=1, max_size=4),
    maxlen=st.none() | st.integers(1, 5),
    padding=sides,
    truncating=sides,
    value=st.integers(-2, 0),
)
def test_sequences_are_padded_as_keras_does(sequences, maxlen, padding, truncating, value):
    options = {"maxlen": maxlen, "padding": padding, "truncating": truncating, "value": value}
    ours, theirs = utils.pad_sequences(sequences, **options), keras.utils.pad_sequences(sequences, **options)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


def test_a_side_that_is_none_is_refused():
    with pytest.raises(ArgumentError, match=r"padding is 'pre' or 'post'; 'left'"):
        utils.pad_sequences([[1]], padding="left")


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_one_hot_numbers(axis):
    numbers = np.array([[0, 2], [1, 0]])
    theirs = np.asarray(keras.ops.one_hot(numbers, 3, axis=axis))
    np.testing.assert_array_equal(ops.one_hot(numbers, 3, axis=axis), theirs)


def test_the_settings_of_a_layer_make_it_again():
    class Scaled(layers.Layer):
        def __init__(self, factor=2.0, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, x):
            return x * self.factor

        def get_config(self):
            config = super().get_config()
            config.update({"factor": self.factor})
            return config

    layer = Scaled(3.0, name="three", dtype="float64")
    again = Scaled(**layer.get_config())
    assert (again.name, again.factor, again.dtype) == ("three", 3.0, np.float64)


def test_short_names_and_former_ones():
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 1))
    np.testing.assert_array_equal(layers.MaxPool2D(2)(x), layers.MaxPooling2D(2)(x))
    np.testing.assert_array_equal(layers.AvgPool2D(2)(x), layers.AveragePooling2D(2)(x))
    np.testing.assert_array_equal(layers.LeakyReLU(alpha=0.2)(x), layers.LeakyReLU(negative_slope=0.2)(x))
    assert nn.Sequential([layers.LeakyReLU(alpha=0.2, name="a")]).get_layer("a").negative_slope == 0.2
