"""PyTorch's loss modules: their names in a trace, and the loss of each sample."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from vizkit.adapters._axes import Axes
from vizkit.adapters._steps import Loss
from vizkit.adapters.torch.tensors import array

__all__ = ["LOSSES", "loss_of", "name_of"]

LOSSES = tuple(getattr(nn.modules.loss, name) for name in nn.modules.loss.__all__)
# Those that compare a prediction with a target, for each reduction the name; None: the class's own
_NAMES: dict[type, dict[str, str]] = {
    nn.MSELoss: {"mean": "mean_squared_error", "sum": "sum_squared_residuals"},
    nn.L1Loss: {"mean": "mean_absolute_error"},
    nn.HuberLoss: {"mean": "huber"},
    nn.SmoothL1Loss: {},
    nn.BCELoss: {"mean": "binary_crossentropy"},
    nn.BCEWithLogitsLoss: {"mean": "binary_crossentropy"},
    nn.CrossEntropyLoss: {"mean": "categorical_crossentropy"},
    nn.NLLLoss: {"mean": "sparse_categorical_crossentropy"},
    nn.KLDivLoss: {"batchmean": "kl_divergence"},
    nn.PoissonNLLLoss: {"mean": "poisson"},
    nn.SoftMarginLoss: {},
    nn.HingeEmbeddingLoss: {},
    nn.MultiMarginLoss: {},
    nn.MultiLabelMarginLoss: {},
    nn.MultiLabelSoftMarginLoss: {},
}


def name_of(module: Any, given: tuple[Any, ...], value: Any) -> str | None:
    """Return what a trace calls a loss; None where it does not compare one prediction with one target.

    Parameters
    ----------
    module
        One of `LOSSES`.
    given
        What it was called with.
    value
        What it returned.
    """
    known = next((cls for cls in type(module).__mro__ if cls in _NAMES), None)
    tensors = len(given) == 2 and all(isinstance(part, Tensor) for part in given)
    if known is None or not tensors or not isinstance(value, Tensor) or value.ndim:
        return None
    name = _NAMES[known].get(module.reduction, known.__name__)
    if name == "categorical_crossentropy" and not given[1].is_floating_point():
        return f"sparse_{name}"
    return name


def loss_of(name: str, module: nn.Module, given: tuple[Tensor, Tensor], value: Tensor, axes: Axes) -> Loss:
    """Return what a loss module, called by `name`, made of a prediction and a target.

    `axes` is the order of the prediction's axes in a trace.
    """
    prediction, target = given
    number = float(value.detach())
    return Loss(
        name,
        array(prediction, axes),
        array(target, axes if target.ndim == prediction.ndim else None),
        number,
        array(_samples(module, prediction, target, number)),
    )


def _samples(module: Any, prediction: Tensor, target: Tensor, value: float) -> Tensor:
    """Return the loss of each sample, of shape (batch,), so that their mean or sum is the value."""
    single = copy.copy(module)
    single.reduction = "none"
    with torch.no_grad():
        losses = single.forward(prediction.detach(), target.detach())
        flat = losses.reshape(len(losses), -1) if losses.ndim else losses.reshape(1, 1)
        samples = flat.mean(1) if module.reduction == "mean" else flat.sum(1)
        mean = float(samples.mean())
        weighted = getattr(module, "weight", None) is not None or hasattr(module, "ignore_index")
        if module.reduction == "mean" and weighted and mean:
            samples = samples * (value / mean)  # the mean is one by weights, and over what is not ignored
    return samples
