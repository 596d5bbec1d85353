"""What programs ask of a model's parts: written once, and run with Keras and with vizkit."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from vizkit import nn
from vizkit.errors import ArgumentError, UnknownNameError
from vizkit.nn.changes import latest

BOTH = pytest.mark.parametrize("library", [keras, nn], ids=["keras", "vizkit"])
RANDOM = np.random.default_rng(7)
X, Y = RANDOM.normal(size=(64, 6)).astype("float32"), RANDOM.integers(0, 3, 64)


def subclass(library):
    class Mine(library.Model):
        def __init__(self):
            super().__init__()
            self.first = library.layers.Dense(5)
            self.norm = library.layers.BatchNormalization()
            self.last = library.layers.Dense(3, activation="softmax")

        def call(self, inputs, training=None):
            return self.last(self.norm(self.first(inputs), training=training))

    model = Mine()
    model(X[:2])
    return model


def shapes(weights):
    return [tuple(weight.shape) for weight in weights]


@BOTH
def test_a_subclassed_models_layers_and_weights(library):
    model = subclass(library)
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "BatchNormalization", "Dense"]
    assert (
        shapes(model.trainable_variables) == shapes(model.trainable_weights) == [(6, 5), (5,), (5,), (5,), (5, 3), (3,)]
    )
    assert shapes(model.non_trainable_variables) == shapes(model.non_trainable_weights) == [(5,), (5,)]
    assert model.get_layer(index=-1) is model.last and model.get_layer(model.norm.name) is model.norm
    model.first.trainable = False
    assert len(model.trainable_weights) == 4 and shapes(model.non_trainable_weights)[:2] == [(6, 5), (5,)]
    model.compile("adam", "sparse_categorical_crossentropy")
    before = [np.array(weight) for weight in model.first.get_weights()]
    model.fit(X, Y, verbose=0)
    for was, is_now in zip(before, model.first.get_weights(), strict=True):
        np.testing.assert_array_equal(was, is_now)


@BOTH
def test_a_head_is_taken_off_and_another_put_on(library):
    layers = library.layers
    model = library.Sequential(
        [library.Input((6,)), layers.Dense(8, activation="relu", name="base"), layers.Dense(3, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=3, verbose=0)
    base = [np.array(weight) for weight in model.get_layer("base").get_weights()]
    model.pop()
    assert model.output_shape == (None, 8) and len(model.layers) == 1
    model.add(layers.Dense(1))
    assert model.output_shape == (None, 1) and model.count_params() == 6 * 8 + 8 + 8 + 1
    for was, is_now in zip(base, model.get_layer(index=0).get_weights(), strict=True):
        np.testing.assert_array_equal(was, is_now)
    model.compile("sgd", "mse")
    losses = model.fit(X, X[:, 0], epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]


def test_pop_is_noticed_between_two_fits():
    """The plan of the former step and the optimizer's memory belong to weights that are gone."""
    model = nn.Sequential([nn.layers.Dense(8), nn.layers.Dense(4), nn.layers.Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.fit(X, X[:, 0], epochs=4, verbose=0)
    last = model.pop()
    model.pop()
    model.add(nn.layers.Dense(1))
    gone = [weight.copy() for weight in last.get_weights()]
    model.compile("adam", "mse")
    model.fit(X, X[:, 0], epochs=4, verbose=0)
    assert shapes(model.get_weights()) == [(6, 8), (8,), (8, 1), (1,)]
    for was, is_now in zip(gone, last.get_weights(), strict=True):
        np.testing.assert_array_equal(was, is_now)


def test_a_layer_that_is_not_there():
    model = subclass(nn)
    with pytest.raises(UnknownNameError, match=r"no layer 'norn'. Did you mean 'norm'\?"):
        model.get_layer("norn")
    for asked in ({}, {"name": "norm", "index": 0}, {"index": 3}, {"index": -4}, {"index": "first"}):
        with pytest.raises(ArgumentError):
            model.get_layer(**asked)
    with pytest.raises(ArgumentError, match="has no layer that could be taken away"):
        nn.Sequential().pop()


@BOTH
def test_the_history_of_the_last_fit_stays_with_the_model(library):
    model = subclass(library)
    model.compile("adam", "sparse_categorical_crossentropy")
    for epochs in (2, 3):
        given = model.fit(X, Y, epochs=epochs, verbose=0)
        assert model.history is given and len(model.history.history["loss"]) == epochs


def test_keeping_the_history_is_no_change_of_the_model():
    model = nn.Sequential([nn.layers.Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.fit(X, X[:, 0], verbose=0)
    before = latest()
    model.fit(X, X[:, 0], verbose=0)
    assert latest() == before


@pytest.mark.parametrize("use", [nn.layers.Dense(2), lambda given: nn.layers.Add()([given, given]), np.mean])
def test_the_functional_interface_is_refused_by_its_name(use):
    with pytest.raises(ArgumentError, match=r"functional interface is not part of vizkit\. Put the layers into a Seq"):
        use(nn.Input((3,)))
