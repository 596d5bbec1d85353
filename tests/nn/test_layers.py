"""Layers against PyTorch, on random shapes and options."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from vizkit import nn
from vizkit.autodiff import Tape, Tracked
from vizkit.errors import ArgumentError, NotBuiltError, ShapeError, UnknownNameError
from vizkit.nn.convolutions import conv2d
from vizkit.nn.images import output_length, same_padding
from vizkit.nn.pools import max_pool2d


def gradients(layer, x, weight):
    """Gradient of a weighted sum of the outputs with respect to the input and each weight."""
    layer(x)
    tape = Tape()
    with tape.watch(layer.weights):
        inputs = Tracked(x, tape)
        output = layer(inputs)
        found = tape.backward(np.sum(output * weight))
    return output.numpy(), found[id(inputs)], [found[id(w)] for w in layer.weights]


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-10, atol=1e-12)


@settings(max_examples=20)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_dense(leading, features, units, seed):
    random = np.random.default_rng(seed)
    layer = nn.layers.Dense(units, "tanh", dtype="float64", bias_initializer="random_normal")
    x, weight = random.normal(size=(*leading, features)), random.normal(size=(*leading, units))
    output, dx, (dw, db) = gradients(layer, x, weight)
    tx, tw, tb = (torch.tensor(a, requires_grad=True) for a in (x, *layer.get_weights()))
    expected = torch.tanh(tx @ tw + tb)
    (expected * torch.tensor(weight)).sum().backward()
    close(output, expected)
    close(dx, tx.grad)
    close(dw, tw.grad)
    close(db, tb.grad)


def torch_conv(x, kernel, strides, padding, dilation):
    x = x.permute(0, 3, 1, 2).contiguous()
    if padding == "same":
        rows = same_padding(x.shape[2], kernel.shape[0], strides[0], dilation[0])
        columns = same_padding(x.shape[3], kernel.shape[1], strides[1], dilation[1])
        x = F.pad(x, (*columns, *rows))
    return F.conv2d(x, kernel.permute(3, 2, 0, 1).contiguous(), None, strides, 0, dilation).permute(0, 2, 3, 1)


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=50)
@given(
    kernel_size=pairs, strides=pairs, dilation=pairs, padding=st.sampled_from(["valid", "same"]),
    shape=st.tuples(st.integers(1, 3), st.integers(7, 9), st.integers(7, 10), st.integers(1, 3)),
    filters=st.integers(1, 3), seed=st.integers(0, 2**31),
)  # fmt: skip
def test_conv2d(kernel_size, strides, dilation, padding, shape, filters, seed):
    random = np.random.default_rng(seed)
    layer = nn.layers.Conv2D(
        filters, kernel_size, strides, padding, dilation, "softplus", dtype="float64", bias_initializer="ones"
    )
    x = random.normal(size=shape)
    weight = random.normal(size=layer(x).shape)
    output, dx, (dw, db) = gradients(layer, x, weight)
    tx, tw, tb = (torch.tensor(a, requires_grad=True) for a in (x, *layer.get_weights()))
    expected = F.softplus(torch_conv(tx, tw, strides, padding, dilation) + tb, threshold=1000)
    (expected * torch.tensor(weight)).sum().backward()
    close(output, expected)
    close(dx, tx.grad)
    close(dw, tw.grad)
    close(db, tb.grad)


@settings(max_examples=40)
@given(
    window=pairs, strides=pairs, levels=st.sampled_from([2, 1000]),
    shape=st.tuples(st.integers(1, 3), st.integers(3, 7), st.integers(3, 7), st.integers(1, 3)),
    seed=st.integers(0, 2**31),
)  # fmt: skip
def test_max_pooling_with_and_without_ties(window, strides, levels, shape, seed):
    random = np.random.default_rng(seed)
    x = random.integers(0, levels, shape).astype(float)  # with two levels nearly every window has ties
    layer = nn.layers.MaxPooling2D(window, strides, dtype="float64")
    weight = random.normal(size=layer(x).shape)
    output, dx, _ = gradients(layer, x, weight)
    tx = torch.tensor(x, requires_grad=True)
    expected = F.max_pool2d(tx.permute(0, 3, 1, 2), window, strides).permute(0, 2, 3, 1)
    (expected * torch.tensor(weight)).sum().backward()
    close(output, expected)
    close(dx, tx.grad)


def test_max_pooling_with_padding_never_sees_the_padding():
    x = -np.arange(1.0, 26).reshape(1, 5, 5, 1)
    pooled = nn.layers.MaxPooling2D(2, padding="same", dtype="float64")(x)
    assert pooled[0, :, :, 0].tolist() == [[-1, -3, -5], [-11, -13, -15], [-21, -23, -25]]


def test_published_pooling_and_convolution():
    pooled = nn.layers.MaxPooling2D(2)(np.arange(1.0, 17).reshape(1, 4, 4, 1))
    assert pooled[0, :, :, 0].tolist() == [[6, 8], [14, 16]]
    diagonal = np.eye(3)[::-1, :, None, None]
    assert conv2d(nn.data.letter("O")[None], diagonal)[0, 0, 0, 0] == 3


@settings(max_examples=40)
@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
def test_output_length_counts_the_windows(length, window, stride, dilation):
    reach = dilation * (window - 1) + 1
    assert output_length(length, window, stride, "valid", dilation) == len(range(0, length - reach + 1, stride))
    before, after = same_padding(length, window, stride, dilation)
    assert output_length(length + before + after, window, stride, "valid", dilation) >= output_length(
        length, window, stride, "same", dilation
    )
    assert 0 <= after - before <= 1


def test_convolution_and_pooling_in_float32_stay_so():
    x = np.ones((2, 5, 5, 3), np.float32)
    assert conv2d(x, np.ones((3, 3, 3, 2), np.float32)).dtype == np.float32
    assert max_pool2d(x, window=(2, 2), strides=(2, 2)).dtype == np.float32


def test_an_empty_batch_passes():
    model = nn.Sequential([nn.layers.Conv2D(2, 3), nn.layers.MaxPooling2D(), nn.layers.Flatten(), nn.layers.Dense(3)])
    model(np.zeros((1, 6, 6, 1)))
    assert model(np.zeros((0, 6, 6, 1))).shape == (0, 3)


def test_dropout_scales_what_it_keeps_and_only_in_training():
    layer = nn.layers.Dropout(0.3, seed=1)
    x = np.ones((200, 200), np.float32)
    assert layer(x) is x or np.array_equal(layer(x), x)
    dropped = layer(x, training=True)
    np.testing.assert_allclose(np.unique(dropped), [0, 1 / 0.7], rtol=1e-6)
    assert (dropped == 0).mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / x.size))
    again = nn.layers.Dropout(0.3, seed=1)(x, training=True)
    np.testing.assert_array_equal(dropped, again)
    assert not np.array_equal(dropped, layer(x, training=True))


def test_dropout_inside_a_composite_layer_knows_of_training():
    class Block(nn.Layer):
        def __init__(self):
            super().__init__()
            self.dropout = nn.layers.Dropout(0.5, seed=0)

        def call(self, inputs):
            return self.dropout(inputs)

    model = nn.Sequential([Block()])
    x = np.ones((4, 10))
    assert (model(x, training=True) == 0).any()
    assert (model(x) == 1).all()


class Scaled(nn.layers.Layer):
    def __init__(self, units=32):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return np.tanh(np.matmul(inputs, self.w) + self.b)


def test_a_layer_of_plain_numpy_trains():
    x = np.linspace(-1, 1, 40)[:, None]
    model = nn.Sequential([Scaled(8), nn.layers.Dense(1)], seed=0)
    model.compile(nn.optimizers.Adam(0.03), "mse")
    history = model.fit(x, np.sin(3 * x), epochs=300, verbose=0)
    assert history.history["loss"][-1] < 0.02 < history.history["loss"][0]
    assert [w.name for w in model.weights] == ["w", "b", "kernel", "bias"]


def test_a_layer_with_call_alone_and_no_init_call():
    class Double(nn.Layer):
        def __init__(self):
            self.factor = 2  # without super().__init__()

        def call(self, inputs):
            return inputs * self.factor

    assert Double()(np.ones((1, 2))).tolist() == [[2.0, 2.0]]


def test_sublayers_are_tracked_in_attributes_and_lists():
    class Residual(nn.Layer):
        def __init__(self, units):
            super().__init__()
            self.first = nn.layers.Dense(units, "relu")
            self.more = [nn.layers.Dense(units), nn.layers.Dense(units)]

        def call(self, inputs):
            x = self.first(inputs)
            for layer in self.more:
                x = layer(x)
            return x + inputs

    block = Residual(4)
    block(np.ones((2, 4)))
    assert block.count_params() == 3 * (16 + 4)
    assert [layer.name for layer in block.sublayers()] == ["first", "more_1", "more_2"]
    block.trainable = False
    assert block.trainable_weights == []
    assert len(block.weights) == 6


def test_a_models_seed_and_dtype_reach_the_innermost_layers():
    class Outer(nn.Layer):
        def __init__(self):
            super().__init__()
            self.inner = nn.layers.Dense(3)

        def call(self, inputs):
            return self.inner(inputs)

    one, two = (nn.Sequential([Outer()], dtype="float64", seed=4) for _ in range(2))
    assert one(np.ones((1, 2))).dtype == np.float64
    two(np.ones((1, 2)))
    np.testing.assert_array_equal(one.get_weights()[0], two.get_weights()[0])


def test_weights_go_in_and_out():
    layer = nn.layers.Dense(2)
    with pytest.raises(NotBuiltError, match="dense"):
        layer.set_weights([np.zeros((3, 2)), np.zeros(2)])
    layer(np.ones((1, 3)))
    layer.set_weights([np.full((3, 2), 2.0), np.ones(2)])
    assert layer(np.ones((1, 3))).tolist() == [[7.0, 7.0]]
    with pytest.raises(ShapeError, match=r"\(3, 2\).*\(2, 3\)"):
        layer.set_weights([np.zeros((2, 3)), np.zeros(2)])
    layer.get_weights()[0][:] = 9
    assert layer(np.ones((1, 3))).tolist() == [[7.0, 7.0]]


def test_whole_numbers_and_lists_are_taken():
    layer = nn.layers.Dense(1, kernel_initializer="ones")
    assert layer([[1, 2]]).tolist() == [[3.0]]
    assert layer(np.array([[1, 2]], np.uint8)).dtype == np.float32


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: nn.layers.Dense(0), ArgumentError, "units"),
        (lambda: nn.layers.Dense(2, "rellu"), UnknownNameError, "relu"),
        (lambda: nn.layers.Dense(2, kernel_initializer="zerro")(np.ones((1, 2))), UnknownNameError, "zeros"),
        (lambda: nn.layers.Conv2D(1, (1, 2, 3)), ArgumentError, "kernel_size"),
        (lambda: nn.layers.Conv2D(1, 3, padding="sam"), UnknownNameError, "same"),
        (lambda: nn.layers.Conv2D(1, 3)(np.ones((1, 2, 2, 1))), ShapeError, "larger than its image"),
        (lambda: nn.layers.Conv2D(1, 3)(np.ones((6, 6, 1))), ShapeError, "batch, height, width, channels"),
        (lambda: nn.layers.MaxPooling2D()(np.ones((1, 1, 4, 1))), ShapeError, "larger than its image"),
        (lambda: nn.layers.Dense(2)(np.ones(3)), ShapeError, "batch, features"),
        (lambda: nn.layers.Dropout(1.0), ArgumentError, "less than 1"),
        (lambda: nn.layers.Dense(2, dtype="int32"), ArgumentError, "float32, float64"),
        (lambda: nn.Layer().add_weight((-1,)), ShapeError, "-1"),
    ],
)
def test_bad_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_wrong_input_names_the_layer_and_both_shapes():
    layer = nn.layers.Dense(2, name="first")
    layer(np.ones((1, 3)))
    with pytest.raises(ShapeError, match=r"'first'.*\(3, 2\).*\(5, 4\)"):
        layer(np.ones((5, 4)))


def test_numpys_complaint_in_a_custom_layer_names_the_layer():
    layer = Scaled(2)
    layer(np.ones((1, 3)))
    with pytest.raises(ShapeError, match=r"'scaled'.*\(None, 4\)"):
        layer(np.ones((5, 4)))
