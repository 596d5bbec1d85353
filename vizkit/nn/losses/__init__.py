"""Losses: how wrong a prediction is, in plain NumPy.

A function gives the loss of each sample; a `Loss` also says how the samples become the one number that
training makes smaller. Names, defaults and conventions are Keras's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vizkit.nn.losses.base import Loss
from vizkit.nn.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Hinge,
    KLDivergence,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    hinge,
    kl_divergence,
    sparse_categorical_crossentropy,
)
from vizkit.nn.losses.regression import (
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    SumSquaredResiduals,
    huber,
    mean_absolute_error,
    mean_squared_error,
    sum_squared_residuals,
)
from vizkit.nn.names import by_name, lookup

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "Hinge", "Huber", "KLDivergence", "Loss", "MeanAbsoluteError",
    "MeanSquaredError", "SparseCategoricalCrossentropy", "SumSquaredResiduals", "binary_crossentropy",
    "categorical_crossentropy", "config", "get", "hinge", "huber", "kl_divergence", "mean_absolute_error",
    "mean_squared_error", "sparse_categorical_crossentropy", "sum_squared_residuals",
]  # fmt: skip

_NAMES = by_name(
    BinaryCrossentropy, CategoricalCrossentropy, Hinge, Huber, KLDivergence, MeanAbsoluteError,
    MeanSquaredError, SparseCategoricalCrossentropy, SumSquaredResiduals,
    mae=MeanAbsoluteError, mse=MeanSquaredError, ssr=SumSquaredResiduals,
)  # fmt: skip


def get(identifier: Any) -> Loss:
    """Return a loss by its name or its `config`, or make one of a function ``(y_true, y_pred) -> losses``.

    Raises
    ------
    UnknownNameError
        When no loss has this name.

    Examples
    --------
    >>> get("mse").name
    'mean_squared_error'
    """
    if isinstance(identifier, Mapping):
        settings = dict(identifier)
        return lookup("loss", settings.pop("function"), _NAMES)(**settings)
    found = lookup("loss", identifier, _NAMES)
    if isinstance(found, Loss):
        return found
    if isinstance(found, type):
        return found()
    named = _NAMES.get(getattr(found, "__name__", ""))
    ours = named() if named else None
    return ours if ours is not None and ours.function is found else Loss(found)


def config(loss: Loss) -> dict[str, Any] | None:
    """Return what `get` makes the same loss of; ``None`` for a loss of one's own.

    Examples
    --------
    >>> get(config(Huber(2.0))).options
    {'delta': 2.0}
    """
    name = getattr(loss.function, "__name__", "")
    if type(loss) is not _NAMES.get(name):
        return None
    return {"function": name, "reduction": loss.reduction, "name": loss.name, **loss.options}
