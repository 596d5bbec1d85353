"""Recurrent layers and embedding against PyTorch, and the fast steps against the plain ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_gradients import agrees, close, orders, run, tensors

from vizkit import nn
from vizkit.errors import ArgumentError, DataError, ShapeError
from vizkit.nn import layers
from vizkit.trace.sources import source_of

shapes = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 4))  # batch, time, features


def started(kind, units, x, random, **options):
    """A layer with random weights, its recurrent ones too."""
    layer = kind(units, dtype="float64", recurrent_initializer="glorot_uniform", **options)
    layer(x)
    layer.set_weights([random.normal(size=w.shape) for w in layer.weights])
    return layer


def in_torch(kind, x, states, weights, units):
    """PyTorch's recurrences: rows in place of columns, and its own order of the gates."""
    order = {"GRU": [1, 0, 2]}.get(kind, range({"LSTM": 4, "RNN": 1}.get(kind, 0)))

    def turned(w):
        return torch.cat([w[..., i * units : (i + 1) * units] for i in order], -1).movedim(-1, 0)

    kernel, recurrent, bias = weights
    both = (bias[0], bias[1]) if kind == "GRU" else (bias, torch.zeros_like(bias))
    names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    given = dict(zip(names, (turned(kernel), turned(recurrent), turned(both[0]), turned(both[1])), strict=True))
    module = getattr(torch.nn, kind)(x.shape[2], units, batch_first=True, dtype=torch.float64)
    first = tuple(s[None] for s in states) if kind == "LSTM" else states[0][None]
    output, last = torch.func.functional_call(module, given, (x, first))
    return output, [s[0] for s in (last if kind == "LSTM" else (last,))]


KINDS = [(layers.SimpleRNN, "RNN"), (layers.GRU, "GRU"), (layers.LSTM, "LSTM")]


