"""The five networks in Keras: Sequential, functional and subclassed. As a script it writes their traces as files.

KERAS_BACKEND=tensorflow python agreement_keras.py FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
from agreement_runs import LOSSES, NETWORKS, RATE, batches, weights

from vizkit import record

L = keras.layers


def mlp():
    return keras.Sequential(
        [keras.Input((4,)), L.Dense(6, name="d1"), L.Activation("relu", name="t1"), L.Dense(3, name="d2")]
    )


def cnn():
    x = inputs = keras.Input((8, 8, 3))
    x = L.BatchNormalization(momentum=0.99, name="b1")(L.Conv2D(4, 3, padding="same", name="c1")(x))
    x = L.MaxPooling2D(2, name="p1")(L.Activation("relu", name="t1")(x))
    x = L.Dropout(0.0, name="o1")(L.Conv2D(5, 3, name="c2")(x))
    return keras.Model(inputs, L.Dense(3, name="d1")(L.Flatten(name="fl")(x)))


def residual():
    inputs = keras.Input((6, 6, 2))
    x = L.BatchNormalization(name="b1")(L.Conv2D(4, 3, padding="same", name="c1")(inputs))
    x = L.Conv2D(4, 3, padding="same", name="c2")(L.Activation("relu", name="t1")(x))
    x = L.BatchNormalization(name="b2")(x) + L.Conv2D(4, 1, name="c3")(inputs)
    x = L.AveragePooling2D(6, name="p1")(L.Activation("relu", name="t2")(x))
    return keras.Model(inputs, L.Dense(3, name="d1")(L.Flatten(name="fl")(x)))


class Reader(keras.Model):
    def __init__(self):
        super().__init__()
        self.e1, self.r1 = L.Embedding(10, 4, name="e1"), L.LSTM(5, return_sequences=True, name="r1")
        self.d1 = L.Dense(3, name="d1")

    def call(self, x):
        return self.d1(self.r1(self.e1(x))[:, -1])


class Encoder(keras.Model):
    def __init__(self):
        super().__init__()
        self.a1, self.n1 = L.MultiHeadAttention(2, 4, name="a1"), L.LayerNormalization(name="n1")
        self.f1, self.t1, self.f2 = L.Dense(16, name="f1"), L.Activation("relu", name="t1"), L.Dense(8, name="f2")
        self.n2, self.d1 = L.LayerNormalization(name="n2"), L.Dense(3, name="d1")

    def call(self, x):
        x = self.n1(x + self.a1(x, x))
        x = self.n2(x + self.f2(self.t1(self.f1(x))))
        return self.d1(keras.ops.mean(x, axis=1))


def dosage():
    parts = [L.Dense(2, name="hidden"), L.Activation("softplus", name="t1"), L.Dense(1, name="output")]
    return keras.Sequential([keras.Input((1,)), *parts])


def letter():
    parts = [L.Conv2D(1, 3, name="c1"), L.Activation("relu", name="t1"), L.MaxPooling2D(2, name="p1")]
    return keras.Sequential([keras.Input((6, 6, 1)), *parts])


MODELS = {
    "mlp": mlp, "cnn": cnn, "residual": residual, "lstm": Reader, "transformer": Encoder,
    "dosage": dosage, "letter": letter,
}  # fmt: skip


CRITERIA = {
    "mean_squared_error": keras.losses.MeanSquaredError,
    # over the last axis, of one number, the mean is the sum
    "sum_squared_residuals": lambda: keras.losses.MeanSquaredError(reduction="sum"),
    "sparse_categorical_crossentropy": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
}


def fill(model, values):
    for layer in model.layers:
        named = [(layer, layer.name)]
        if layer.name == "a1":
            inner = (layer.query_dense, layer.key_dense, layer.value_dense, layer.output_dense)
            named = [(part, f"a1/{part.name}") for part in inner]
        for part, path in named:
            for weight in part.weights:
                weight.assign(values[path][weight.name])


def trace(network, dtype):
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    model = MODELS[network]()
    model.compile(keras.optimizers.SGD(RATE), CRITERIA[LOSSES[network]]())
    steps = list(batches(network, dtype))
    model(steps[0][0])
    fill(model, weights(network, dtype))
    with record(model) as told:
        for x, y in steps:
            if network == "letter":
                model.predict(x, verbose=0)
                break
            model.fit(x, y, batch_size=len(x), shuffle=False, verbose=0)
    return told


if __name__ == "__main__":
    for name in NETWORKS:
        for kind in ("float32", "float64"):
            trace(name, kind).save(Path(sys.argv[1]) / f"{name}-{kind}.vkt")
