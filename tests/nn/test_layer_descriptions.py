"""Every layer: kept as text and made again, its arrays named in a trace, its weights held small."""

from __future__ import annotations

import json

import numpy as np
import pytest

import vizkit
from vizkit import nn
from vizkit.nn import blueprints, layers
from vizkit.nn.blocks import ResidualBlock, TransformerBlock

RANDOM = np.random.default_rng(0)
IMAGE, SERIES, ROWS = RANDOM.normal(size=(3, 6, 5, 4)), RANDOM.normal(size=(3, 6, 4)), RANDOM.normal(size=(5, 4))
WORDS = RANDOM.integers(0, 7, (3, 6))
L2 = nn.regularizers.L2(0.5)

LAYERS = [
    (layers.ReLU(max_value=1.0, negative_slope=0.1), ROWS),
    (layers.LeakyReLU(0.2), ROWS),
    (layers.ELU(0.5), ROWS),
    (layers.Softmax(1), SERIES),
    (layers.Reshape((2, -1)), SERIES),
    (layers.Add(), [ROWS, ROWS]),
    (layers.Concatenate(1), [SERIES, SERIES]),
    (layers.Dense(2, "tanh", kernel_regularizer=L2), ROWS),
    (layers.BatchNormalization(momentum=0.5, center=False), IMAGE),
    (layers.LayerNormalization([1, 2], epsilon=0.1), SERIES),
    (layers.Conv2D(2, 3, bias_regularizer="l1"), IMAGE),
    (layers.Conv2DTranspose(2, 3, 2, "same", activation="relu"), IMAGE),
    (layers.AveragePooling2D(2, 1, "same"), IMAGE),
    (layers.MaxPooling2D(2, 1), IMAGE),
    (layers.GlobalAveragePooling2D(keepdims=True), IMAGE),
    (layers.GlobalAveragePooling1D(), SERIES),
    (layers.Embedding(7, 3, embeddings_regularizer=L2), WORDS),
    (layers.SimpleRNN(3, "relu", return_sequences=True), SERIES),
    (layers.LSTM(3, use_bias=False, return_sequences=True, recurrent_regularizer=L2), SERIES),
    (layers.GRU(3, "elu", reset_after=False), SERIES),
    (layers.Flatten(), IMAGE),
    (layers.Dropout(0.5, seed=1), ROWS),
    (layers.Activation("gelu"), ROWS),
    (ResidualBlock(2, strides=2), IMAGE),
    (TransformerBlock(2, 3, 5, causal=True), SERIES),
]
CUSTOM = {"ResidualBlock": ResidualBlock, "TransformerBlock": TransformerBlock}


def kinds(pair):
    return type(pair).__name__ if isinstance(pair, nn.Layer) else ""


def test_no_layer_is_missing_here():
    # attention takes two inputs, and stands inside the transformer block
    names = set(layers.__all__) - {"Input", "Layer", "Variable", "MultiHeadAttention"}
    assert names <= {type(layer).__name__ for layer, _ in LAYERS}


@pytest.mark.parametrize("layer, x", LAYERS, ids=kinds)
def test_a_layer_is_made_again_from_its_description(layer, x):
    expected = layer(x)
    again = blueprints.build(json.loads(json.dumps(blueprints.describe(layer))), CUSTOM)
    again(x)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), expected)
    assert blueprints.describe(again) == blueprints.describe(layer)
    assert len(again.regularized) == len(layer.regularized)


def test_attention_is_made_again_from_its_description():
    layer = layers.MultiHeadAttention(2, 3, value_dim=4, output_shape=5, use_bias=False)
    expected = layer(SERIES, SERIES)
    again = blueprints.build(json.loads(json.dumps(blueprints.describe(layer))), {})
    again(SERIES, SERIES)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(SERIES, SERIES), expected)


class Narrow(layers.Dense):
    def __init__(self, **options):
        super().__init__(2, use_bias=False, **options)


class Short(layers.LSTM):
    def __init__(self, twice, **options):
        super().__init__(2 * twice, **options)
        self.twice = twice


