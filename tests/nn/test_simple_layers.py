"""Activations as layers, Add, Concatenate, Reshape, and layers of several inputs, against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_gradients import agrees, orders, run, tensors

from vizkit import nn
from vizkit.errors import ArgumentError, ShapeError
from vizkit.nn import layers
from vizkit.trace.sources import source_of

shapes = st.lists(st.integers(1, 4), min_size=2, max_size=4)


@settings(max_examples=25)
@given(shape=shapes, seed=st.integers(0, 2**31), slope=st.sampled_from([0.0, 0.1, 0.7]), which=st.integers(0, 5))
def test_activation_layers(shape, seed, slope, which):
    layer, oracle = [
        (layers.ReLU(), torch.relu),
        (layers.ReLU(negative_slope=slope), lambda x: F.leaky_relu(x, slope)),
        (layers.ReLU(max_value=1.5), lambda x: torch.clamp(x, 0, 1.5)),
        (layers.LeakyReLU(slope), lambda x: F.leaky_relu(x, slope)),
        (layers.ELU(slope + 0.5), lambda x: F.elu(x, slope + 0.5)),
        (layers.Softmax(axis=1), lambda x: F.softmax(x, 1)),
    ][which]
    layer._dtype = np.dtype("float64")
    random = np.random.default_rng(seed)
    x, weight = random.normal(size=shape), random.normal(size=shape)
    (tx,) = tensors(x)
    agrees(run(layer, [x], weight), oracle(tx), weight, [tx])


def test_relu_with_a_threshold_as_keras_defines_it():
    layer = layers.ReLU(max_value=4, negative_slope=0.5, threshold=1, dtype="float64")
    # f(x) = max_value from there on; x from the threshold on; else negative_slope (x - threshold)
    assert layer(np.array([[-1.0, 0.0, 1.0, 1.5, 3.0, 9.0]])).tolist() == [[-1.0, -0.5, 0.0, 1.5, 3.0, 4.0]]


def test_defaults_are_those_of_keras():
    assert layers.LeakyReLU(dtype="float64")(np.array([[-1.0]])).tolist() == [[-0.3]]
    assert layers.ELU(dtype="float64")(np.array([[-1.0]]))[0, 0] == pytest.approx(np.expm1(-1), rel=1e-15)


def test_extreme_scores_neither_overflow_nor_vanish():
    x = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [5e-324, 0.0, 0.0]])
    found = layers.Softmax(dtype="float64")(x)
    np.testing.assert_allclose(found, [[1, 0, 0], [1 / 3] * 3, [1 / 3] * 3], rtol=1e-15)
    masked = layers.Softmax(dtype="float64")(x, mask=[[False, True, True], [False] * 3, [True, True, False]])
    np.testing.assert_allclose(masked, [[0, 0, 1], [0, 0, 0], [0.5, 0.5, 0]], rtol=1e-15)


@settings(max_examples=20)
@given(shape=shapes, others=st.lists(st.integers(0, 4), min_size=1, max_size=3), seed=st.integers(0, 2**31))
def test_concatenate(shape, others, seed):
    random = np.random.default_rng(seed)
    axis = int(random.integers(1, len(shape)))
    parts = [random.normal(size=[*shape[:axis], n, *shape[axis + 1 :]]) for n in (shape[axis], *others)]
    layer = layers.Concatenate(axis=axis, dtype="float64")
    weight = random.normal(size=np.concatenate(parts, axis).shape)
    ts = tensors(*parts)
    agrees(run(layer, [parts], weight), torch.cat(ts, axis), weight, ts)


@settings(max_examples=20)
@given(shape=shapes, count=st.integers(2, 4), seed=st.integers(0, 2**31))
def test_add(shape, count, seed):
    random = np.random.default_rng(seed)
    parts = [random.normal(size=shape) for _ in range(count)]
    parts[-1] = parts[-1][:, :1]  # one is broadcast
    weight = random.normal(size=shape)
    ts = tensors(*parts)
    agrees(run(layers.Add(dtype="float64"), [parts], weight), sum(ts[1:], ts[0]), weight, ts)


def test_one_input_twice_gets_both_shares():
    x, weight = np.array([[1.0, -2.0]]), np.array([[3.0, 5.0]])
    (tx,) = tensors(x)

    class Twice(nn.Layer):
        def __init__(self):
            super().__init__(dtype="float64")
            self.add = layers.Add()

        def call(self, inputs):
            return self.add([inputs, inputs])

    agrees(run(Twice(), [x], weight), tx + tx, weight, [tx])


@pytest.mark.parametrize("target", [(6, 4), (2, -1), (-1,), (3, 4, 2, 1)])
def test_reshape(target):
    random = np.random.default_rng(0)
    x = random.normal(size=(5, 4, 6))
    (tx,) = tensors(x)
    expected = tx.reshape(5, *target)
    weight = random.normal(size=expected.shape)
    layer = layers.Reshape(target, dtype="float64")
    agrees(run(layer, [x], weight), expected, weight, [tx])
    for other in orders(x):
        np.testing.assert_array_equal(layer(other), x.reshape(5, *target))


def test_an_empty_batch_passes():
    x = np.zeros((0, 4))
    assert layers.Reshape((2, -1))(x).shape == (0, 2, 2)
    assert layers.Concatenate()([x, x]).shape == (0, 8)
    assert layers.Add()([x, x]).shape == layers.Softmax()(x).shape == layers.ELU()(x).shape == (0, 4)


def test_whole_numbers_become_floating_ones():
    x = np.array([[-2, 3]])
    for layer in (layers.ReLU(), layers.LeakyReLU(), layers.ELU(), layers.Softmax()):
        assert layer(x).dtype == np.float32
    assert layers.Add()([x, np.array([[0.5, 0.5]])]).tolist() == [[-1.5, 3.5]]


class Bypass(nn.Model):
    """Two inputs in a dictionary's stead: a list, each through its own layer, then a bypass around a third."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.left, self.right, self.both = layers.Dense(3), layers.Dense(3), layers.Dense(3)
        self.add, self.join = layers.Add(), layers.Concatenate()

    def call(self, inputs):
        left, right = inputs[:, :2], inputs[:, 2:]
        summed = self.add([self.left(left), self.right(right)])
        return self.join([summed, self.both(summed)])


