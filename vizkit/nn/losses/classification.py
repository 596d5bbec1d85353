"""Losses of classes: how little a prediction gives to the right one.

Probabilities are kept within 1e-7 of 0 and 1, as in Keras.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.autodiff import operation
from vizkit.checks import number
from vizkit.errors import DataError, ShapeError
from vizkit.nn.activations import log_softmax
from vizkit.nn.losses.base import Formula, Loss

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "Hinge", "KLDivergence", "SparseCategoricalCrossentropy",
    "binary_crossentropy", "categorical_crossentropy", "hinge", "kl_divergence", "sparse_categorical_crossentropy",
]  # fmt: skip

EPSILON = 1e-7


def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0) -> Any:
    """Return the mean over the last axis of −t log p − (1 − t) log(1 − p).

    `y_true` and `y_pred` of shape (batch, ..., units); the result of shape (batch, ...).

    With `from_logits`, `y_pred` is the score before the sigmoid. `label_smoothing` moves each target
    that share of the way to ½.

    Examples
    --------
    >>> binary_crossentropy(np.array([[1.0]]), np.array([[0.5]])).round(3).tolist()
    [0.693]
    """
    if label_smoothing:
        y_true = y_true * (1 - label_smoothing) + 0.5 * label_smoothing
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


def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0) -> Any:
    """Return −Σ t log p of each sample, for targets that are one-hot or probabilities.

    `y_true` and `y_pred` of shape (batch, ..., units); the result of shape (batch, ...).

    With `from_logits`, `y_pred` are the scores before the softmax. `label_smoothing` is the share of
    each target that is spread evenly over all classes.

    Examples
    --------
    >>> categorical_crossentropy(np.array([[1.0, 0, 0]]), np.array([[0.659, 0.242, 0.099]])).round(3).tolist()
    [0.417]
    """
    if label_smoothing:
        y_true = y_true * (1 - label_smoothing) + label_smoothing / y_pred.shape[-1]
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


def hinge(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of max(0, 1 − t y), for targets −1 and 1.

    `y_true` and `y_pred` of shape (batch, ..., units); the result of shape (batch, ...). Targets
    that are all 0 or 1 are taken for −1 and 1.

    Examples
    --------
    >>> hinge(np.array([[1.0], [-1.0]]), np.array([[0.5], [0.5]])).tolist()
    [0.5, 1.5]
    """
    is_binary = np.all(np.equal(y_true, 0) | np.equal(y_true, 1))
    y_true = np.where(is_binary, 2.0 * y_true - 1.0, y_true)
    return np.mean(np.maximum(1 - y_true * y_pred, 0), axis=-1)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """Return Σ t log(t / p) of each sample, for targets and predictions that are probabilities.

    `y_true` and `y_pred` of shape (batch, ..., units); the result of shape (batch, ...).

    Examples
    --------
    >>> kl_divergence(np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])).round(3).tolist()
    [0.144]
    """
    target, p = np.clip(y_true, EPSILON, 1), np.clip(y_pred, EPSILON, 1)
    return np.sum(target * np.log(target / p), axis=-1)


class _Crossentropy(Formula):
    """A loss whose targets are probabilities.

    Parameters
    ----------
    from_logits
        Whether the predictions are scores, not probabilities yet.
    label_smoothing
        Share of each target, from 0 to 1, that is spread over all classes.
    reduction, name
        As in `Loss`.
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, *, reduction: str = "mean", name: str = ""
    ) -> None:
        smoothing = number("label_smoothing", label_smoothing, 0, 1, includes_low=True)
        super().__init__(reduction, name, from_logits=from_logits, label_smoothing=smoothing)

    def target(self, y: Any, prediction_shape: tuple[int | None, ...], dtype: Any) -> Any:
        """Return targets of shape (batch, ...) after checking that they lie between 0 and 1.

        Raises
        ------
        ShapeError
            When their shape is not that of the predictions.
        DataError
            When one of them lies outside.
        """
        y = super().target(y, prediction_shape, dtype)
        wrong = (y < 0) | (y > 1)
        if np.any(wrong):
            raise DataError(f"The targets of {self.name} lie between 0 and 1; {y[wrong].flat[0]} is among them.")
        return y


class BinaryCrossentropy(_Crossentropy):
    """Cross-entropy of yes and no."""

    formula = staticmethod(binary_crossentropy)


class CategoricalCrossentropy(_Crossentropy):
    """Cross-entropy with one-hot targets."""

    formula = staticmethod(categorical_crossentropy)

    def _hint(self, y: Any) -> str:
        return " For class numbers there is sparse_categorical_crossentropy." if y.ndim == 1 else ""


class SparseCategoricalCrossentropy(Loss):
    """Cross-entropy with class numbers as targets."""

    def __init__(
        self, from_logits: bool = False, *, reduction: str = "mean", name: str = "sparse_categorical_crossentropy"
    ) -> None:
        super().__init__(sparse_categorical_crossentropy, reduction, name, from_logits=from_logits)

    def target(self, y: Any, prediction_shape: tuple[int | None, ...], dtype: Any) -> Any:
        """Return class numbers of shape (batch, ...) after checking that the model has these classes.

        Raises
        ------
        ShapeError
            When there is not one number for each sample.
        DataError
            When a class number is out of range.
        """
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


class Hinge(Formula):
    """The loss of support vector machines, for targets −1 and 1 (or 0 and 1)."""

    formula = staticmethod(hinge)


class KLDivergence(Formula):
    """Kullback-Leibler divergence from the predicted to the true probabilities."""

    formula = staticmethod(kl_divergence)
