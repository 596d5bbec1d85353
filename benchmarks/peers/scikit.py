"""scikit-learn's multi-layer perceptron: `partial_fit` on each batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

from peers.workloads import CLASSES, EPSILON, LEARNING_RATE, Workload

KINDS = ("mlp",)  # it has neither convolutions nor sequences, and no softplus


def step(workload: Workload) -> Callable[[Any, Any], float]:
    """Return a function that trains on a batch and returns the loss before it."""
    model = MLPClassifier(
        workload.sizes[1:-1],
        alpha=0.0,
        batch_size=workload.batch,
        learning_rate_init=LEARNING_RATE,
        epsilon=EPSILON,
        shuffle=False,
    )
    classes = np.arange(CLASSES)
    model.partial_fit(*workload.batches()[0], classes=classes)  # makes its arrays, which then get the given weights
    for own, given in zip([*model.coefs_, *model.intercepts_], _sorted(workload), strict=True):
        own[...] = given
    model._optimizer = type(model._optimizer)([*model.coefs_, *model.intercepts_], LEARNING_RATE, epsilon=EPSILON)

    def train(x: Any, y: Any) -> float:
        model.partial_fit(x, y)
        return model.loss_

    return train


def _sorted(workload: Workload) -> list[np.ndarray]:
    """Return all kernels, then all biases."""
    weights = workload.weights()
    return [*weights[::2], *weights[1::2]]
