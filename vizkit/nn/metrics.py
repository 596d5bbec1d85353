"""Metrics: numbers that are watched while training, not trained on. Names and defaults are Keras's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vizkit.autodiff import plain
from vizkit.checks import whole
from vizkit.errors import ArgumentError
from vizkit.nn.losses import mean_absolute_error, mean_squared_error
from vizkit.nn.names import by_name, lookup

__all__ = [
    "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "Mean", "MeanAbsoluteError", "MeanSquaredError", "Metric",
    "SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "TopKCategoricalAccuracy", "accuracy",
    "binary_accuracy", "categorical_accuracy", "get", "mae", "mse", "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy",
]  # fmt: skip


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

    `y_pred` and `y_true` of shape (batch, outputs); the result of shape (batch,).

    Examples
    --------
    >>> categorical_accuracy(np.array([[0, 1]]), np.array([[0.2, 0.8]])).tolist()
    [1.0]
    """
    return sparse_categorical_accuracy(np.argmax(y_true, axis=-1), y_pred)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return for each sample 1 when its largest output is that of the target's class, else 0.

    `y_pred` of shape (batch, outputs), `y_true` of shape (batch,) or (batch, 1); the result of shape (batch,).

    Examples
    --------
    >>> sparse_categorical_accuracy(np.array([1]), np.array([[0.2, 0.8]])).tolist()
    [1.0]
    """
    return np.equal(np.reshape(y_true, y_pred.shape[:-1]), np.argmax(y_pred, axis=-1)).astype(float)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Return for each sample 1 when the target's class is among the `k` largest outputs, else 0.

    `y_pred` and `y_true` of shape (batch, outputs); the result of shape (batch,).

    Examples
    --------
    >>> top_k_categorical_accuracy(np.array([[0, 1, 0]]), np.array([[0.5, 0.3, 0.2]]), k=2).tolist()
    [1.0]
    """
    return sparse_top_k_categorical_accuracy(np.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Return for each sample 1 when fewer than `k` outputs are larger than the right class's, else 0.

    `y_pred` of shape (batch, outputs), `y_true` of shape (batch,) or (batch, 1); the result of shape (batch,).

    Examples
    --------
    >>> sparse_top_k_categorical_accuracy(np.array([2]), np.array([[0.5, 0.3, 0.2]]), k=2).tolist()
    [0.0]
    """
    labels = np.reshape(y_true, y_pred.shape[:-1]).astype(int)
    right = np.take_along_axis(y_pred, labels[..., None], axis=-1)
    return (np.sum(y_pred > right, axis=-1) < k).astype(float)


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


def mae(y_true: Any, y_pred: Any) -> Any:
    """Return the mean absolute error of each sample.

    `y_pred` of shape (batch, outputs), `y_true` so or of shape (batch,); the result of shape (batch,).

    Examples
    --------
    >>> mae(np.array([[0.0]]), np.array([[-2.0]])).tolist()
    [2.0]
    """
    return mean_absolute_error(np.reshape(y_true, y_pred.shape), y_pred)


class Metric:
    """The mean of a function of targets and predictions over all samples seen.

    Derive a class and define ``update_state(y_true, y_pred)``, ``result()`` and ``reset_state()`` for
    what is no mean over samples.

    Parameters
    ----------
    function
        ``(y_true, y_pred) -> value of each sample``.
    name
        Its name in logs.
    **options
        What the function takes beside targets and predictions.

    Examples
    --------
    >>> metric = Metric(mse)
    >>> metric.update_state(np.zeros((2, 1)), np.array([[1.0], [3.0]]))
    >>> metric.result()
    5.0
    """

    def __init__(self, function: Callable[..., Any] | None = None, name: str | None = None, **options: Any) -> None:
        self.function, self.options = function, options
        self.name = name or getattr(function, "__name__", type(self).__name__.lower())
        self.total = self.count = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch, of shapes (batch, ...); each sample counts as often as its weight says."""
        if self.function is None:
            raise ArgumentError(f"The metric {self.name!r} has no function, and does not define update_state.")
        values = np.asarray(self.function(plain(y_true), plain(y_pred), **self.options), float)
        # a function that gives one number for the whole batch counts as if every sample had it
        values = values.reshape(len(values), -1).mean(1) if values.ndim else np.full(len(y_pred), values)
        weights = np.ones(len(values)) if sample_weight is None else np.asarray(sample_weight, float)
        self.total += float(np.sum(values * weights))
        self.count += float(np.sum(weights))

    def result(self) -> float:
        """Return the mean so far; 0 when nothing was seen."""
        return self.total / self.count if self.count else 0.0

    def reset_state(self) -> None:
        """Forget what was seen."""
        self.total = self.count = 0.0

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Take in a batch and return the mean so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()


class Mean(Metric):
    """The mean of numbers, for training loops of one's own.

    Examples
    --------
    >>> mean = Mean()
    >>> mean.update_state([1.0, 2.0])
    >>> mean(6.0)
    3.0
    """

    def __init__(self, name: str = "mean") -> None:
        super().__init__(None, name)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Take in numbers of any shape."""
        numbers = np.asarray(plain(values), float)
        weights = np.broadcast_to(1.0 if sample_weight is None else sample_weight, numbers.shape)
        self.total += float(np.sum(numbers * weights))
        self.count += float(np.sum(weights))

    def __call__(self, values: Any, sample_weight: Any = None) -> float:
        """Take in numbers and return the mean so far."""
        self.update_state(values, sample_weight)
        return self.result()


class Accuracy(Metric):
    """`accuracy`, whichever kind the shapes ask for."""

    def __init__(self, name: str = "accuracy") -> None:
        super().__init__(accuracy, name)


class BinaryAccuracy(Metric):
    """`binary_accuracy` as an object."""

    def __init__(self, name: str = "binary_accuracy", threshold: float = 0.5) -> None:
        super().__init__(binary_accuracy, name, threshold=threshold)


class CategoricalAccuracy(Metric):
    """`categorical_accuracy` as an object."""

    def __init__(self, name: str = "categorical_accuracy") -> None:
        super().__init__(categorical_accuracy, name)


class SparseCategoricalAccuracy(Metric):
    """`sparse_categorical_accuracy` as an object."""

    def __init__(self, name: str = "sparse_categorical_accuracy") -> None:
        super().__init__(sparse_categorical_accuracy, name)


class TopKCategoricalAccuracy(Metric):
    """`top_k_categorical_accuracy` as an object."""

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy") -> None:
        super().__init__(top_k_categorical_accuracy, name, k=whole("k", k))


class SparseTopKCategoricalAccuracy(Metric):
    """`sparse_top_k_categorical_accuracy` as an object."""

    def __init__(self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy") -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, k=whole("k", k))


class MeanSquaredError(Metric):
    """`mse` as an object."""

    def __init__(self, name: str = "mean_squared_error") -> None:
        super().__init__(mse, name)


class MeanAbsoluteError(Metric):
    """`mae` as an object."""

    def __init__(self, name: str = "mean_absolute_error") -> None:
        super().__init__(mae, name)


_NAMES = by_name(
    accuracy, binary_accuracy, categorical_accuracy, mae, mse, sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy, top_k_categorical_accuracy,
    acc=accuracy, mean_absolute_error=mae, mean_squared_error=mse,
)  # fmt: skip


def get(identifier: Any) -> Metric:
    """Return a metric by its name, or make one of a function ``(y_true, y_pred) -> value of each sample``.

    Raises
    ------
    UnknownNameError
        When no metric has this name.

    Examples
    --------
    >>> get("accuracy").name
    'accuracy'
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    function = lookup("metric", identifier, _NAMES)
    return Metric(function, identifier if isinstance(identifier, str) else None)
