"""vizkit: `train_on_batch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peers.programs import compiled
from peers.workloads import Workload
from vizkit import nn

KINDS = ("mlp", "cnn", "lstm", "dosage")


def step(workload: Workload) -> Callable[[Any, Any], float]:
    """Return a function that trains on a batch and returns the loss before it."""
    return compiled(nn, workload).train_on_batch
