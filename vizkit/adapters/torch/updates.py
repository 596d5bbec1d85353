"""What an optimizer makes of a model's parameters: hooks around the step of every optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from vizkit.adapters._steps import Buffers, Steps
from vizkit.adapters.torch.layers import Layer
from vizkit.adapters.torch.parameters import Parameter
from vizkit.adapters.torch.tensors import array

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
    steps
        Says which step it is, who listens, and which parameters are the model's; others are left alone.
    """

    def __init__(self, steps: Steps) -> None:
        self._steps, self._layers, self._recorder = steps, steps.layers, steps.recorder
        self._changes: list[_Change] = []
        self._buffers = Buffers()
        self._known: dict[int, Any] = {}  # by the id of an optimizer: what its parameters are in the model

    def hooks(self) -> list[Any]:
        """Hook the steps of all optimizers, and return the handles."""
        return [register_optimizer_step_pre_hook(self._before), register_optimizer_step_post_hook(self._after)]

    def _before(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._changes = []
        rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
        found = self._found(optimizer, rates)
        if not found:
            return
        self._steps.backward()
        self._steps.tell_optimizer(type(optimizer).__name__, _settings(optimizer))
        step = self._steps.updated()
        for layer, parameter, key in found:
            if not self._recorder.wants("update", layer.node, step.number):
                continue
            gradient = self._gradient(layer, parameter)
            if gradient is None and not args and not kwargs:  # with a closure the gradients are yet to come
                continue
            value = self._buffers.copy((layer.node, parameter.name), parameter.value(layer.module))
            self._changes.append(_Change(layer, parameter, value, gradient, float(rates[key])))

    def _found(self, optimizer: Optimizer, rates: dict[int, Any]) -> list[tuple[Layer, Parameter, int]]:
        """Return the parameters of the model that an optimizer has, each with the id of one of its tensors."""
        known = (tuple(rates), self._layers.ran)
        if self._known.get(id(optimizer), (None,))[0] != known:
            found = []
            for layer in self._layers.all():
                for parameter in layer.own:
                    key = next((id(t) for t in parameter.tensors(layer.module) if id(t) in rates), None)
                    found += [] if key is None else [(layer, parameter, key)]
            self._known[id(optimizer)] = (known, found)
        return self._known[id(optimizer)][1]

    def _after(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        changes, self._changes = self._changes, []
        if not changes:
            return
        self._steps.backward()
        step = self._steps.updated()
        for change in changes:
            layer, parameter = change.layer, change.parameter
            gradient = self._gradient(layer, parameter) if args or kwargs else change.gradient
            if gradient is not None:
                after = parameter.value(layer.module)
                arrays = (change.before, after, gradient)
                self._recorder.update(step.number, layer.node, parameter.name, *arrays, change.rate)

    def _gradient(self, layer: Layer, parameter: Parameter) -> Any:
        """Return the gradient that the optimizer will use, copied, or None."""
        found = {}
        for place, tensor in enumerate(parameter.tensors(layer.module)):
            if isinstance(tensor, torch.Tensor) and tensor.grad is not None:
                found[id(tensor)] = self._buffers.copy((layer.node, parameter.name, place), array(tensor.grad))
        return parameter.gradient(layer.module, found)


def _settings(optimizer: Optimizer) -> dict[str, Any]:
    """Return what the optimizer was made with, its rate under Keras's name."""
    others = {key: value for key, value in optimizer.defaults.items() if key != "lr"}
    return others | {"learning_rate": float(optimizer.defaults.get("lr", 0.0))}
