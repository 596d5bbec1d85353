"""Keras on TensorFlow: `train_on_batch`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"  # before Keras is imported

import keras

from peers.programs import compiled
from peers.workloads import Workload

KINDS = ("mlp", "cnn", "lstm", "dosage")


def step(workload: Workload) -> Callable[[Any, Any], float]:
    """Return a function that trains on a batch and returns the loss before it."""
    model = compiled(keras, workload)

    def train(x: Any, y: Any) -> float:
        model.reset_metrics()  # otherwise the mean of all losses so far comes back
        return float(model.train_on_batch(x, y))

    return train