@settings(max_examples=25)
@given(which=st.sampled_from(KINDS), shape=shapes, units=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_sequences_states_and_all_gradients(which, shape, units, seed):
    kind, name = which
    random = np.random.default_rng(seed)
    x = random.normal(size=shape)
    states = [random.normal(size=(shape[0], units)) for _ in range(kind.states)]
    layer = started(kind, units, x, random, return_sequences=True, return_state=True)
    ts = tensors(x, *states)
    tw = tensors(*layer.get_weights())
    output, last = in_torch(name, ts[0], ts[1:], tw, units)
    expected = torch.cat([output, *(s[:, None] for s in last)], 1)
    weight = random.normal(size=tuple(expected.shape))

    def pick(parts):
        assert len(parts) == 1 + kind.states
        return np.concatenate([parts[0], *(np.expand_dims(s, 1) for s in parts[1:])], axis=1)

    agrees(run(layer, [x, states], weight, pick), expected, weight, ts, tw)


@settings(max_examples=15)
@given(which=st.sampled_from(KINDS), shape=shapes, units=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_the_last_output_alone(which, shape, units, seed):
    kind, name = which
    random = np.random.default_rng(seed)
    x, weight = random.normal(size=shape), random.normal(size=(shape[0], units))
    layer = started(kind, units, x, random)
    (tx,) = tensors(x)
    tw = tensors(*layer.get_weights())
    zeros = [torch.zeros((shape[0], units), dtype=torch.float64)] * kind.states
    _, last = in_torch(name, tx, zeros, tw, units)
    agrees(run(layer, [x], weight), last[0], weight, [tx], tw)


def slow_gru(x, kernel, recurrent, bias, units):
    """The GRU as it was published: the reset acts before the product."""
    h = torch.zeros((x.shape[0], units), dtype=x.dtype)
    for t in range(x.shape[1]):
        z, r, new = (x[:, t] @ kernel + bias).split(units, -1)
        uz, ur, un = recurrent.split(units, -1)
        z, r = torch.sigmoid(z + h @ uz), torch.sigmoid(r + h @ ur)
        h = z * h + (1 - z) * torch.tanh(new + (r * h) @ un)
    return h


def slow_lstm(x, kernel, recurrent, bias, units):
    """With relu and hard gates, which PyTorch's module does not have."""
    h = c = torch.zeros((x.shape[0], units), dtype=x.dtype)
    for t in range(x.shape[1]):
        i, f, new, o = (x[:, t] @ kernel + h @ recurrent + bias).split(units, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.relu(new)
        h = torch.sigmoid(o) * torch.relu(c)
    return h


@settings(max_examples=15)
@given(shape=shapes, units=st.integers(1, 4), seed=st.integers(0, 2**31), published=st.booleans())
def test_steps_that_pytorch_has_not(shape, units, seed, published):
    random = np.random.default_rng(seed)
    x, weight = random.normal(size=shape), random.normal(size=(shape[0], units))
    kind, options, oracle = [
        (layers.LSTM, {"activation": "relu"}, slow_lstm),
        (layers.GRU, {"reset_after": False}, slow_gru),
    ][published]
    layer = started(kind, units, x, random, **options)
    (tx,) = tensors(x)
    tw = tensors(*layer.get_weights())
    agrees(run(layer, [x], weight), oracle(tx, *tw, units), weight, [tx], tw)


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU])
@pytest.mark.parametrize("use_bias", [True, False])
def test_the_fast_step_is_the_plain_one(kind, use_bias):
    random = np.random.default_rng(0)
    x = random.normal(size=(3, 6, 4))
    fast = started(kind, 5, x, random, use_bias=use_bias, return_sequences=True)
    plain = kind(
        5, lambda x: np.tanh(x), use_bias=use_bias, return_sequences=True, dtype="float64",
        recurrent_initializer="glorot_uniform",
    )  # fmt: skip
    plain(x)
    plain.set_weights(fast.get_weights())
    weight = random.normal(size=(3, 6, 5))
    ours, theirs = run(fast, [x], weight), run(plain, [x], weight)
    close(ours[0], theirs[0], rtol=1e-12)
    for mine, other in zip(ours[1] + ours[2], theirs[1] + theirs[2], strict=True):
        close(mine, other)


def test_weights_begin_as_keras_begins_them():
    lstm = layers.LSTM(3, recurrent_initializer="glorot_uniform")
    lstm(np.zeros((1, 2, 4)))
    assert [(w.name, w.shape) for w in lstm.weights] == [
        ("kernel", (4, 12)), ("recurrent_kernel", (3, 12)), ("bias", (12,)),
    ]  # fmt: skip
    assert lstm.bias.numpy().tolist() == [0] * 3 + [1] * 3 + [0] * 6
    gru = layers.GRU(3, recurrent_initializer="glorot_uniform")
    gru(np.zeros((1, 2, 4)))
    assert gru.bias.shape == (2, 9)


@pytest.mark.parametrize("kind", [layers.SimpleRNN, layers.GRU, layers.LSTM])
def test_layouts_extremes_and_small_batches(kind):
    random = np.random.default_rng(0)
    x = random.integers(-3, 3, (4, 5, 2)).astype(float)
    layer = started(kind, 3, x, random)
    expected = layer(x)
    for other in (*orders(x), x.astype(int)):
        np.testing.assert_allclose(layer(other), expected, rtol=1e-13)
    np.testing.assert_allclose(layer(x[:1]), expected[:1], rtol=1e-13)
    assert layer(x[:0]).shape == (0, 3)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        output, (dx,), _ = run(layer, [x * 1e4], np.ones((4, 3)))
    assert np.isfinite(output).all() and np.isfinite(dx).all()
    single = kind(3, recurrent_initializer="glorot_uniform")
    single(x)
    single.set_weights(layer.get_weights())
    assert single(x).dtype == np.float32
    np.testing.assert_allclose(single(x), expected, rtol=1e-4, atol=1e-5)


def test_dropout_takes_the_same_features_at_all_times():
    seen = []

    class Probe(layers.SimpleRNN):
        def _run_through(self, sequences, first, drops):
            seen.append(sequences)
            return super()._run_through(sequences, first, drops)

    eye = nn.initializers.Constant(np.eye(6))
    layer = Probe(6, dropout=0.5, kernel_initializer=eye, recurrent_initializer="zeros", seed=1)
    x = np.ones((4, 3, 6))
    layer(x)
    layer(x, training=True)
    assert (seen[0] == 1).all()
    assert set(np.unique(seen[1])) == {0.0, 2.0}
    assert (seen[1] == seen[1][:, :1]).all()


def slow_step(name, summed, states, recurrent, bias, kept):
    """One time step as Keras's cells write it, with one mask for all gates."""
    h, units = states[0], states[0].shape[1]
    parts = summed.split(units, -1)
    if name == "SimpleRNN":
        return [torch.tanh(summed + (h * kept) @ recurrent)]
    u = recurrent.split(units, -1)
    if name == "LSTM":
        i, f, c, o = (part + (h * kept) @ weights for part, weights in zip(parts, u, strict=True))
        cell = torch.sigmoid(f) * states[1] + torch.sigmoid(i) * torch.tanh(c)
        return [torch.sigmoid(o) * torch.tanh(cell), cell]
    if name == "GRU":
        z, r, n = ((h * kept) @ w + b for w, b in zip(u, bias[1].split(units), strict=True))
        z, r = torch.sigmoid(parts[0] + z), torch.sigmoid(parts[1] + r)
        return [z * h + (1 - z) * torch.tanh(parts[2] + r * n)]
    z, r = (torch.sigmoid(part + (h * kept) @ weights) for part, weights in zip(parts[:2], u[:2], strict=True))
    return [z * h + (1 - z) * torch.tanh(parts[2] + (r * h * kept) @ u[2])]


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU", "GRU before"])
def test_recurrent_dropout_hides_the_same_units_at_all_times(name):
    random, units, seed, rate = np.random.default_rng(3), 5, 7, 0.4
    kind, options = getattr(layers, name.split()[0]), {"reset_after": False} if "before" in name else {}
    x, weight = random.normal(size=(4, 6, 3)), random.normal(size=(4, units))
    layer = started(kind, units, x, random, recurrent_dropout=rate, seed=seed, **options)
    draws = np.random.default_rng(seed)
    drawn = [draws.random((4, units), np.float32) >= rate for _ in range(2)]  # `run` calls the layer twice
    kept = torch.tensor(drawn[1] / (1 - rate))
    (tx,), (kernel, recurrent, bias) = tensors(x), tensors(*layer.get_weights())
    states = [torch.zeros((4, units), dtype=torch.float64)] * kind.states
    for t in range(6):
        summed = tx[:, t] @ kernel + (bias[0] if name == "GRU" else bias)
        states = slow_step(name, summed, states, recurrent, bias, kept)
    agrees(run(layer, [x], weight, training=True), states[0], weight, [tx], [kernel, recurrent, bias])
    assert not drawn[0].all() and (drawn[0] != drawn[1]).any()
    np.testing.assert_array_equal(layer(x), layer(x))  # outside training nothing is dropped


@pytest.mark.parametrize("kind", [layers.SimpleRNN, layers.GRU, layers.LSTM])
def test_a_state_is_handed_from_one_layer_to_another(kind):
    """Encoder and decoder in a subclassed model, and what a recorder is told of them."""

    class Translator(nn.Model):
        def __init__(self):
            super().__init__(seed=0)
            self.encoder = kind(4, return_state=True)
            self.decoder = kind(4, return_sequences=True)
            self.out = layers.Dense(1)

        def call(self, inputs):
            _, *states = self.encoder(inputs)
            return self.out(self.decoder(inputs, initial_state=states))

    class Listener:
        def __init__(self):
            self.told = {}

        def wants(self, event, node, step):
            return node.level == "layer"

        def forward(self, step, node, inputs, output, parameters):
            self.told["forward", node.name] = inputs, output

        def backward(self, step, node, output_gradient, input_gradients, parameter_gradients):
            self.told["backward", node.name] = input_gradients, parameter_gradients

        def __getattr__(self, name):
            return lambda *args: None

    random = np.random.default_rng(0)
    x = random.normal(size=(16, 5, 2))
    model, listener = Translator(), Listener()
    model.compile(nn.optimizers.Adam(0.02), "mse")
    source_of(model)._attach(listener)
    model.fit(x, x.sum(2, keepdims=True), verbose=0)
    source_of(model)._detach()
    inputs, output = listener.told["forward", "decoder"]
    assert [i.shape for i in inputs] == [(16, 5, 2)] + [(16, 4)] * kind.states
    assert output.shape == (16, 5, 4)
    np.testing.assert_array_equal(inputs[1], listener.told["forward", "encoder"][1])
    weights = listener.told["backward", "encoder"][1]
    assert set(weights) == {"kernel", "recurrent_kernel", "bias"} and (weights["kernel"] != 0).any()
    history = model.fit(x, x.sum(2, keepdims=True), epochs=80, verbose=0)
    assert history.history["loss"][-1] < 0.3 * history.history["loss"][0]
    model.summary()


@settings(max_examples=20)
@given(
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=3), words=st.integers(1, 5), units=st.integers(1, 3),
    seed=st.integers(0, 2**31), dtype=st.sampled_from(["int64", "uint8", "int32", "float64"]),
)  # fmt: skip
def test_embedding(shape, words, units, seed, dtype):
    random = np.random.default_rng(seed)
    x, weight = random.integers(0, words, shape).astype(dtype), random.normal(size=(*shape, units))
    layer = layers.Embedding(words, units, dtype="float64")
    assert np.abs(layer.embeddings.numpy() if layer(x) is None else layer.get_weights()[0]).max() <= 0.05
    (tw,) = tensors(*layer.get_weights())
    expected = F.embedding(torch.tensor(x.astype(np.int64)), tw)
    agrees(run(layer, [x.astype(np.int64) if dtype == "float64" else x], weight), expected, weight, [], [tw])
    np.testing.assert_array_equal(layer(x), expected.detach().numpy())


