"""Training programs whose steps come again, for the tests of what repeats them."""

from __future__ import annotations

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from vizkit import nn
from vizkit.errors import ShapeError

L = nn.layers
NUMBERS = np.random.default_rng(0)

WIDE = [
    lambda: L.Dense(3, "gelu", kernel_regularizer="l2", bias_regularizer="l1"),
    lambda: L.Dense(3, use_bias=False),
    lambda: L.Activation("mish"),
    lambda: L.ReLU(6.0, 0.1, 0.2),
    lambda: L.LeakyReLU(),
    lambda: L.ELU(0.5),
    lambda: L.Softmax(),
    lambda: L.Dropout(0.3),
    lambda: L.Dropout(0.3, seed=5),
    lambda: L.BatchNormalization(),
    lambda: L.LayerNormalization(),
    lambda: L.Flatten(),
    lambda: L.Reshape((-1, 1)),
]
IMAGES = [
    lambda: L.Conv2D(2, 3, padding="same", activation="relu", kernel_regularizer="l1"),
    lambda: L.Conv2D(2, 2, strides=2),
    lambda: L.Conv2DTranspose(2, 2, strides=2),
    lambda: L.MaxPooling2D(2),
    lambda: L.AveragePooling2D(2, padding="same"),
    lambda: L.GlobalAveragePooling2D(keepdims=True),
    *WIDE[2:12],
]
SEQUENCES = [
    lambda: L.SimpleRNN(3, return_sequences=True, dropout=0.2),
    lambda: L.LSTM(3, return_sequences=True, dropout=0.2, seed=1),
    lambda: L.LSTM(3, activation="softsign", return_sequences=True),
    lambda: L.LSTM(3, return_sequences=True, dropout=0.2, recurrent_dropout=0.2),
    lambda: L.GRU(3, return_sequences=True),
    lambda: L.GRU(3, return_sequences=True, reset_after=False),
    lambda: nn.blocks.TransformerBlock(4, 2, 5),
    lambda: L.Dense(2, "tanh"),
    *WIDE[7:11],
]
INPUTS = {
    "wide": (WIDE, lambda: NUMBERS.standard_normal((11, 4))),
    "images": (IMAGES, lambda: NUMBERS.standard_normal((11, 4, 4, 2))),
    "sequences": (SEQUENCES, lambda: NUMBERS.standard_normal((11, 3, 4))),
    "words": (SEQUENCES, lambda: NUMBERS.integers(0, 5, (11, 3))),
}
LOSSES = {
    "ssr": 2,
    "mse": 2,
    "mae": 2,
    "hinge": 2,
    nn.losses.Huber(0.5): 2,
    "kl_divergence": 0.5,
    "binary_crossentropy": 0.5,
    nn.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1): 0.5,
    "categorical_crossentropy": 0.5,
    nn.losses.CategoricalCrossentropy(from_logits=True): 0.5,
    "sparse_categorical_crossentropy": 1,
    nn.losses.SparseCategoricalCrossentropy(from_logits=True): 1,
}
OPTIMIZERS = [
    lambda: nn.optimizers.SGD(0.01),
    lambda: nn.optimizers.SGD(0.01, momentum=0.9, nesterov=True, clipnorm=0.5),
    lambda: nn.optimizers.Adagrad(clipvalue=0.1),
    lambda: nn.optimizers.RMSprop(centered=True, momentum=0.5),
    lambda: nn.optimizers.Adam(amsgrad=True, global_clipnorm=0.5),
    lambda: nn.optimizers.AdamW(nn.optimizers.schedules.CosineDecay(0.01, 5)),
]


@st.composite
def programs(draw):
    """Draw a whole training program: data, layers, loss, optimizer, and how it is fitted."""
    kind = draw(st.sampled_from(sorted(INPUTS)))
    parts, data = INPUTS[kind]
    chosen = draw(st.lists(st.sampled_from(parts), min_size=1, max_size=3))
    dtype = draw(st.sampled_from(["float32", "float64"]))
    loss = draw(st.sampled_from(list(LOSSES)))
    optimizer, batch = draw(st.sampled_from(OPTIMIZERS)), draw(st.sampled_from([3, 4, 11]))
    frozen, shuffle = draw(st.integers(0, 5)), draw(st.booleans())
    weights = draw(st.sampled_from([None, "samples", "classes"]))
    return kind, chosen, data, dtype, loss, optimizer, batch, frozen, shuffle, weights


def assembled(kind, chosen, x, dtype, frozen):
    """Return a model of drawn layers that knows its shapes, the one of an index frozen."""
    head = [L.Embedding(5, 4)] if kind == "words" else []
    body = [make() for make in chosen]
    model = nn.Sequential([*head, *body, L.Flatten(), L.Dense(2, "softmax")], dtype=dtype, seed=3)
    try:
        model(x[:1])
    except ShapeError:  # layers that do not fit behind one another
        assume(False)
    if frozen < len(body):
        body[frozen].trainable = False
    return model


def small(loss="mse", layers=None, **options):
    layers = layers or [L.Dense(4, "tanh"), L.Dropout(0.2), L.Dense(1)]
    model = nn.Sequential(layers, seed=1, **options)
    model.compile(nn.optimizers.Adam(0.05), loss)
    return model


X, Y = NUMBERS.standard_normal((10, 3)), NUMBERS.standard_normal((10, 1))


class Meddling(nn.callbacks.Callback):
    """Does something to the model after the third epoch."""

    def __init__(self, meddle):
        self.meddle = meddle

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            self.meddle(self.model)
