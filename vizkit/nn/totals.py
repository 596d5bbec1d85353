"""Loss and metrics over several batches."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from vizkit.autodiff import plain
from vizkit.nn.feeding import Samples
from vizkit.nn.losses import Loss
from vizkit.nn.metrics import Metric

__all__ = ["Totals"]


class Totals:
    """Loss and metrics over several batches.

    Parameters
    ----------
    loss
        Says whether the batches' losses are averaged or summed.
    metrics
        What is measured beside; copies of them are used, so that totals may be taken within others.
    """

    def __init__(self, loss: Loss, metrics: Sequence[Metric]) -> None:
        self.summed = loss.reduction == "sum"
        self.metrics = [copy.deepcopy(metric) for metric in metrics]
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.count, self.loss = 0, 0.0
        for metric in self.metrics:
            metric.reset_state()

    def add(self, value: float, batch: Samples, prediction: Any) -> None:
        """Take in the loss and the predictions, of shape (batch, ...), of one batch."""
        count = len(batch)
        self.count += count
        self.loss += value if self.summed else value * count
        if self.metrics:  # which may keep what they are given, while the next step writes over it
            target, prediction = np.array(batch.y), np.array(plain(prediction))
            for metric in self.metrics:
                metric.update_state(target, prediction)

    def result(self) -> dict[str, float]:
        """Return the loss and the metrics so far by name."""
        loss = self.loss / (1 if self.summed else self.count)
        return {"loss": loss} | {metric.name: float(metric.result()) for metric in self.metrics}
