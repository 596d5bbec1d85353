"""Transposed convolution and pooling against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_gradients import agrees, close, orders, run, tensors

from vizkit.errors import ArgumentError, ShapeError, UnknownNameError
from vizkit.nn import layers
from vizkit.nn.images import output_length, same_padding, transposed_length

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
images = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.integers(1, 3))


def transposed_by_autograd(x, kernel, strides, padding, dilation, size):
    """The definition: the derivative, with respect to its image, of a convolution whose outputs weigh `x`."""
    image = torch.zeros((len(x), kernel.shape[2], *size), dtype=x.dtype, requires_grad=True)
    padded = image
    if padding == "same":
        rows, columns = (same_padding(size[i], kernel.shape[i], strides[i], dilation[i]) for i in (0, 1))
        padded = F.pad(image, (*columns, *rows))
    mapped = F.conv2d(padded, kernel.permute(3, 2, 0, 1).contiguous(), None, strides, 0, dilation)
    (found,) = torch.autograd.grad(mapped, image, x.permute(0, 3, 1, 2).contiguous(), create_graph=True)
    return found.permute(0, 2, 3, 1)


@settings(max_examples=30)
@given(
    kernel_size=pairs, strides=pairs, dilation=pairs, padding=st.sampled_from(["valid", "same"]),
    shape=images, filters=st.integers(1, 3), seed=st.integers(0, 2**31),
)  # fmt: skip
def test_conv2d_transpose(kernel_size, strides, dilation, padding, shape, filters, seed):
    random = np.random.default_rng(seed)
    layer = layers.Conv2DTranspose(
        filters, kernel_size, strides, padding, dilation, "tanh", dtype="float64", bias_initializer="ones"
    )
    x = random.normal(size=shape)
    size = layer(x).shape[1:3]
    weight = random.normal(size=(shape[0], *size, filters))
    assert layer.kernel.shape == (*kernel_size, filters, shape[3])
    tx, tw, tb = tensors(x, *layer.get_weights())
    expected = torch.tanh(transposed_by_autograd(tx, tw, strides, padding, dilation, size) + tb)
    agrees(run(layer, [x], weight), expected, weight, [tx], [tw, tb])


@settings(max_examples=15)
@given(kernel_size=pairs, shape=images, filters=st.integers(1, 3), seed=st.integers(0, 2**31))
def test_conv2d_transpose_is_pytorchs_where_windows_touch_or_overlap(kernel_size, shape, filters, seed):
    random = np.random.default_rng(seed)
    strides = tuple(int(random.integers(1, k + 1)) for k in kernel_size)
    layer = layers.Conv2DTranspose(filters, kernel_size, strides, dtype="float64")
    x = random.normal(size=shape)
    found = layer(x)
    kernel = torch.tensor(layer.get_weights()[0]).permute(3, 2, 0, 1)
    close(found, F.conv_transpose2d(torch.tensor(x).permute(0, 3, 1, 2), kernel, None, strides).permute(0, 2, 3, 1))


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_transposed_length_leads_back(padding):
    for length in range(1, 8):
        for window, stride, dilation in np.ndindex(4, 4, 3):
            options = (window + 1, stride + 1, padding, dilation + 1)
            assert output_length(transposed_length(length, *options), *options) == length


def slow_average(x, window, strides, padding):
    """Each window's mean over those of its places that lie on the image."""
    rows, columns = (output_length(x.shape[1 + i], window[i], strides[i], padding) for i in (0, 1))
    top, left = (same_padding(x.shape[1 + i], window[i], strides[i])[0] * (padding == "same") for i in (0, 1))
    out = np.zeros((len(x), rows, columns, x.shape[3]))
    for r, c in np.ndindex(rows, columns):
        down, right = r * strides[0] - top, c * strides[1] - left
        seen = x[:, max(down, 0) : down + window[0], max(right, 0) : right + window[1]]
        out[:, r, c] = seen.mean(axis=(1, 2))
    return out