def test_a_model_reads_words(capsys):
    random = np.random.default_rng(0)
    x = random.integers(0, 20, (64, 7))
    y = (x == 3).any(axis=1).astype(float)
    model = nn.Sequential(
        [
            nn.Input((7,)),
            layers.Embedding(20, 8),
            layers.LSTM(8),
            layers.Dense(1, "sigmoid"),
        ],
        seed=0,
    )
    model.compile(nn.optimizers.Adam(0.02), "binary_crossentropy", ["accuracy"])
    assert model.fit(x, y, epochs=60, verbose=0).history["accuracy"][-1] > 0.95
    model.summary()
    shown = capsys.readouterr().out
    assert "embedding (Embedding)" in shown and "(None, 7, 8)" in shown and "160" in shown
    assert "lstm (LSTM)" in shown and "544" in shown  # 4 · (8·8 + 8·8 + 8)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: layers.LSTM(-1), ArgumentError, "units.*-1"),
        (lambda: layers.GRU(2, dropout=1.0), ArgumentError, "dropout"),
        (lambda: layers.LSTM(2, recurrent_dropout=-0.1), ArgumentError, "recurrent_dropout"),
        (lambda: layers.SimpleRNN(2, name="read")(np.ones((2, 3))), ShapeError, r"'read'.*batch, time, features"),
        (lambda: started(layers.GRU, 2, np.ones((1, 2, 3)), np.random.default_rng(0))(np.ones((1, 2, 4))), ShapeError,
         r"'gru'.*time, 3\).*\(1, 2, 4\)"),
        (lambda: started(layers.LSTM, 2, np.ones((1, 2, 3)), np.random.default_rng(0))(np.ones((1, 0, 3))), ShapeError,
         "at least one time"),
        (lambda: started(layers.LSTM, 2, np.ones((1, 2, 3)), np.random.default_rng(0))(
            np.ones((1, 2, 3)), initial_state=np.ones((1, 2))), ShapeError, r"2 initial state\(s\).*\(1, 2\)"),
        (lambda: layers.Embedding(0, 3), ArgumentError, "input_dim"),
        (lambda: layers.Embedding(5, 3, mask_zero=True), ArgumentError, "mask_zero"),
        (lambda: layers.Embedding(5, 3, name="words")(np.array([[5]])), DataError, "'words'.*0 to 4.*5"),
        (lambda: layers.Embedding(5, 3)(np.array([[-1, 2]])), DataError, "-1 to 2"),
        (lambda: layers.Embedding(5, 3)(np.array([[0.5]])), DataError, "not whole"),
        (lambda: layers.Embedding(5, 3)(np.array([[np.nan]])), DataError, "not whole"),
    ],
)  # fmt: skip
def test_bad_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()
