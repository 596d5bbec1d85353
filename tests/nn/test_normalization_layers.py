"""Batch and layer normalisation against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_gradients import agrees, close, orders, run, tensors

from vizkit import nn
from vizkit.autodiff import grad
from vizkit.errors import ArgumentError, ShapeError
from vizkit.nn import layers
from vizkit.nn.layers.normalization import standardise
from vizkit.trace.sources import source_of

shapes = st.lists(st.integers(2, 4), min_size=2, max_size=4)


def random_weights(layer, random):
    for weight in layer.weights:
        weight.assign(random.uniform(0.5, 2.0, weight.shape))


@settings(max_examples=20)
@given(shape=shapes, seed=st.integers(0, 2**31), training=st.booleans(), epsilon=st.sampled_from([1e-3, 0.5]))
def test_batch_normalization(shape, seed, training, epsilon):
    random = np.random.default_rng(seed)
    x, weight = random.normal(3, 2, size=shape), random.normal(size=shape)
    layer = layers.BatchNormalization(epsilon=epsilon, dtype="float64")
    layer(x)
    random_weights(layer, random)
    gamma, beta, mean, variance = layer.get_weights()
    tx, tg, tb = tensors(x, gamma, beta)
    expected = F.batch_norm(
        tx.movedim(-1, 1), torch.tensor(mean), torch.tensor(variance), tg, tb, training, 0.0, epsilon
    ).movedim(1, -1)
    output, dx, found = run(layer, [x], weight, training=training)
    if not training:
        found = found[:2]  # of the moving statistics nobody asks the gradient
    agrees((output, dx, found[:2]), expected, weight, [tx], [tg, tb])


@settings(max_examples=20)
@given(shape=shapes, seed=st.integers(0, 2**31), several=st.booleans())
def test_layer_normalization(shape, seed, several):
    random = np.random.default_rng(seed)
    x, weight = random.normal(-1, 3, size=shape), random.normal(size=shape)
    first = int(random.integers(1, len(shape))) if several else len(shape) - 1
    axis = list(range(first, len(shape))) if several else -1
    layer = layers.LayerNormalization(axis=axis, dtype="float64")
    layer(x)
    random_weights(layer, random)
    tx, tg, tb = tensors(x, *layer.get_weights())
    expected = F.layer_norm(tx, shape[first:], tg, tb, 1e-3)
    agrees(run(layer, [x], weight), expected, weight, [tx], [tg, tb])


@pytest.mark.parametrize("kind", [layers.BatchNormalization, layers.LayerNormalization])
def test_another_axis_than_the_last(kind):
    random = np.random.default_rng(1)
    x, weight = random.normal(size=(5, 3, 4)), random.normal(size=(5, 3, 4))
    layer = kind(axis=1, dtype="float64")
    layer(x)
    random_weights(layer, random)
    gamma, beta = layer.get_weights()[:2]
    assert gamma.shape == (3,)
    tx, tg, tb = tensors(x, gamma, beta)
    over = (0, 2) if kind is layers.BatchNormalization else 1
    variance, mean = torch.var_mean(tx, over, correction=0, keepdim=True)
    expected = (tx - mean) / torch.sqrt(variance + 1e-3) * tg[:, None] + tb[:, None]
    output, dx, dw = run(layer, [x], weight, training=True) if over == (0, 2) else run(layer, [x], weight)
    agrees((output, dx, dw[:2]), expected, weight, [tx], [tg, tb])


def test_the_moving_statistics_follow_the_batches():
    random = np.random.default_rng(0)
    layer = layers.BatchNormalization(momentum=0.9, dtype="float64")
    mean, variance = np.zeros(3), np.ones(3)
    for _ in range(5):
        x = random.normal(2, 3, (7, 4, 3))
        layer(x, training=True)
        mean = 0.9 * mean + 0.1 * x.mean(axis=(0, 1))
        variance = 0.9 * variance + 0.1 * x.var(axis=(0, 1))
        before = [w.numpy() for w in layer.weights]
        layer(x)
    np.testing.assert_allclose(layer.moving_mean.numpy(), mean, rtol=1e-13)
    np.testing.assert_allclose(layer.moving_variance.numpy(), variance, rtol=1e-13)
    np.testing.assert_array_equal(before[2], layer.moving_mean.numpy())


def test_a_frozen_layer_uses_and_keeps_its_statistics():
    layer = layers.BatchNormalization(dtype="float64")
    x = np.random.default_rng(0).normal(5, 1, (8, 2))
    layer.trainable = False
    np.testing.assert_array_equal(layer(x, training=True), layer(x))
    assert layer.moving_mean.numpy().tolist() == [0, 0]


@pytest.mark.parametrize("kind", [layers.BatchNormalization, layers.LayerNormalization])
@pytest.mark.parametrize("value", [0.0, 1e4, -1e4, 5e-324])
def test_equal_inputs_give_beta(kind, value):
    x = np.full((4, 3), value)
    layer = kind(dtype="float64", beta_initializer=nn.initializers.Constant(2.0))
    output, (dx,), _ = (
        run(layer, [x], np.arange(12.0).reshape(4, 3), training=True)
        if (kind is layers.BatchNormalization)
        else run(layer, [x], np.arange(12.0).reshape(4, 3))
    )
    np.testing.assert_allclose(output, 2.0, rtol=1e-12)
    assert np.isfinite(dx).all()


def test_extreme_inputs_stay_finite_in_float32():
    x = np.array([[1e4, -1e4], [1e4, 1e4], [-1e4, 0.0]], np.float32)
    expected = (x.astype(float) - x.mean(0)) / np.sqrt(x.astype(float).var(0) + 1e-3)
    np.testing.assert_allclose(layers.BatchNormalization()(x, training=True), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", [layers.BatchNormalization, layers.LayerNormalization])
def test_layouts_whole_numbers_and_small_batches(kind):
    x = np.random.default_rng(0).integers(-5, 5, (4, 3, 2)).astype(float)
    layer = kind(dtype="float64")
    expected = layer(x)
    for other in (*orders(x), x.astype(int)):
        np.testing.assert_allclose(layer(other), expected, rtol=1e-14)
    with np.errstate(all="raise"):
        assert layer(x[:0], training=True).shape == (0, 3, 2) if kind is layers.BatchNormalization else True
        assert layer(x[:0]).shape == (0, 3, 2)
    assert np.isfinite(layer(x[:1])).all()
    assert [w.name for w in layer.weights][:2] == ["gamma", "beta"]
    bare = kind(center=False, scale=False, dtype="float64")
    bare(x)
    assert bare.trainable_weights == []
    close(bare(x), expected)


def test_the_second_derivative_through_the_batch():
    random = np.random.default_rng(0)
    x, weight = random.normal(size=(4, 2)), random.normal(size=(4, 2))

    def first(x):
        return np.sum(np.sin(grad(lambda z: np.sum(standardise(z, axes=(0,), epsilon=0.1) ** 3 * weight))(x)))

    (tx,) = tensors(x)
    variance, mean = torch.var_mean(tx, 0, correction=0, keepdim=True)
    value = (((tx - mean) / torch.sqrt(variance + 0.1)) ** 3 * torch.tensor(weight)).sum()
    (slope,) = torch.autograd.grad(value, tx, create_graph=True)
    (second,) = torch.autograd.grad(torch.sin(slope).sum(), tx)
    close(grad(first)(x), second)


def test_training_a_model_keeps_the_statistics_out_of_the_optimizer(capsys):
    x = np.random.default_rng(0).normal(10, 5, (64, 3))
    model = nn.Sequential([nn.Input((3,)), layers.Dense(8), layers.BatchNormalization(), layers.ReLU()], seed=0)
    model.add(layers.Dense(1))
    model.compile("adam", "mse")
    losses = model.fit(x, (x.sum(1) - 30) / 9, epochs=80, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    assert (model.layers[1].moving_mean.numpy() != 0).all()
    model.summary()
    # 3·8 + 8, gamma and beta, the two moving statistics, 8 + 1
    assert f"{32 + 32 + 9} ({32 + 16 + 9} trainable, 16 not)" in capsys.readouterr().out


def test_a_recorder_is_told_the_statistics_from_before_the_step():
    class Listener:
        def __init__(self):
            self.told = []

        def wants(self, kind, node, step):
            return kind == "forward" and node.kind == "BatchNormalization"

        def forward(self, step, node, inputs, output, parameters):
            self.told.append({name: p.copy() for name, p in parameters.items()})

        def __getattr__(self, name):
            return lambda *args: None

    listener = Listener()
    model = nn.Sequential([layers.BatchNormalization(momentum=0.5)], dtype="float64")
    model.compile("sgd", "mse")
    source_of(model)._attach(listener)
    model.fit(np.array([[2.0], [6.0]]), np.zeros((2, 1)), epochs=2, verbose=0)
    assert [t["moving_mean"].tolist() for t in listener.told] == [[0.0], [2.0]]
    assert [t["moving_variance"].tolist() for t in listener.told] == [[1.0], [2.5]]


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: layers.BatchNormalization(momentum=2), ArgumentError, "momentum.*2"),
        (lambda: layers.LayerNormalization(epsilon=0), ArgumentError, "epsilon"),
        (lambda: layers.BatchNormalization(axis=0)(np.ones((2, 3))), ShapeError, "axis 0"),
        (lambda: layers.LayerNormalization(axis=3)(np.ones((2, 3))), ShapeError, "axis 3"),
    ],
)
def test_bad_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("training", [False, True])
def test_other_features_than_at_first_are_refused(training):
    layer = layers.BatchNormalization(name="norm", center=False, scale=False)
    layer(np.ones((2, 3)))
    with pytest.raises(ShapeError, match=r"'norm'.*\(3,\).*\(2, 4\)"):
        layer(np.ones((2, 4)), training=training)
