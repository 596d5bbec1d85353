"""Losses of numbers: how far a prediction lies from its target."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.checks import number
from vizkit.nn.losses.base import Formula

__all__ = [
    "Huber", "MeanAbsoluteError", "MeanSquaredError", "SumSquaredResiduals", "huber", "mean_absolute_error",
    "mean_squared_error", "sum_squared_residuals",
]  # fmt: skip


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


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of the differences without their sign.

    `y_true` and `y_pred` of shape (batch, ..., units); the result of shape (batch, ...).

    Examples
    --------
    >>> mean_absolute_error(np.array([[0.0, 0.0]]), np.array([[1.0, -3.0]])).tolist()
    [2.0]
    """
    return np.mean(np.abs(y_pred - y_true), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Return the mean over the last axis of half the squares, of straight lines beyond `delta` (Huber 1964).

    `y_true` and `y_pred` of shape (batch, ..., units); the result of shape (batch, ...).

    Examples
    --------
    >>> huber(np.array([[0.0], [0.0]]), np.array([[1.0], [3.0]])).tolist()
    [0.5, 2.5]
    """
    error = y_pred - y_true
    size = np.abs(error)
    return np.mean(np.where(size <= delta, 0.5 * np.square(error), delta * size - 0.5 * delta**2), axis=-1)


class SumSquaredResiduals(Formula):
    """The sum over everything of the squared residuals."""

    formula = staticmethod(sum_squared_residuals)

    def __init__(self, reduction: str = "sum", name: str = "") -> None:
        super().__init__(reduction, name)


class MeanSquaredError(Formula):
    """The mean over everything of the squared differences."""

    formula = staticmethod(mean_squared_error)


class MeanAbsoluteError(Formula):
    """The mean over everything of the differences without their sign."""

    formula = staticmethod(mean_absolute_error)


class Huber(Formula):
    """Squares near the target, straight lines beyond `delta`, so that outliers pull less."""

    formula = staticmethod(huber)

    def __init__(self, delta: float = 1.0, reduction: str = "mean", name: str = "") -> None:
        super().__init__(reduction, name, delta=number("delta", delta))
