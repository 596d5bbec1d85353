"""Multi-head attention against PyTorch, and the blocks that are built from layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_gradients import agrees, close, orders, run, tensors

import vizkit
from vizkit import nn
from vizkit.errors import ArgumentError, ShapeError
from vizkit.nn import layers
from vizkit.nn.blocks import ResidualBlock, TransformerBlock
from vizkit.nn.images import same_padding


def attended(query, value, key, weights, mask):
    """The layer in PyTorch: kernels of shape (features, heads, units), the way back of (heads, units, features)."""
    projected = [
        torch.einsum("btf,fnk->bntk", x, weights[i]) + weights[i + 1][:, None]
        for x, i in ((query, 0), (key, 2), (value, 4))
    ]
    heads = F.scaled_dot_product_attention(*projected, attn_mask=mask)
    return torch.einsum("bntk,nkf->btf", heads, weights[6]) + weights[7]


@settings(max_examples=25)
@given(
    sizes=st.tuples(*[st.integers(1, 4)] * 5), heads=st.integers(1, 3), units=st.tuples(*[st.integers(1, 4)] * 2),
    masked=st.booleans(), causal=st.booleans(), seed=st.integers(0, 2**31),
)  # fmt: skip
def test_attention_to_another_sequence(sizes, heads, units, masked, causal, seed):
    batch, times, places, features, others = sizes
    random = np.random.default_rng(seed)
    query, value, key = (
        random.normal(size=shape) for shape in ((batch, times, features), *[(batch, places, others)] * 2)
    )
    layer = layers.MultiHeadAttention(heads, units[0], units[1], dtype="float64")
    layer(query, value, key)
    layer.set_weights([random.normal(size=w.shape) for w in layer.weights])
    mask = random.random((batch, times, places)) < 0.6
    mask[:, :, 0] = True  # PyTorch gives NaN to who may look nowhere
    seen = (mask if masked else np.ones_like(mask)) & (np.tri(times, places, dtype=bool) if causal else True)
    weight = random.normal(size=query.shape)
    ts = tensors(query, value, key)
    tw = tensors(*layer.get_weights())
    expected = attended(*ts, tw, torch.tensor(seen)[:, None])
    options = {"attention_mask": mask} if masked else {}
    ours = run(layer, [query, value, key], weight, use_causal_mask=causal, **options)
    agrees(ours, expected, weight, ts, tw)


def made(random, features=4, **options):
    x = random.normal(size=(2, 5, features))
    layer = layers.MultiHeadAttention(2, 3, dtype="float64", **options)
    layer(x, x)
    layer.set_weights([random.normal(size=w.shape) for w in layer.weights])
    return layer, x


def test_a_sequence_that_asks_itself_gets_all_three_gradients():
    random = np.random.default_rng(0)
    layer, x = made(random)

    class Itself(nn.Layer):
        def __init__(self):
            super().__init__(dtype="float64")
            self.attention = layer

        def call(self, inputs):
            return self.attention(inputs, inputs)

    weight = random.normal(size=x.shape)
    (tx,) = tensors(x)
    tw = tensors(*layer.get_weights())
    agrees(run(Itself(), [x], weight), attended(tx, tx, tx, tw, None), weight, [tx], tw)


def test_scores_are_returned_and_sum_to_one_over_what_is_seen():
    layer, x = made(np.random.default_rng(1))
    output, scores = layer(x, x, return_attention_scores=True, use_causal_mask=True)
    assert output.shape == x.shape and scores.shape == (2, 2, 5, 5)
    np.testing.assert_allclose(scores.sum(-1), 1, rtol=1e-14)
    assert (scores[..., ~np.tri(5, dtype=bool)] == 0).all()
    np.testing.assert_array_equal(output, layer(x, x, use_causal_mask=True))


def test_later_places_change_nothing_before_them_under_a_causal_mask():
    layer, x = made(np.random.default_rng(2))
    changed = x.copy()
    changed[:, 3:] += 1
    before, after = (layer(each, each, use_causal_mask=True) for each in (x, changed))
    np.testing.assert_allclose(before[:, :3], after[:, :3], rtol=1e-13)
    assert np.abs(before[:, 3:] - after[:, 3:]).min() > 1e-6


def test_who_may_look_nowhere_takes_nothing():
    layer, x = made(np.random.default_rng(3))
    mask = np.ones((2, 5, 5), int)
    mask[0, 2] = 0
    output, scores = layer(x, x, attention_mask=mask, return_attention_scores=True)
    assert (scores[0, :, 2] == 0).all()
    np.testing.assert_allclose(output[0, 2], layer.attention_output.bias.numpy(), rtol=1e-14)
    per_head = np.broadcast_to(mask[:, None], (2, 2, 5, 5))
    np.testing.assert_array_equal(layer(x, x, attention_mask=per_head), output)


def test_extremes_layouts_and_small_batches():
    layer, x = made(np.random.default_rng(4))
    with np.errstate(over="raise", invalid="raise"):
        output, gradients, _ = run(layer, [x * 1e4, x * 1e4], np.ones(x.shape))
        assert np.isfinite(output).all() and all(np.isfinite(g).all() for g in gradients)
        np.testing.assert_allclose(layer(np.full_like(x, 7), np.full_like(x, 7)).std(axis=1), 0, atol=1e-12)
    expected = layer(x, x)
    for other in orders(x):
        np.testing.assert_allclose(layer(other, other), expected, rtol=1e-12)
    assert layer(x[:0], x[:0]).shape == (0, 5, 4)
    close(layer(x[:1], x[:1]), expected[:1])
    single = layers.MultiHeadAttention(2, 3)
    single(x, x)
    single.set_weights(layer.get_weights())
    assert single(x, x).dtype == np.float32
    np.testing.assert_allclose(single(x, x), expected, rtol=1e-4, atol=1e-4)


def test_dropout_acts_on_the_shares_while_training_only():
    layer, x = made(np.random.default_rng(5), dropout=0.5, seed=1)
    plain = layer(x, x)
    np.testing.assert_array_equal(plain, layer(x, x, training=False))
    assert not np.allclose(plain, layer(x, x, training=True))


def test_a_residual_block_is_its_layers_in_pytorch():
    random = np.random.default_rng(0)
    x = random.normal(size=(3, 5, 6, 2))
    for block in (ResidualBlock(4, strides=2, dtype="float64"), ResidualBlock(2, dtype="float64")):
        weight = random.normal(size=block(x).shape)
        tx = torch.tensor(x.copy(), requires_grad=True)
        same = {w.name: w for w in block.weights}
        assert {"kernel", "gamma", "beta", "moving_mean", "moving_variance"} == set(same)

        def convolved(x, layer):
            kernel = torch.tensor(layer.get_weights()[0]).permute(3, 2, 0, 1)
            size = kernel.shape[2]
            pads = [p for i in (3, 2) for p in same_padding(x.shape[i], size, layer.strides[0])]
            return F.conv2d(F.pad(x, pads) if size > 1 else x, kernel, None, layer.strides)

        def normed(x):
            return F.batch_norm(x, None, None, None, None, True, 0.0, 1e-3)

        first = tx.permute(0, 3, 1, 2)
        y = normed(convolved(torch.relu(normed(convolved(first, block.first))), block.second))
        bypass = convolved(first, block.shortcut) if hasattr(block, "shortcut") else first
        expected = torch.relu(y + bypass).permute(0, 2, 3, 1)
        output, dx, _ = run(block, [x], weight, training=True)
        agrees((output, dx, []), expected, weight, [tx])


@pytest.mark.parametrize("causal", [False, True])
def test_a_transformer_block_is_pytorchs_encoder_layer(causal):
    random = np.random.default_rng(0)
    x, weight = random.normal(size=(3, 5, 6)), random.normal(size=(3, 5, 6))
    block = TransformerBlock(2, 3, 8, causal=causal, dtype="float64")
    block(x)
    block.set_weights([random.normal(size=w.shape) for w in block.weights])
    attention = block.attention.get_weights()
    tx = torch.tensor(x.copy(), requires_grad=True)

    def norm(x, layer):
        return F.layer_norm(x, (6,), *(torch.tensor(w) for w in layer.get_weights()), 1e-6)

    mask = torch.ones(5, 5).tril().bool() if causal else None
    y = norm(tx + attended(tx, tx, tx, [torch.tensor(w) for w in attention], mask), block.first_norm)
    kernels = [torch.tensor(w) for layer in (block.widen, block.narrow) for w in layer.get_weights()]
    thought = torch.relu(y @ kernels[0] + kernels[1]) @ kernels[2] + kernels[3]
    output, dx, _ = run(block, [x], weight)
    agrees((output, dx, []), norm(y + thought, block.second_norm), weight, [tx])


def test_a_transformer_is_recorded_layer_by_layer(capsys):
    random = np.random.default_rng(0)
    words = random.integers(0, 9, (12, 5))
    model = nn.Sequential(
        [nn.Input((5,)), layers.Embedding(9, 6), TransformerBlock(2, 3, 8), layers.GlobalAveragePooling1D()], seed=0
    )
    model.add(layers.Dense(1, "sigmoid"))
    model.compile(nn.optimizers.Adam(0.01), "binary_crossentropy")
    with vizkit.record(model, keep=vizkit.Keep(levels=("layer", "op"))) as trace:
        model.fit(words, (words == 4).any(axis=1).astype(float), epochs=2, verbose=0)
    events = list(trace.events())
    query = [e for e in events if e.node.name == "transformer_block/attention/query"]
    assert query and query[0].parameters["kernel"].shape == (6, 2, 3)
    names = {e.node.name for e in events}
    assert {"transformer_block/attention/softmax", "transformer_block/first_norm/standardise"} <= names
    attention = [e for e in events if e.node.name == "transformer_block/attention"]
    assert [i.shape for i in attention[0].inputs] == [(12, 5, 6)] * 2
    model.summary()
    assert "transformer_block (TransformerBlock)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: layers.MultiHeadAttention(0, 3), ArgumentError, "num_heads"),
        (lambda: layers.MultiHeadAttention(2, 3, dropout=1), ArgumentError, "rate"),
        (lambda: layers.MultiHeadAttention(2, 3, name="look")(np.ones((2, 3)), np.ones((2, 3))), ShapeError,
         r"'look'.*\(2, 3\), \(2, 3\)"),
        (lambda: layers.MultiHeadAttention(2, 3)(np.ones((2, 3, 4)), np.ones((1, 3, 4))), ShapeError, r"\(1, 3, 4\)"),
        (lambda: layers.MultiHeadAttention(2, 3)(*[np.ones((2, 3, 4))] * 2, attention_mask=np.ones((2, 3, 4))),
         ShapeError, r"\(2, 2, 3, 3\).*\(2, 1, 3, 4\)"),
        (lambda: layers.MultiHeadAttention(2, 3)(np.ones((2, 3, 4))), TypeError, "value"),
    ],
)  # fmt: skip
def test_bad_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()