@pytest.mark.parametrize(
    "layer, kept",
    [
        (Narrow(activation="relu", kernel_regularizer="l1"), {"activation", "kernel_regularizer"}),
        (Short(2, return_sequences=True), {"twice", "return_sequences"}),
    ],
    ids=kinds,
)
def test_a_layer_derived_from_one_of_ours_keeps_what_it_was_given(layer, kept):
    expected = layer(SERIES)
    description = json.loads(json.dumps(blueprints.describe(layer)))
    assert set(description["settings"]) == kept
    again = blueprints.build(description, {"Narrow": Narrow, "Short": Short})
    again(SERIES)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(SERIES), expected)


@pytest.mark.parametrize(
    "layer, names, cost",
    [
        (layers.Dense(2, kernel_regularizer=L2, bias_regularizer=L2), ["kernel", "bias"], ROWS),
        (layers.Conv2D(2, 3, kernel_regularizer=L2, bias_regularizer=L2), ["kernel", "bias"], IMAGE),
        (layers.Conv2DTranspose(2, 3, kernel_regularizer=L2), ["kernel"], IMAGE),
        (layers.Embedding(7, 3, embeddings_regularizer=L2), ["embeddings"], WORDS),
        (layers.GRU(3, kernel_regularizer=L2, recurrent_regularizer=L2, bias_regularizer=L2),
         ["kernel", "recurrent_kernel", "bias"], SERIES),
        (layers.LSTM(3, recurrent_regularizer=L2), ["recurrent_kernel"], SERIES),
    ],
    ids=kinds,
)  # fmt: skip
def test_regularizers_reach_their_weights(layer, names, cost):
    layer(cost)
    assert [weight.name for _, weight in layer.regularized] == names
    model = nn.Sequential([layer])
    model.compile(nn.optimizers.SGD(1e-9), "mse")
    target = model.predict(cost)
    found = model.train_on_batch(cost, target)
    expected = sum(0.5 * np.sum(weight.numpy() ** 2) for _, weight in layer.regularized)
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("layer, x", [pair for pair in LAYERS if not isinstance(pair[1], list)], ids=kinds)
def test_every_array_of_a_layer_has_named_axes(layer, x):
    model = nn.Sequential([layer], name="one")
    model(x)
    with vizkit.record(model) as trace:
        model.predict(x)
    events = [event for event in trace.events() if event.node.level == "layer"]
    assert events
    for event in events:
        arrays = [("inputs", i, array) for i, array in enumerate(event.inputs)]
        arrays += [("parameters", name, array) for name, array in event.parameters.items()]
        for quantity, item, array in [*arrays, ("output", None, event.output)]:
            names = vizkit.trace.axes.axis_names(event.node, quantity, item, array.ndim)
            assert len(set(names)) == array.ndim
            if not (event.node.kind == "LayerNormalization" and item in ("gamma", "beta") and array.ndim > 1):
                assert not any(name.startswith("axis_") for name in names), (event.node, quantity, item, names)


@pytest.mark.parametrize("layer, x", LAYERS, ids=kinds)
def test_float32_agrees_with_float64_to_its_own_rounding(layer, x):
    described = blueprints.describe(layer)
    single = blueprints.build(described, CUSTOM)
    double = blueprints.build(described | {"dtype": "float64"}, CUSTOM)
    single(x)
    double(x)
    double.set_weights(single.get_weights())
    found, exact = single(x), double(x)
    assert (found.dtype, exact.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-5 * np.abs(exact).max())


def reader():
    row = [
        nn.Input((6,)),
        layers.Embedding(7, 4),
        layers.LSTM(4, return_sequences=True, dropout=0.2),
        TransformerBlock(2, 3, 5),
        layers.GRU(3),
        layers.BatchNormalization(),
        layers.Dense(1, kernel_regularizer="l2"),
    ]
    model = nn.Sequential(row, seed=3)
    model.compile("adam", "mse")
    return model


def test_recording_such_a_model_changes_no_byte():
    plain, recorded = reader(), reader()
    words, target = np.repeat(WORDS, 4, axis=0), np.arange(12.0)
    plain.fit(words, target, epochs=3, batch_size=5, verbose=0)
    with vizkit.record(recorded, keep=vizkit.Keep(levels=("layer", "op"))) as trace:
        recorded.fit(words, target, epochs=3, batch_size=5, verbose=0)
    assert [w.tobytes() for w in plain.get_weights()] == [w.tobytes() for w in recorded.get_weights()]
    assert {"lstm/lstm", "gru/gru", "embedding/look_up"} <= {event.node.name for event in trace.events()}
