"""What an optimizer makes of a model's parameters: hooks around the step of every optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from vizkit.adapters._steps import Steps
from vizkit.adapters.torch.layers import Layer, Layers
from vizkit.adapters.torch.parameters import Parameter
from vizkit.adapters.torch.tensors import array
from vizkit.trace import Recorder

__all__ = ["Updates"]


@dataclass(eq=False)
class _Change:
    """One parameter before a step."""

    layer: Layer
    parameter: Parameter
    before: Any
    gradient: Any
    rate: float


class Updates:
    """Tells each parameter's update, whichever optimizer makes it.

    Parameters
    ----------
    layers
        The model's layers; parameters of other models are left alone.
    steps
        Says which step it is.
    recorder
        Who listens.
    """

    def __init__(self, layers: Layers, steps: Steps, recorder: Recorder) -> None:
        self._layers, self._steps, self._recorder = layers, steps, recorder
        self._changes: list[_Change] = []
        self._told: list[dict[str, Any]] = []

    def hooks(self) -> list[Any]:
        """Hook the steps of all optimizers, and return the handles."""
        return [register_optimizer_step_pre_hook(self._before), register_optimizer_step_post_hook(self._after)]

    def _before(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._changes = []
        rates = {id(p): float(group["lr"]) for group in optimizer.param_groups for p in group["params"]}
        found = [
            (layer, parameter, next(id(t) for t in parameter.tensors(layer.module) if id(t) in rates))
            for layer in self._layers.all()
            for parameter in layer.own
            if any(id(tensor) in rates for tensor in parameter.tensors(layer.module))
        ]
        if not found:
            return
        self._steps.backward()
        self._describe(optimizer)
        step = self._steps.updated()
        for layer, parameter, key in found:
            if not self._recorder.wants("update", layer.node, step.number):
                continue
            gradient = _gradient(layer, parameter)
            if gradient is None and not args and not kwargs:  # with a closure the gradients are yet to come
                continue
            value = parameter.value(layer.module).copy()
            self._changes.append(_Change(layer, parameter, value, gradient, rates[key]))

    def _after(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        changes, self._changes = self._changes, []
        if not changes:
            return
        self._steps.backward()
        step = self._steps.updated()
        for change in changes:
            layer, parameter = change.layer, change.parameter
            gradient = _gradient(layer, parameter) if args or kwargs else change.gradient
            if gradient is not None:
                after = parameter.value(layer.module)
                arrays = (change.before, after, gradient)
                self._recorder.update(step.number, layer.node, parameter.name, *arrays, change.rate)

    def _describe(self, optimizer: Optimizer) -> None:
        settings = {
            key: value for key, value in optimizer.defaults.items() if isinstance(value, (bool, int, float, str))
        }
        rate = float(optimizer.defaults.get("lr", 0.0))
        told = {"name": type(optimizer).__name__, "learning_rate": rate} | settings
        told.pop("lr", None)
        if self._layers.optimizer is None:
            self._layers.optimizer = told
            self._recorder.describe(self._layers.describe())


def _gradient(layer: Layer, parameter: Parameter) -> Any:
    """Return the gradient that the optimizer will use, copied, or None."""
    tensors = parameter.tensors(layer.module)
    gradients = {id(t): array(t.grad).copy() for t in tensors if isinstance(t, torch.Tensor) and t.grad is not None}
    return parameter.gradient(layer.module, gradients)
