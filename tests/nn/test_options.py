"""What layers are made with: Keras's names, however they are written, and names that do not exist."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import vizkit
from vizkit import nn
from vizkit.errors import ArgumentError, DataError, NotBuiltError, ShapeError, UnknownNameError
from vizkit.nn import initializers, layers, losses, optimizers, regularizers

NAMES = ["zeros", "zero", "Zeros", "ones", "one", "Ones", "identity", "Identity"]
RANDOM = [
    "normal", "random_normal", "RandomNormal", "uniform", "random_uniform", "RandomUniform", "truncated_normal",
    "TruncatedNormal", "glorot_uniform", "GlorotUniform", "glorot_normal", "GlorotNormal", "he_uniform", "HeUniform",
    "he_normal", "HeNormal", "lecun_uniform", "LecunUniform", "lecun_normal", "LecunNormal", "orthogonal", "Orthogonal",
    "variance_scaling", "VarianceScaling",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_of_initializers_that_draw_nothing(name):
    theirs = np.asarray(keras.initializers.get(name)((3, 3)))
    np.testing.assert_array_equal(initializers.get(name)((3, 3)), theirs)


@pytest.mark.parametrize("name", RANDOM)
def test_names_of_initializers_that_draw(name):
    """As many numbers as it takes to tell their distributions apart."""
    ours = initializers.get(name)((200, 300), random=np.random.default_rng(0))
    theirs = np.asarray(keras.initializers.get(name)((200, 300)))
    assert ours.shape == theirs.shape
    assert ours.std() == pytest.approx(theirs.std(), rel=0.02)
    assert np.quantile(np.abs(ours), 0.999) == pytest.approx(np.quantile(np.abs(theirs), 0.999), rel=0.06)
    assert type(initializers.get(name)).__name__ == type(keras.initializers.get(name)).__name__


@pytest.mark.parametrize("name", ["he_normal", "zeros", "glorot_uniform", "random_normal"])
def test_initializers_are_called_by_their_names_in_small_letters_too(name):
    made = getattr(initializers, name)()
    assert type(made) is type(initializers.get(name))


def test_regularizers_are_called_by_their_names_in_small_letters_too():
    weight = np.array([[1.0, -2.0]])
    for ours, theirs in (
        (regularizers.l2(0.3), keras.regularizers.l2(0.3)),
        (regularizers.l1(0.2), keras.regularizers.l1(0.2)),
        (regularizers.l1_l2(l1=0.2, l2=0.1), keras.regularizers.l1_l2(l1=0.2, l2=0.1)),
        (regularizers.get("L2"), keras.regularizers.get("L2")),
    ):
        assert float(ours(weight)) == pytest.approx(float(theirs(weight)))


def test_losses_and_optimizers_by_the_names_of_their_classes():
    assert type(losses.get("MeanSquaredError")) is losses.MeanSquaredError
    assert type(losses.get("KLDivergence")) is losses.KLDivergence
    for name in ("Adam", "SGD", "RMSprop", "AdamW", "Adagrad"):
        assert type(optimizers.get(name)).__name__ == name


WRONG = [
    (lambda: layers.Dense(3, "relo"), "Dense .*activation cannot be 'relo'.* 'relu'"),
    (lambda: layers.Dense(3, kernel_initializer="unifrom", name="one"), r"Dense \(one\).*'unifrom'.*'uniform'"),
    (lambda: layers.Dense(3, bias_initializer="zerros"), "bias_initializer .*'zerros'"),
    (lambda: layers.Dense(3, kernel_regularizer="l3"), "kernel_regularizer .*'l3'.*l1"),
    (lambda: layers.Conv2D(3, 3, activation="rellu"), "Conv2D .*'rellu'"),
    (lambda: layers.Conv2D(3, 3, kernel_initializer="he"), "Conv2D .*'he'"),
    (lambda: layers.LSTM(3, recurrent_initializer="ortogonal"), "LSTM .*recurrent_initializer .*'orthogonal'"),
    (lambda: layers.GRU(3, recurrent_activation="sigmod"), "GRU .*recurrent_activation .*'sigmoid'"),
    (lambda: layers.Embedding(3, 3, "uniforme"), "Embedding .*embeddings_initializer .*'uniforme'"),
    (lambda: layers.BatchNormalization(gamma_initializer="oness"), "BatchNormalization .*'oness'"),
    (lambda: layers.LayerNormalization(beta_initializer="x"), "LayerNormalization .*'x'"),
    (lambda: layers.MultiHeadAttention(2, 2, kernel_initializer="y"), "MultiHeadAttention .*'y'"),
    (lambda: layers.Activation("softmaxx"), "Activation .*'softmaxx'.*'softmax'"),
]  # fmt: skip


@pytest.mark.parametrize("make, said", WRONG)
def test_a_name_that_does_not_exist_is_refused_when_the_layer_is_made(make, said):
    with pytest.raises(UnknownNameError, match=said):
        make()


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: layers.Dense(3, activaton="relu"), "Dense has no option 'activaton'. Did you mean 'activation'"),
        (lambda: layers.Dense(3, kernel_constraint="max_norm"), "no option 'kernel_constraint'.* kernel_regularizer"),
        (lambda: layers.Flatten(data="x"), "Flatten has no option 'data'.*trainable"),
        (lambda: nn.Sequential([], sed=1), "Sequential has no option 'sed'. Did you mean 'seed'"),
    ],
)
def test_an_option_that_does_not_exist_is_refused_with_those_that_do(make, said):
    with pytest.raises(ArgumentError, match=said):
        make()


def test_options_of_ones_own_mean_what_they_like():
    class Own(layers.Layer):
        def __init__(self, my_initializer="my own word", activation="sine"):
            super().__init__()
            self.my_initializer, self.activation = my_initializer, activation

    assert Own("mine", activation="saw").activation == "saw"


def test_the_shape_of_a_sample_in_the_first_layer():
    assert nn.Sequential([layers.Dense(3, input_dim=4)]).layers[0].kernel.shape == (4, 3)
    assert nn.Sequential([layers.Dense(3, input_shape=(4,))]).layers[0].kernel.shape == (4, 3)
    assert nn.Sequential([layers.Embedding(7, 2, input_length=5), layers.Flatten()]).output_shape == (None, 10)
    open_length = nn.Sequential([nn.Input((None,), dtype="int32"), layers.Embedding(7, 2), layers.LSTM(3)])
    assert not open_length.built
    for times in (4, 6):
        assert open_length.predict(np.ones((2, times), int)).shape == (2, 3)


class Forgetful(layers.Layer):
    def build(self, input_shape):
        self.add_weight((input_shape[-1], 2))

    def call(self, inputs):
        return np.matmul(inputs, self.kernel)


class Wrong(layers.Layer):
    def call(self, inputs):
        return inputs.no_such_method()


CALLS = [
    (lambda: Forgetful(name="mine")(np.ones((3, 4))), NotBuiltError, r"'mine' \(Forgetful\) uses self.kernel .*4, 2"),
    (lambda: layers.MultiHeadAttention(2, 3)(np.ones((1, 2, 3))), ArgumentError, "is called with query.*'value'"),
    (lambda: layers.Dense(3)(np.ones((1, 2)), 7), ArgumentError, "dense.*is called with inputs.*too many"),
    (lambda: Wrong()(np.ones((1, 2))), AttributeError, "no_such_method"),
]  # fmt: skip


@pytest.mark.parametrize("call, kind, said", CALLS)
def test_a_call_that_cannot_be_is_said_to_be_the_layers(call, kind, said):
    with pytest.raises(kind, match=said):
        call()


def test_a_loss_that_returns_nothing_is_named():
    def quantile(y_true, y_pred):
        np.mean(y_true - y_pred)

    model = nn.Sequential([layers.Dense(1)])
    model.compile("sgd", quantile)
    with pytest.raises(ArgumentError, match="The loss quantile returned nothing"):
        model.fit(np.ones((2, 2)), np.ones(2), verbose=0)


def test_an_initializer_of_another_shape_is_refused_where_the_weight_is_made():
    layer = layers.Dense(2, kernel_initializer=lambda shape, dtype: np.zeros((9, 9)), name="wide")
    with pytest.raises(ShapeError, match=r"'wide' \(Dense\) needs a weight of shape \(4, 2\).* gave \(9, 9\)"):
        layer(np.zeros((1, 4)))


def test_a_layer_whose_call_returns_nothing_is_named():
    class Forgetful(nn.Layer):
        def call(self, inputs):
            inputs * 2

    model = nn.Sequential([nn.Input((4,)), layers.Dense(3)], seed=0)
    with pytest.raises(ArgumentError, match=r"'forgetful' \(Forgetful\) returned nothing"):
        model.add(Forgetful())


@pytest.mark.parametrize("given", ["abc", None, np.array([1j])])
def test_a_layer_computes_with_numbers_alone(given):
    with pytest.raises(DataError, match=r"'sums' \(Dense\) computes with numbers"):
        layers.Dense(1, name="sums")(given)


def test_a_loss_that_no_weight_can_change_is_refused():
    model = nn.Sequential([nn.Input((4,)), layers.Dense(1)], seed=0)
    model.compile("sgd", lambda y_true, y_pred: np.full(len(y_true), 3.0))
    with pytest.raises(ArgumentError, match="depends on no weight: it is 3 in any case"):
        model.fit(np.ones((5, 4)), np.ones((5, 1)), verbose=0)
    with pytest.raises(ArgumentError, match="depends on no weight"), vizkit.record(model):
        model.fit(np.ones((5, 4)), np.ones((5, 1)), verbose=0)


@pytest.mark.parametrize("metric", [nn.metrics.TopKCategoricalAccuracy, nn.metrics.SparseTopKCategoricalAccuracy])
def test_the_best_few_are_one_or_more(metric):
    with pytest.raises(ArgumentError, match="k is a whole number from 1; 0 was given"):
        metric(k=0)
