"""Keras's losses: their names in a trace, and the loss of each sample."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from vizkit.adapters._steps import Loss
from vizkit.adapters.keras.backends import Backend

__all__ = ["loss_name", "loss_of"]


def loss_name(loss: Any, prediction: NDArray[Any]) -> str:
    """Return what a trace calls a loss, given as object, function or name.

    Examples
    --------
    >>> loss_name(keras.losses.MeanSquaredError(), np.zeros((3, 1)))
    'mean_squared_error'
    >>> loss_name(keras.losses.MeanSquaredError(reduction="sum"), np.zeros((3, 1)))
    'sum_squared_residuals'
    """
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    name = getattr(loss, "name", getattr(loss, "__name__", "loss"))
    # Keras's mean is over the last axis, which has one number here
    single = getattr(loss, "reduction", None) == "sum" and prediction.shape[1:] == (1,)
    return "sum_squared_residuals" if name == "mean_squared_error" and single else name


def loss_of(loss: Any, given: tuple[Any, ...], value: Any, backend: Backend) -> Loss | None:
    """Return what a loss computed; None where it does not compare one prediction with one target.

    Parameters
    ----------
    loss
        An object with ``call(y_true, y_pred)``, or a function.
    given
        Target, prediction and perhaps the samples' weights.
    value
        The number of the whole batch.
    backend
        Makes arrays of tensors.
    """
    if len(given) < 2 or any(isinstance(part, (dict, list, tuple)) for part in given[:2]):
        return None
    target, prediction = (keras.ops.convert_to_tensor(part) for part in given[:2])
    if not (backend.concrete(target) and backend.concrete(prediction)):
        return None
    arrays = backend.numbers(prediction), backend.numbers(target)
    samples = _samples(loss, target, prediction, backend)
    if len(given) > 2 and given[2] is not None:
        weights = backend.numbers(keras.ops.convert_to_tensor(given[2])).reshape(len(samples), -1).mean(1)
        samples = (samples * weights).astype(samples.dtype)
    return Loss(loss_name(loss, arrays[0]), *arrays, float(backend.numbers(value)), samples)


def _samples(loss: Any, target: Any, prediction: Any, backend: Backend) -> NDArray[Any]:
    """Return the loss of each sample, of shape (batch,)."""
    compare = loss.call if isinstance(loss, keras.losses.Loss) else loss
    target = keras.ops.cast(target, prediction.dtype)
    losses = np.array(backend.numbers(compare(target, prediction)))
    axes = tuple(range(1, losses.ndim))
    return losses.sum(axes) if getattr(loss, "reduction", None) == "sum" else losses.mean(axes)
