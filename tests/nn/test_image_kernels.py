"""The fast ways of convolution and pooling against PyTorch, at sizes where each of them is taken."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_gradients import agrees, close, orders, run, tensors

from vizkit.autodiff import Tape, Tracked, threads
from vizkit.autodiff.buffers import Scratch
from vizkit.nn import convolutions, layers
from vizkit.nn.images import Windows, inward, outward, same_padding
from vizkit.nn.pools import max_pool2d

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
seeds = st.integers(0, 2**31)
# below and above the batch at which matrices of a row are joined, channels up to and above the few
images = st.tuples(
    st.sampled_from([0, 1, 2, 15, 16, 17, 33]), st.integers(3, 7), st.integers(3, 7), st.sampled_from([1, 2, 4, 5, 8])
)


@pytest.fixture(autouse=True)
def every_call_in_parts(monkeypatch):
    monkeypatch.setattr(threads, "WORTH", 1)
    monkeypatch.setattr(threads, "available", lambda: 3)


def working(x):
    """Return the same numbers in the layout that one image layer leaves to the next."""
    return np.ascontiguousarray(x.transpose(1, 2, 0, 3)).transpose(2, 0, 1, 3)


def layouts(x):
    return [x, working(x), *orders(x)]


def padded(x, window, strides, padding, dilation, fill=0.0):
    """Return a tensor (batch, channels, height, width) with Keras's padding."""
    x = x.permute(0, 3, 1, 2)
    if padding == "valid":
        return x
    rows, columns = (same_padding(x.shape[2 + i], window[i], strides[i], dilation[i]) for i in (0, 1))
    return F.pad(x, (*columns, *rows), value=fill)


@settings(max_examples=60)
@given(
    kernel_size=pairs, strides=pairs, dilation=st.sampled_from([(1, 1), (2, 1), (1, 2)]), shape=images,
    padding=st.sampled_from(["valid", "same"]), filters=st.sampled_from([1, 3, 8]), layout=st.integers(0, 4),
    activation=st.sampled_from(["relu", "tanh", None]), seed=seeds,
)  # fmt: skip
def test_convolution(kernel_size, strides, dilation, shape, padding, filters, layout, activation, seed):
    random = np.random.default_rng(seed)
    shape = (shape[0], max(shape[1], 5), max(shape[2], 5), shape[3])
    x = layouts(random.normal(size=shape))[layout]
    options = {"activation": activation, "bias_initializer": "random_normal", "dtype": "float64"}
    layer = layers.Conv2D(filters, kernel_size, strides, padding, dilation, **options)
    weight = random.normal(size=layer(x).shape)
    tx, tw, tb = tensors(x, *layer.get_weights())
    image = padded(tx, kernel_size, strides, padding, dilation)
    mapped = F.conv2d(image, tw.permute(3, 2, 0, 1).contiguous(), tb, strides, 0, dilation).permute(0, 2, 3, 1)
    expected = {"relu": torch.relu, "tanh": torch.tanh, None: lambda z: z}[activation](mapped)
    agrees(run(layer, [x], weight), expected, weight, [tx], [tw, tb])


def test_kernels_whose_gradient_is_one_product():
    """Above `BLAS_ALONE` multiplications for one place nothing is joined any more."""
    random = np.random.default_rng(0)
    x = random.normal(size=(32, 4, 5, 64))
    layer = layers.Conv2D(160, 2, padding="same", activation="relu", dtype="float64")
    weight = random.normal(size=layer(x).shape)
    assert len(x) * 64 * 160 > convolutions.BLAS_ALONE
    tx, tw, tb = tensors(x, *layer.get_weights())
    expected = F.conv2d(padded(tx, (2, 2), (1, 1), "same", (1, 1)), tw.permute(3, 2, 0, 1).contiguous(), tb).permute(
        0, 2, 3, 1
    )
    agrees(run(layer, [x], weight), torch.relu(expected), weight, [tx], [tw, tb])


@settings(max_examples=40)
@given(
    window=pairs, strides=st.one_of(st.none(), pairs), padding=st.sampled_from(["valid", "same"]), shape=images,
    levels=st.sampled_from([2, 1000]), layout=st.integers(0, 4), seed=seeds,
)  # fmt: skip
def test_max_pooling(window, strides, padding, shape, levels, layout, seed):
    random = np.random.default_rng(seed)
    x = layouts(random.integers(0, levels, shape).astype(float))[layout]  # of two levels most windows hold ties
    layer = layers.MaxPooling2D(window, strides, padding, dtype="float64")
    output = layer(x)
    weight = random.normal(size=output.shape)
    (tx,) = tensors(x)
    image = padded(tx, window, layer.strides, padding, (1, 1), -np.inf)
    if len(x):
        expected = F.max_pool2d(image, window, layer.strides).permute(0, 2, 3, 1)
        agrees(run(layer, [x], weight), expected, weight, [tx])
    else:
        (gradient,) = run(layer, [x], weight)[1]
        assert gradient.shape == x.shape


@settings(max_examples=40)
@given(window=pairs, strides=pairs, share=st.sampled_from([0.1, 0.5, 1.0]), seed=seeds)
def test_what_is_no_number_wins_in_pooling_as_in_pytorch(window, strides, share, seed):
    random = np.random.default_rng(seed)
    x = random.integers(0, 3, (17, 6, 5, 2)).astype(float)
    x[random.random(x.shape) < share] = np.nan
    x[random.random(x.shape) < 0.1] = -np.inf
    layer = layers.MaxPooling2D(window, strides, dtype="float64")
    weight = random.normal(size=layer(x).shape)
    (tx,) = tensors(x)
    expected = F.max_pool2d(tx.permute(0, 3, 1, 2), window, strides).permute(0, 2, 3, 1)
    (expected * torch.tensor(weight)).sum().backward()
    tape = Tape()
    tracked = Tracked(x, tape)
    pooled = layer(tracked)
    found = tape.backward(pooled, seed=weight)[id(tracked)]
    np.testing.assert_array_equal(pooled.numpy(), expected.detach().numpy())
    close(found, tx.grad)


