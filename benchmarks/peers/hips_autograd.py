"""HIPS autograd: derivatives of plain NumPy code, a training step written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as np
from autograd import value_and_grad

from peers.adam import adam
from peers.workloads import DOSAGE_RATE, Workload

KINDS = ("mlp", "dosage")  # it has no convolution of several channels


def step(workload: Workload) -> Callable[[Any, Any], float]:
    """Return a function that trains on a batch and returns the loss before it."""
    loss_and_gradients = value_and_grad(_classes_loss if workload.kind == "mlp" else _residuals)
    weights: Any = workload.weights()
    state: Any = (0, [0 * w for w in weights], [0 * w for w in weights])

    def train(x: Any, y: Any) -> float:
        nonlocal weights, state
        loss, gradients = loss_and_gradients(weights, x, y)
        if workload.kind == "mlp":
            weights, state = adam(weights, gradients, state)
        else:
            weights = [w - DOSAGE_RATE * g for w, g in zip(weights, gradients, strict=True)]
        return float(loss)

    return train


def _classes_loss(weights: Any, x: Any, y: Any) -> Any:
    *hidden, kernel, bias = weights
    for at in range(0, len(hidden), 2):
        x = np.maximum(np.dot(x, hidden[at]) + hidden[at + 1], 0)
    scores = np.dot(x, kernel) + bias
    scores = scores - np.max(scores, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(scores), axis=1)) - scores[np.arange(len(y)), y])


def _residuals(weights: Any, x: Any, y: Any) -> Any:
    kernel, bias, out, out_bias = weights
    hidden = np.logaddexp(np.dot(x, kernel) + bias, 0)
    return np.sum((np.dot(hidden, out) + out_bias - y) ** 2)
