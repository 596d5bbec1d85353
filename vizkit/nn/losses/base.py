"""What a loss is: a function of targets and predictions, and how the samples become one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, ShapeError
from vizkit.nn.changes import Noticed

__all__ = ["Formula", "Loss"]

_REDUCTIONS = {"mean": "mean", "sum": "sum", "sum_over_batch_size": "mean"}  # the last is Keras's word for the first


class Loss(Noticed):
    """A loss function together with how the samples' losses become one number.

    Give a function, or derive a class and define ``call(y_true, y_pred)``.

    Parameters
    ----------
    function
        ``(y_true, y_pred) -> loss of each sample``, in plain NumPy.
    reduction
        ``"mean"`` (or ``"sum_over_batch_size"``, the same) or ``"sum"``.
    name
        Its name in traces.
    **options
        What the function takes beside targets and predictions.

    Examples
    --------
    >>> Loss(lambda y, p: np.abs(y - p))(np.zeros((2, 1)), np.array([[1.0], [3.0]])).item()
    2.0
    """

    needs_equal_shapes = False  # whether targets must have the shape of the predictions

    def __init__(
        self, function: Callable[..., Any] | None = None, reduction: str = "mean", name: str = "", **options: Any
    ) -> None:
        if reduction not in _REDUCTIONS:
            raise ArgumentError(f"A reduction is one of {', '.join(_REDUCTIONS)}; {reduction!r} was given.")
        if function is None and type(self).call is Loss.call:
            raise ArgumentError(f"{type(self).__name__} needs a function, or must define call(y_true, y_pred).")
        self.function = function
        self.reduction = _REDUCTIONS[reduction]
        self.name = name or getattr(function, "__name__", type(self if function is None else function).__name__)
        self.options = options

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, of shape (batch,) or (batch, ...)."""
        return self.function(y_true, y_pred, **self.options)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of a batch, of shape ``()``; each sample's counts as often as its weight says."""
        return self.reduced(self.weighed(y_true, y_pred, sample_weight))

    def samples(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of each sample, of shape (batch,)."""
        return self.reduced_to_samples(np.asarray(self.weighed(y_true, y_pred, sample_weight)))

    def weighed(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return what `call` does, of shape (batch, ...), where each sample counts as often as its weight says."""
        losses = self.call(y_true, y_pred)
        if losses is None:
            raise ArgumentError(f"The loss {self.name} returned nothing; it returns the loss of each sample.")
        return losses if sample_weight is None else losses * _weights_like(losses, sample_weight)

    def reduced(self, losses: Any) -> Any:
        """Return one number, of shape ``()``, for losses of shape (batch, ...)."""
        return np.sum(losses) if self.reduction == "sum" else np.mean(losses)

    def reduced_to_samples(self, losses: Any) -> Any:
        """Return one number for each sample, of shape (batch,), for losses of shape (batch, ...)."""
        axes = tuple(range(1, losses.ndim))
        if not axes:
            return losses
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
        if y.ndim == len(prediction_shape) - 1 and prediction_shape[-1] == 1:
            y = y[..., None]
        if self.needs_equal_shapes and y.shape[1:] != tuple(prediction_shape[1:]):
            raise ShapeError(
                f"{self.name} compares equal shapes; the model gives {prediction_shape}, the targets have "
                f"shape {y.shape}.{self._hint(y)}"
            )
        return y.astype(dtype) if y.dtype.kind in "biuf" else y

    def _hint(self, y: Any) -> str:
        return ""


class Formula(Loss):
    """A loss that is a formula of targets and predictions of equal shapes.

    Parameters
    ----------
    reduction, name, **options
        As in `Loss`.
    """

    needs_equal_shapes = True
    formula: Callable[..., Any]

    def __init__(self, reduction: str = "mean", name: str = "", **options: Any) -> None:
        super().__init__(self.formula, reduction, name, **options)


def _weights_like(losses: Any, sample_weight: Any) -> Any:
    shape = np.shape(sample_weight)
    return np.astype(np.reshape(sample_weight, shape + (1,) * (losses.ndim - len(shape))), losses.dtype)