@settings(max_examples=30)
@given(
    window=pairs, strides=pairs, padding=st.sampled_from(["valid", "same"]), seed=st.integers(0, 2**31),
    shape=st.tuples(st.integers(1, 3), st.integers(3, 7), st.integers(3, 7), st.integers(1, 3)),
)  # fmt: skip
def test_average_pooling(window, strides, padding, shape, seed):
    random = np.random.default_rng(seed)
    x = random.normal(size=shape)
    layer = layers.AveragePooling2D(window, strides, padding, dtype="float64")
    expected = slow_average(x, window, strides, padding)
    weight = random.normal(size=expected.shape)
    output, (dx,), _ = run(layer, [x], weight)
    close(output, expected, rtol=1e-12)
    # it is linear, so the gradient of the weighted sum with respect to each pixel is what that pixel alone gives
    pixel = tuple(int(random.integers(n)) for n in shape)
    one = np.zeros(shape)
    one[pixel] = 1
    assert dx[pixel] == pytest.approx((slow_average(one, window, strides, padding) * weight).sum(), rel=1e-10)
    if padding == "valid":
        (tx,) = tensors(x)
        pooled = F.avg_pool2d(tx.permute(0, 3, 1, 2), window, strides).permute(0, 2, 3, 1)
        agrees((output, [dx], []), pooled, weight, [tx])


@pytest.mark.parametrize("keepdims", [False, True])
def test_global_average(keepdims):
    random = np.random.default_rng(0)
    for layer, shape in ((layers.GlobalAveragePooling2D, (3, 4, 5, 2)), (layers.GlobalAveragePooling1D, (3, 5, 2))):
        x = random.normal(size=shape)
        (tx,) = tensors(x)
        expected = tx.mean(dim=tuple(range(1, x.ndim - 1)), keepdim=keepdims)
        weight = random.normal(size=tuple(expected.shape))
        agrees(run(layer(keepdims=keepdims, dtype="float64"), [x], weight), expected, weight, [tx])


def made():
    return [
        layers.Conv2DTranspose(2, 3, strides=2, padding="same", dtype="float64"),
        layers.AveragePooling2D(2, padding="same", dtype="float64"),
        layers.MaxPooling2D(2, padding="same", dtype="float64"),
        layers.GlobalAveragePooling2D(dtype="float64"),
    ]


@pytest.mark.parametrize("layer", made(), ids=lambda layer: layer.name)
def test_layouts_dtypes_and_an_empty_batch(layer):
    x = np.random.default_rng(0).integers(-5, 5, (2, 5, 4, 3)).astype(float)
    expected = layer(x)
    for other in (*orders(x), x.astype(int)):
        np.testing.assert_allclose(layer(other), expected, rtol=1e-12, atol=1e-14)
    assert layer(x[:0]).shape == (0, *expected.shape[1:])
    np.testing.assert_allclose(layer(x[:1]), expected[:1], rtol=1e-12, atol=1e-14)
    single = type(layer)(**{k: v for k, v in layer.config().items() if k != "activation"})
    assert single(x).dtype == np.float32


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: layers.Conv2DTranspose(0, 3), ArgumentError, "filters"),
        (lambda: layers.Conv2DTranspose(2, 3, padding="full"), UnknownNameError, "full"),
        (lambda: layers.Conv2DTranspose(2, 3, name="up")(np.ones((2, 3))), ShapeError, r"'up'.*\(None, 3\)"),
        (lambda: layers.AveragePooling2D(2)(np.ones((1, 1, 4, 1))), ShapeError, "larger than its image"),
        (lambda: layers.AveragePooling2D((2, 0)), ArgumentError, "pool_size"),
        (lambda: layers.GlobalAveragePooling2D()(np.ones((2, 3))), ShapeError, r"\(2, 3\)"),
        (lambda: layers.GlobalAveragePooling1D()(np.ones((2, 0, 3))), ShapeError, r"\(2, 0, 3\)"),
    ],
)
def test_bad_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_other_channels_than_at_first_are_refused():
    layer = layers.Conv2DTranspose(2, 3)
    layer(np.ones((1, 4, 4, 3)))
    with pytest.raises(ShapeError, match=r"'conv2d_transpose'.*width, 3\).*\(1, 4, 4, 2\)"):
        layer(np.ones((1, 4, 4, 2)))
