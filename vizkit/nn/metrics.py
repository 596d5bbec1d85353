"""Metrics: numbers that are watched while training, not trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vizkit.nn.losses import mean_squared_error
from vizkit.nn.names import lookup

__all__ = ["accuracy", "binary_accuracy", "categorical_accuracy", "get", "mse", "sparse_categorical_accuracy"]


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """Return for each sample the share of outputs on the right side of the threshold.

    `y_pred` of shape (batch, outputs), `y_true` so or of shape (batch,); the result of shape (batch,).

    Examples
    --------
    >>> binary_accuracy(np.array([[1], [0]]), np.array([[0.9], [0.7]])).tolist()
    [1.0, 0.0]
    """
    target = np.reshape(y_true, y_pred.shape)
    return np.mean(np.equal(target > 0.5, y_pred > threshold), axis=-1)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return for each sample 1 when its largest output is where the target's is, else 0.

    `y_pred` of shape (batch, outputs), `y_true` so or of shape (batch,); the result of shape (batch,).

    Examples
    --------
    >>> categorical_accuracy(np.array([[0, 1]]), np.array([[0.2, 0.8]])).tolist()
    [1.0]
    """
    return np.equal(np.argmax(y_true, axis=-1), np.argmax(y_pred, axis=-1)).astype(float)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return for each sample 1 when its largest output is that of the target's class, else 0.

    `y_pred` of shape (batch, outputs), `y_true` so or of shape (batch,); the result of shape (batch,).

    Examples
    --------
    >>> sparse_categorical_accuracy(np.array([1]), np.array([[0.2, 0.8]])).tolist()
    [1.0]
    """
    return np.equal(np.reshape(y_true, y_pred.shape[:-1]), np.argmax(y_pred, axis=-1)).astype(float)


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return the accuracy of each sample, whichever kind the shapes ask for.

    `y_pred` of shape (batch, outputs), `y_true` so or of shape (batch,); the result of shape (batch,).

    One output: yes or no. Targets of the predictions' shape: one-hot. Else: class numbers.

    Examples
    --------
    >>> accuracy(np.array([1]), np.array([[0.2, 0.8]])).tolist()
    [1.0]
    """
    if y_pred.shape[-1] == 1:
        return binary_accuracy(y_true, y_pred)
    if np.shape(y_true) == y_pred.shape:
        return categorical_accuracy(y_true, y_pred)
    return sparse_categorical_accuracy(y_true, y_pred)


def mse(y_true: Any, y_pred: Any) -> Any:
    """Return the mean squared error of each sample.

    `y_pred` of shape (batch, outputs), `y_true` so or of shape (batch,); the result of shape (batch,).

    Examples
    --------
    >>> mse(np.array([[0.0]]), np.array([[2.0]])).tolist()
    [4.0]
    """
    return mean_squared_error(np.reshape(y_true, y_pred.shape), y_pred)


_NAMES: dict[str, Callable[..., Any]] = {
    "acc": accuracy,
    "accuracy": accuracy,
    "binary_accuracy": binary_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "mean_squared_error": mse,
    "mse": mse,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
}


def get(identifier: Any) -> tuple[str, Callable[..., Any]]:
    """Return a metric's name and its function ``(y_true, y_pred) -> value of each sample``.

    Raises
    ------
    UnknownNameError
        When no metric has this name.

    Examples
    --------
    >>> get("accuracy")[0]
    'accuracy'
    """
    function = lookup("metric", identifier, _NAMES)
    name = identifier if isinstance(identifier, str) else getattr(function, "__name__", type(function).__name__)
    return name, function