@settings(max_examples=30)
@given(window=pairs, strides=pairs, shape=images, layout=st.integers(0, 4), seed=seeds)
def test_average_pooling(window, strides, shape, layout, seed):
    random = np.random.default_rng(seed)
    x = layouts(random.normal(size=shape))[layout]
    layer = layers.AveragePooling2D(window, strides, dtype="float64")
    weight = random.normal(size=layer(x).shape)
    (tx,) = tensors(x)
    expected = F.avg_pool2d(tx.permute(0, 3, 1, 2), window, strides).permute(0, 2, 3, 1)
    agrees(run(layer, [x], weight), expected, weight, [tx])


def small_network(dtype):
    layer = layers.Conv2D(6, 3, activation="relu", padding="same", bias_initializer="random_normal", dtype=dtype)
    deeper = layers.Conv2D(8, (2, 3), activation="relu", dtype=dtype)
    pools = layers.MaxPooling2D(2, dtype=dtype), layers.MaxPooling2D(3, 1, dtype=dtype)
    return lambda x: pools[1](deeper(pools[0](layer(x)))), [layer, deeper]


def pass_through(network, parts, x):
    """Return the bytes of the output and of all gradients."""
    network(x)
    tape = Tape()
    weights = [weight for layer in parts for weight in layer.weights]
    with tape.watch(weights):
        image = Tracked(x, tape)
        output = network(image)
        found = tape.backward(output, seed=np.cos(np.arange(output.size, dtype=x.dtype)).reshape(output.shape))
    return [output.numpy().tobytes(), *(found[id(leaf)].tobytes() for leaf in (image, *weights))]


@pytest.mark.parametrize("batch", [1, 16, 40])
def test_the_bits_do_not_depend_on_the_number_of_threads(monkeypatch, batch):
    network, parts = small_network("float32")
    x = np.random.default_rng(0).normal(size=(batch, 9, 10, 3)).astype(np.float32)
    found = []
    for count in (1, 2, 3, 4):
        monkeypatch.setattr(threads, "available", lambda count=count: count)
        found.append(pass_through(network, parts, x))
    assert found[1:] == found[:-1]


@pytest.mark.parametrize("batch", [0, 1, 7, 40])
def test_memory_that_was_used_before_changes_no_bit(batch):
    network, parts = small_network("float32")
    random = np.random.default_rng(0)
    calls = [random.normal(size=(batch, 9, 10, 1)).astype(np.float32) for _ in range(3)]
    fresh = [pass_through(network, parts, x) for x in calls]
    scratch = Scratch()

    def again(x):
        with scratch:
            return pass_through(network, parts, x)

    assert [again(x) for x in calls] == fresh


def test_bias_and_relu_at_once_are_what_they_are_one_after_the_other():
    random = np.random.default_rng(0)
    x, bias = working(random.normal(size=(20, 5, 4, 3)).astype("f")), random.normal(size=3).astype("f")
    for filters in (x, x[:, ::2]):
        expected = np.maximum(convolutions.add_bias(filters, bias), 0)
        weight = random.normal(size=expected.shape).astype("f")
        found = []
        for function in (lambda z, b: np.maximum(convolutions.add_bias(z, b), 0), convolutions.rectify):
            tape = Tape()
            summed, shift = Tracked(filters.copy(order="K"), tape), Tracked(bias, tape)
            output = function(summed, shift)
            gradients = tape.backward(output, seed=weight)
            found.append([output.numpy().tobytes(), gradients[id(summed)].tobytes(), gradients[id(shift)].tobytes()])
        assert found[0] == found[1]
        np.testing.assert_array_equal(convolutions.rectify(filters.copy(order="K"), bias), expected)


@given(
    shape=st.tuples(st.just(1), st.integers(1, 9), st.integers(1, 9), st.just(1)), size=pairs, strides=pairs,
    dilation=pairs, padding=st.sampled_from(["valid", "same"]), data=st.data(),
)  # fmt: skip
def test_rows_of_windows_and_the_rows_of_the_image_that_they_meet(shape, size, strides, dilation, padding, data):
    windows = Windows.over(shape, size, strides, padding, dilation)
    start = data.draw(st.integers(0, windows.image[0]))
    stop = data.draw(st.integers(start, windows.image[0]))
    for _, (first, _) in windows.offsets():
        standing, met = windows.rows_meeting(first, start, stop)
        rows = [p * strides[0] + first for p in range(windows.places[0])]
        expected = [(p, row) for p, row in enumerate(rows) if start <= row < stop]
        found = zip(range(*standing.indices(windows.places[0])), range(*met.indices(windows.image[0])), strict=True)
        assert list(found) == expected


@settings(max_examples=30)
@given(shape=images, pads=st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * 2), seed=seeds)
def test_the_working_layout_and_back(shape, pads, seed):
    x = np.random.default_rng(seed).normal(size=shape)
    inside = inward(x, pads, fill=7.0)
    np.testing.assert_array_equal(inside.transpose(2, 0, 1, 3), np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=7))
    np.testing.assert_array_equal(outward(inside, pads), x)


def test_between_two_layers_nothing_is_copied():
    x = np.random.default_rng(0).normal(size=(17, 6, 6, 2))
    mapped = convolutions.conv2d(x, np.ones((3, 3, 2, 5)))
    pooled = max_pool2d(mapped, window=(2, 2), strides=(2, 2))
    for image in (mapped, pooled):
        assert np.shares_memory(inward(image), image)