def test_a_model_of_branches_trains_and_shows_its_layers(capsys):
    x = np.random.default_rng(0).normal(size=(40, 5))
    y = np.stack([x.sum(1)] * 6, axis=1)
    model = Bypass(seed=0)
    model.compile(nn.optimizers.Adam(0.05), "mse")
    history = model.fit(x, y, epochs=60, verbose=0)
    assert history.history["loss"][-1] < 1e-2 < history.history["loss"][0]
    model.summary()
    shown = capsys.readouterr().out
    assert "add (Add)" in shown and "(None, 6)" in shown


def test_a_recorder_sees_every_input_of_a_layer():
    class Listener:
        told, levels = [], ("layer",)

        def wants(self, kind, node, step):
            return node.level == "layer"

        def forward(self, step, node, inputs, output, parameters):
            self.told.append(("forward", node.name, [i.copy() for i in inputs], output.copy()))

        def backward(self, step, node, output_gradient, input_gradients, parameter_gradients):
            self.told.append(("backward", node.name, input_gradients, output_gradient))

        def __getattr__(self, name):
            return lambda *args: None

    listener, model = Listener(), Bypass(seed=0, dtype="float64")
    model.compile("sgd", "mse")
    source_of(model)._attach(listener)
    model.fit(np.ones((2, 5)), np.zeros((2, 6)), verbose=0)
    told = {(kind, name): rest for kind, name, *rest in listener.told}
    left, right = told["forward", "left"][1], told["forward", "right"][1]
    inputs, output = told["forward", "add"]
    np.testing.assert_array_equal(inputs, [left, right])
    np.testing.assert_array_equal(output, left + right)
    passed, arrived = told["backward", "add"]
    np.testing.assert_array_equal(passed, [arrived, arrived])
    passed, arrived = told["backward", "join"]
    np.testing.assert_array_equal(np.concatenate(passed, axis=1), arrived)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: layers.Add()(np.ones((2, 3))), ArgumentError, "list of at least two"),
        (lambda: layers.Add()([np.ones((2, 3))]), ArgumentError, "list of at least two"),
        (lambda: layers.Add(name="sum")([np.ones((2, 3)), np.ones((2, 4))]), ShapeError, r"'sum'.*\(2, 3\), \(2, 4\)"),
        (lambda: layers.Concatenate()([np.ones((2, 3)), np.ones((3, 3))]), ShapeError, r"\(2, 3\), \(3, 3\)"),
        (lambda: layers.Concatenate(axis=2)([np.ones((2, 3))] * 2), ShapeError, "axis 2"),
        (lambda: layers.Reshape((4,))(np.ones((2, 6))), ShapeError, r"\(4,\).*\(2, 6\)"),
        (lambda: layers.Reshape((-1, -1)), ArgumentError, "at most one"),
        (lambda: layers.Reshape((1.5,)), ArgumentError, "1.5"),
        (lambda: layers.ReLU(max_value=-1), ArgumentError, "max_value"),
        (lambda: layers.ReLU(negative_slope=-0.1), ArgumentError, "negative_slope"),
    ],
)
def test_bad_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()
