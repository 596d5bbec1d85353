"""Adam for the peers that have no optimizers: one step over a list of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from peers.workloads import EPSILON, LEARNING_RATE

__all__ = ["adam"]

BETA_1, BETA_2 = 0.9, 0.999


def adam(weights: Sequence[Any], gradients: Sequence[Any], state: Any) -> tuple[list[Any], Any]:
    """Return the next weights and state; the state is ``(steps so far, first moments, second moments)``."""
    count, firsts, seconds = state
    count = count + 1
    firsts = [BETA_1 * m + (1 - BETA_1) * g for m, g in zip(firsts, gradients, strict=True)]
    seconds = [BETA_2 * v + (1 - BETA_2) * g * g for v, g in zip(seconds, gradients, strict=True)]
    rate = LEARNING_RATE * (1 - BETA_2**count) ** 0.5 / (1 - BETA_1**count)
    moved = [w - rate * m / (v**0.5 + EPSILON) for w, m, v in zip(weights, firsts, seconds, strict=True)]
    return moved, (count, firsts, seconds)
