"""The Keras programs of the workloads: vizkit and Keras run the same ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peers.workloads import CLASSES, DOSAGE_RATE, EPSILON, LEARNING_RATE, LSTM_UNITS, TIMES, WORD_SIZE, WORDS, Workload

__all__ = ["compiled"]


def compiled(keras: Any, workload: Workload) -> Any:
    """Return the model of a workload; `keras` is Keras or what stands in its place."""
    rows: dict[str, Callable[[Any, Workload], list[Any]]]
    rows = {"mlp": _mlp, "cnn": _cnn, "lstm": _lstm, "dosage": _dosage}
    model = keras.Sequential(rows[workload.kind](keras, workload))
    if workload.kind == "dosage":
        residuals = getattr(keras.losses, "SumSquaredResiduals", None)  # Keras's name for it is longer
        loss = residuals() if residuals else keras.losses.MeanSquaredError(reduction="sum")
        model.compile(keras.optimizers.SGD(DOSAGE_RATE), loss)
    else:
        loss = "binary_crossentropy" if workload.kind == "lstm" else "sparse_categorical_crossentropy"
        model.compile(keras.optimizers.Adam(LEARNING_RATE, epsilon=EPSILON), loss)
    model.set_weights(workload.weights())
    return model


def _mlp(keras: Any, workload: Workload) -> list[Any]:
    hidden = [keras.layers.Dense(size, "relu") for size in workload.sizes[1:-1]]
    return [keras.Input(workload.sizes[:1]), *hidden, keras.layers.Dense(CLASSES, "softmax")]


def _cnn(keras: Any, workload: Workload) -> list[Any]:
    return [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(64, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(64, "relu"),
        keras.layers.Dense(CLASSES, "softmax"),
    ]


def _lstm(keras: Any, workload: Workload) -> list[Any]:
    return [
        keras.Input((TIMES,)),
        keras.layers.Embedding(WORDS, WORD_SIZE),
        keras.layers.LSTM(LSTM_UNITS),
        keras.layers.Dense(1, "sigmoid"),
    ]


def _dosage(keras: Any, workload: Workload) -> list[Any]:
    return [keras.Input((1,)), keras.layers.Dense(2, "softplus"), keras.layers.Dense(1)]
