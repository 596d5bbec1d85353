"""What an optimizer makes of a model's variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from numpy.typing import NDArray

from vizkit.adapters._steps import Steps
from vizkit.adapters.keras.backends import Backend

__all__ = ["Updates"]


class Updates:
    """Tells each variable's update, whichever optimizer makes it.

    Parameters
    ----------
    steps
        Says which step it is, who listens, and which variables are the model's; others are left alone.
    backend
        Makes arrays of tensors.
    """

    def __init__(self, steps: Steps, backend: Backend) -> None:
        self._steps, self._backend = steps, backend
        self._layers, self._recorder = steps.layers, steps.recorder

    def apply(self, run: Callable[..., Any], optimizer: Any, grads: Any, trainable_variables: Any = None) -> Any:
        """Run ``optimizer.apply``, and tell the gradients that came and what they did."""
        grads = list(grads)
        variables = optimizer._trainable_variables if trainable_variables is None else list(trainable_variables)
        given = {id(v): g for v, g in zip(variables, grads, strict=False) if g is not None}
        if scale := optimizer.loss_scale_factor:  # what the loss was multiplied by, which the optimizer takes out
            given = {key: keras.ops.divide(g, scale) for key, g in given.items()}
        owned = [(layer, name, v) for layer in self._layers.all() for name, v in layer.own.items() if id(v) in given]
        concrete = all(self._backend.concrete(v.value) for _, _, v in owned)
        if not owned or not concrete:
            return run(optimizer, grads, trainable_variables)
        self._collect(owned, given)
        if self._layers.optimizer is None:
            self._steps.tell_optimizer(type(optimizer).__name__, optimizer.get_config())
        step, rate = self._steps.updated(), float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        used = self._as_used(optimizer, given)
        told = [entry for entry in owned if self._recorder.wants("update", entry[0].node, step.number)]
        before = [self._value(v).copy() for _, _, v in told]
        result = run(optimizer, grads, trainable_variables)
        for (layer, name, v), value in zip(told, before, strict=True):
            self._recorder.update(step.number, layer.node, name, value, self._value(v), used[id(v)], rate)
        return result

    def _value(self, variable: Any) -> NDArray[Any]:
        return self._backend.numbers(variable.value)

    def _collect(self, owned: list[Any], given: dict[int, Any]) -> None:
        """Hand the gradients of the pass that is over to the layers, which tell them."""
        step = self._steps.open
        if step is not None:
            wanted = (v for layer, _, v in owned if self._recorder.wants("backward", layer.node, step.number))
            step.gradients.update({id(v): self._backend.numbers(given[id(v)]) for v in wanted})
        self._steps.backward()

    def _as_used(self, optimizer: Any, given: dict[int, Any]) -> dict[int, NDArray[Any]]:
        """Return the gradients after the optimizer's own clipping, by the id of their variable."""
        clips = any(getattr(optimizer, name, None) for name in ("clipnorm", "clipvalue", "global_clipnorm"))
        gradients = optimizer._clip_gradients(list(given.values())) if clips else given.values()
        return {key: self._backend.numbers(g) for key, g in zip(given, gradients, strict=True)}
