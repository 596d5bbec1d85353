"""Losses: how wrong a prediction is, in plain NumPy.

A function gives the loss of each sample; a `Loss` also says how the samples become the one number that
training makes smaller. Names and conventions are Keras's: probabilities are kept within 1e-7 of 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DataError, ShapeError
from vizkit.nn.activations import log_softmax
from vizkit.nn.autodiff import operation, plain
from vizkit.nn.names import lookup

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "SumSquaredResiduals",
    "binary_crossentropy",
    "categorical_crossentropy",
    "get",
    "mean_squared_error",
    "sparse_categorical_crossentropy",
    "sum_squared_residuals",
]

EPSILON = 1e-7


def sum_squared_residuals(y_true: Any, y_pred: Any) -> Any:
    """Return the sum of the squared residuals of each sample, of shape (batch,).

    Examples
    --------
    >>> sum_squared_residuals(np.array([[0.0], [1.0]]), np.array([[2.0], [1.0]])).tolist()
    [4.0, 0.0]
    """
    residual = y_true - y_pred
    return np.sum(np.square(residual), axis=tuple(range(1, residual.ndim)))


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of the squared differences.

    `y_true` and `y_pred` of shape (batch, ..., units); the result of shape (batch, ...).

    Examples
    --------
    >>> mean_squared_error(np.array([[0.0, 0.0]]), np.array([[1.0, 3.0]])).tolist()
    [5.0]
    """
    return np.mean(np.square(y_pred - y_true), axis=-1)


def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False) -> Any:
    """Return the mean over the last axis of −t log p − (1 − t) log(1 − p).

    `y_true` and `y_pred` of shape (batch, ..., units); the result of shape (batch, ...).

    With `from_logits`, `y_pred` is the score before the sigmoid.

    Examples
    --------
    >>> binary_crossentropy(np.array([[1.0]]), np.array([[0.5]])).round(3).tolist()
    [0.693]
    """
    if from_logits:
        return np.mean(np.logaddexp(y_pred, 0) - y_pred * y_true, axis=-1)
    p = np.clip(y_pred, EPSILON, 1 - EPSILON)
    return -np.mean(y_true * np.log(p) + (1 - y_true) * np.log(1 - p), axis=-1)


@operation
def _log_probabilities(y_pred: Any, from_logits: bool) -> Any:
    if from_logits:
        return log_softmax(y_pred)
    shares = y_pred / np.sum(y_pred, axis=-1, keepdims=True)
    return np.log(np.clip(shares, EPSILON, 1 - EPSILON))


def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False) -> Any:
    """Return −Σ t log p of each sample, for targets that are one-hot or probabilities.

    `y_true` and `y_pred` of shape (batch, ..., units); the result of shape (batch, ...).

    With `from_logits`, `y_pred` are the scores before the softmax.

    Examples
    --------
    >>> categorical_crossentropy(np.array([[1.0, 0, 0]]), np.array([[0.659, 0.242, 0.099]])).round(3).tolist()
    [0.417]
    """
    return -np.sum(y_true * _log_probabilities(y_pred, from_logits), axis=-1)


def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False) -> Any:
    """Return −log p of the right class of each sample, for targets that are class numbers.

    `y_true` of shape (batch,) or (batch, 1), `y_pred` of shape (batch, classes); the result of shape (batch,).

    With `from_logits`, `y_pred` are the scores before the softmax.

    Examples
    --------
    >>> sparse_categorical_crossentropy(np.array([0]), np.array([[0.659, 0.242, 0.099]])).round(3).tolist()
    [0.417]
    """
    classes = np.arange(y_pred.shape[-1])
    labels = np.reshape(y_true, y_pred.shape[:-1])
    one_hot = np.equal(labels[..., None], classes).astype(y_pred.dtype)
    return categorical_crossentropy(one_hot, y_pred, from_logits)


