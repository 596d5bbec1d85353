"""The smallest model that can be recorded: one weight, one bias, gradient descent by hand.

It shows what a model must do to be recorded, and gives the examples of this package a trace.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.trace.events import LayerDescription, ModelDescription, Node
from vizkit.trace.keep import Keep
from vizkit.trace.recorder import Recorder, record
from vizkit.trace.trace import Trace

__all__ = ["TinyModel", "tiny_trace"]

_DENSE = Node(0, "dense", "Dense")
_LOSS = Node(1, "loss", "sum_squared_residuals")
_INPUTS = np.array([[1.0], [2.0]])
_TARGETS = np.array([[3.0], [5.0]])
_RATE = 1 / 16


class TinyModel:
    """y = kernel x + bias on two samples, trained by gradient descent on the sum of squared residuals.

    Examples
    --------
    >>> model = TinyModel()
    >>> model.train(steps=1)
    >>> model.parameters["bias"]
    array([0.625])
    """

    def __init__(self) -> None:
        self.parameters = {"kernel": np.array([[1.0]]), "bias": np.array([0.0])}
        self.step = 0
        self._recorder: Recorder | None = None

    def _attach(self, recorder: Recorder) -> None:
        self._recorder = recorder
        recorder.describe(self._description())

    def _detach(self) -> None:
        self._recorder = None

    def _description(self) -> ModelDescription:
        shapes = {name: value.shape for name, value in self.parameters.items()}
        dense = LayerDescription(_DENSE, {"units": 1}, (None, 1), (None, 1), shapes)
        return ModelDescription("tiny", (dense,), _LOSS.kind, {"name": "sgd", "learning_rate": _RATE}, dtype="float64")

    def train(self, steps: int) -> None:
        """Take some steps of gradient descent with the learning rate 1/16."""
        for _ in range(steps):
            self._train_step()
            self.step += 1

    def _train_step(self) -> None:
        output = _INPUTS @ self.parameters["kernel"] + self.parameters["bias"]
        residuals = output - _TARGETS
        self._tell("forward", _DENSE, (_INPUTS,), output, self.parameters)
        self._tell("loss", _LOSS, output, _TARGETS, (residuals**2).sum(), (residuals**2).sum(axis=1))
        gradient = 2 * residuals
        gradients = {"kernel": _INPUTS.T @ gradient, "bias": gradient.sum(axis=0)}
        self._tell("backward", _DENSE, gradient, (gradient @ self.parameters["kernel"].T,), gradients)
        self._update(gradients)

    def _update(self, gradients: dict[str, Any]) -> None:
        for name, gradient in gradients.items():
            before = self.parameters[name]
            self.parameters[name] = before - _RATE * gradient
            self._tell("update", _DENSE, name, before, self.parameters[name], gradient, _RATE)

    def _tell(self, kind: str, node: Node, *values: Any) -> None:
        if self._recorder is not None and self._recorder.wants(kind, node, self.step):
            getattr(self._recorder, kind)(self.step, node, *values)


def tiny_trace(steps: int = 3, keep: Keep | None = None) -> Trace:
    """Return the trace of a `TinyModel` that takes some steps.

    Examples
    --------
    >>> len(tiny_trace(steps=2).steps)
    2
    """
    model = TinyModel()
    with record(model, keep) as trace:
        model.train(steps)
    return trace
