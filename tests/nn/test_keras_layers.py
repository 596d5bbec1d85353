"""Conventions of Keras 3 itself: weights in the same order and layout, names, defaults and options.

On PyTorch Keras computes means and several other things in float32 whatever it is told, so it can only be
compared to that; the digits after those are PyTorch's own matter, in the other tests.
"""

from __future__ import annotations

import numpy as np
import pytest
from layer_gradients import close

from vizkit.nn import layers

keras = pytest.importorskip("keras")

X = np.random.default_rng(0)
IMAGE, SERIES, ROWS = X.normal(size=(3, 6, 5, 4)), X.normal(size=(3, 6, 4)), X.normal(size=(5, 4))
WORDS = X.integers(0, 7, (3, 6))


@pytest.fixture(autouse=True)
def double_precision():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def alike(ours, theirs):
    close(ours, np.asarray(keras.ops.convert_to_numpy(theirs)), rtol=1e-5, atol=1e-5)


def both(name, inputs, *args, call=None, **options):
    """Make one layer in each library, with the same random weights; return it, and what each says."""
    ours = getattr(layers, name)(*args, dtype="float64", **options)
    theirs = getattr(keras.layers, name)(*args, dtype="float64", **options)
    ours(*inputs)
    theirs(*inputs)
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    random = np.random.default_rng(1)
    values = [random.uniform(0.1, 1, w.shape) for w in ours.weights]
    ours.set_weights(values)
    theirs.set_weights(values)
    call = call or {}
    said = [x if isinstance(x, (list, tuple)) else [x] for x in (ours(*inputs, **call), theirs(*inputs, **call))]
    return ours, theirs, *said


CASES = [
    ("ReLU", [ROWS], (), {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}),
    ("LeakyReLU", [ROWS], (), {}),
    ("ELU", [ROWS], (), {}),
    ("Softmax", [SERIES], (1,), {}),
    ("Reshape", [SERIES], ((2, -1),), {}),
    ("Add", [[ROWS, ROWS]], (), {}),
    ("Concatenate", [[SERIES, SERIES]], (1,), {}),
    ("BatchNormalization", [IMAGE], (), {}),
    ("BatchNormalization", [SERIES], (), {"axis": 1, "scale": False}),
    ("LayerNormalization", [SERIES], (), {}),
    ("LayerNormalization", [SERIES], (), {"axis": [1, 2], "epsilon": 0.1}),
    ("Conv2DTranspose", [IMAGE], (2, 3), {}),
    ("Conv2DTranspose", [IMAGE], (2, (3, 2), (2, 3)), {"padding": "valid"}),
    ("Conv2DTranspose", [IMAGE], (2, 3, 2), {"padding": "same", "activation": "relu"}),
    ("AveragePooling2D", [IMAGE], (2,), {}),
    # on PyTorch Keras repeats the edge for padding "same"; on TensorFlow and JAX, as here, padding does not count
    ("AveragePooling2D", [IMAGE], ((3, 2), 2), {}),
    ("MaxPooling2D", [IMAGE], ((3, 2), 2, "same"), {}),
    ("GlobalAveragePooling2D", [IMAGE], (), {"keepdims": True}),
    ("GlobalAveragePooling1D", [SERIES], (), {}),
    ("Embedding", [WORDS], (7, 3), {}),
    ("SimpleRNN", [SERIES], (3,), {"return_sequences": True}),
    ("LSTM", [SERIES], (3,), {"return_sequences": True, "return_state": True}),
    ("LSTM", [SERIES], (3, "relu", "hard_sigmoid"), {"use_bias": False}),
    ("GRU", [SERIES], (3,), {"return_sequences": True, "return_state": True}),
    ("GRU", [SERIES], (3, "elu"), {}),
    ("GRU", [SERIES], (3,), {"reset_after": False}),
    ("MultiHeadAttention", [SERIES, SERIES[:, :4]], (2, 3), {"value_dim": 5, "output_shape": 2}),
]


@pytest.mark.parametrize("name, inputs, args, options", CASES, ids=lambda part: part if isinstance(part, str) else "")
def test_outputs_and_weights(name, inputs, args, options):
    ours, theirs, mine, expected = both(name, inputs, *args, **options)
    assert len(mine) == len(expected)
    for one, other in zip(mine, expected, strict=True):
        alike(one, other)
    if name != "MultiHeadAttention":
        assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    assert ours.output_shape[1:] == mine[0].shape[1:] if len(mine) == 1 else True


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
def test_names_as_keras_gives_them(name):
    _, _, args, options = next(case for case in CASES if case[0] == name)
    keras.backend.clear_session()  # Keras counts the layers of a kind
    assert getattr(layers, name)(*args, **options).name == getattr(keras.layers, name)(*args, **options).name


def test_the_moving_statistics_after_training():
    ours, theirs, *_ = both("BatchNormalization", [IMAGE], momentum=0.8, call={"training": True})
    for _ in range(3):
        alike(ours(IMAGE, training=True), theirs(IMAGE, training=True))
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        alike(mine, other)


def test_a_causal_mask_beside_one_of_ones_own():
    mask = np.random.default_rng(2).random((3, 6, 6)) < 0.7
    call = {"attention_mask": mask, "use_causal_mask": True, "return_attention_scores": True}
    _, _, mine, expected = both("MultiHeadAttention", [SERIES, SERIES], 2, 3, call=call)
    alike(mine[0], expected[0])
    alike(mine[1], expected[1])


def test_recurrent_layers_begin_with_the_same_bias():
    for name in ("SimpleRNN", "LSTM", "GRU"):
        ours, theirs = (getattr(library, name)(3) for library in (layers, keras.layers))
        ours(SERIES)
        theirs(SERIES)
        np.testing.assert_array_equal(ours.get_weights()[2], theirs.get_weights()[2])
        recurrent = ours.get_weights()[1]
        np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(3), atol=1e-6)  # orthogonal


def test_initial_states():
    states = [np.full((3, 2), 0.5), np.full((3, 2), -0.5)]
    _, _, mine, expected = both("LSTM", [SERIES], 2, call={"initial_state": states})
    alike(mine[0], expected[0])