class Loss:
    """A loss function together with how the samples' losses become one number.

    Parameters
    ----------
    function
        ``(y_true, y_pred) -> loss of each sample``, in plain NumPy.
    reduction
        ``"mean"`` or ``"sum"``.
    name
        Its name in traces.

    Examples
    --------
    >>> Loss(mean_squared_error)(np.zeros((2, 1)), np.array([[1.0], [3.0]])).item()
    5.0
    """

    def __init__(self, function: Callable[..., Any], reduction: str = "mean", name: str = "", **options: Any) -> None:
        if reduction not in ("mean", "sum"):
            raise ArgumentError(f"A reduction is 'mean' or 'sum'; {reduction!r} was given.")
        self.function = function
        self.reduction = reduction
        self.name = name or getattr(function, "__name__", type(function).__name__)
        self.options = options

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of a batch, of shape ``()``."""
        losses = self.function(y_true, y_pred, **self.options)
        return np.sum(losses) if self.reduction == "sum" else np.mean(losses)

    def samples(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, of shape (batch,)."""
        losses = np.asarray(self.function(y_true, y_pred, **self.options))
        axes = tuple(range(1, losses.ndim))
        return losses.sum(axes) if self.reduction == "sum" else losses.mean(axes)

    def target(self, y: Any, prediction_shape: tuple[int | None, ...], dtype: Any) -> Any:
        """Check targets against the shape of the predictions, and bring them to a shape that fits.

        Raises
        ------
        ShapeError
            When the shapes differ.
        DataError
            When a class number is out of range.
        """
        if self.function is sparse_categorical_crossentropy:
            return _class_numbers(y, prediction_shape)
        if y.ndim == len(prediction_shape) - 1 and prediction_shape[-1] == 1:
            y = y[..., None]
        if y.shape[1:] != tuple(prediction_shape[1:]) and self.name in _NAMES:
            raise ShapeError(
                f"{self.name} compares equal shapes; the model gives {prediction_shape}, the targets have "
                f"shape {y.shape}."
            )
        return y.astype(dtype) if y.dtype.kind in "biuf" else y


def _class_numbers(y: Any, prediction_shape: tuple[int | None, ...]) -> Any:
    classes = prediction_shape[-1]
    if y.shape[1:] not in (prediction_shape[1:-1], (*prediction_shape[1:-1], 1)):
        raise ShapeError(
            f"sparse_categorical_crossentropy needs one class number for each sample; the targets have "
            f"shape {y.shape}. For one-hot targets there is categorical_crossentropy."
        )
    wrong = (y < 0) | (y >= classes) | (y != np.floor(y))
    if np.any(wrong):
        raise DataError(
            f"Class numbers are whole and from 0 to {classes - 1}, for the {classes} outputs of the model; "
            f"{y[wrong].flat[0]} is among the targets."
        )
    return y


class SumSquaredResiduals(Loss):
    """The sum over everything of the squared residuals."""

    def __init__(self, name: str = "sum_squared_residuals") -> None:
        super().__init__(sum_squared_residuals, "sum", name)


class MeanSquaredError(Loss):
    """The mean over everything of the squared differences."""

    def __init__(self, name: str = "mean_squared_error") -> None:
        super().__init__(mean_squared_error, "mean", name)


class BinaryCrossentropy(Loss):
    """Cross-entropy of yes and no."""

    def __init__(self, from_logits: bool = False, name: str = "binary_crossentropy") -> None:
        super().__init__(binary_crossentropy, "mean", name, from_logits=from_logits)


class CategoricalCrossentropy(Loss):
    """Cross-entropy with one-hot targets."""

    def __init__(self, from_logits: bool = False, name: str = "categorical_crossentropy") -> None:
        super().__init__(categorical_crossentropy, "mean", name, from_logits=from_logits)


class SparseCategoricalCrossentropy(Loss):
    """Cross-entropy with class numbers as targets."""

    def __init__(self, from_logits: bool = False, name: str = "sparse_categorical_crossentropy") -> None:
        super().__init__(sparse_categorical_crossentropy, "mean", name, from_logits=from_logits)


_NAMES: dict[str, Callable[[], Loss]] = {
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "ssr": SumSquaredResiduals,
    "sum_squared_residuals": SumSquaredResiduals,
}


def get(identifier: Any) -> Loss:
    """Return a loss by its name, or make one of a function ``(y_true, y_pred) -> losses``.

    Raises
    ------
    UnknownNameError
        When no loss has this name.

    Examples
    --------
    >>> get("mse").name
    'mean_squared_error'
    """
    found = lookup("loss", identifier, _NAMES)
    if isinstance(found, Loss):
        return found
    if isinstance(found, type):
        return found()
    named = _NAMES.get(getattr(found, "__name__", ""))
    ours = named() if named else None
    return ours if ours is not None and ours.function is found else Loss(found)


def value_of(loss: Any) -> float:
    """Return the number of a loss, tracked or not.

    Examples
    --------
    >>> value_of(np.float64(2.0))
    2.0
    """
    return float(plain(loss))
