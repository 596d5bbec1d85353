"""A Keras model's layers as the layers of a trace: nodes, names, parameters, description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from vizkit.adapters._axes import Axes, to_last
from vizkit.adapters._layers import KnownLayer, KnownLayers
from vizkit.trace import LayerDescription, ModelDescription, Node

__all__ = ["KerasLayer", "KerasLayers"]

_NARROW = ("float16", "bfloat16")
_PARTS = {"query": "HeadSplit", "key": "HeadSplit", "value": "HeadSplit", "attention_output": "HeadMerge"}


@dataclass(eq=False, kw_only=True)
class KerasLayer(KnownLayer):
    """One layer, and what a trace says of it.

    Parameters
    ----------
    layer
        The layer.
    whole
        Whether what is inside is left alone: the cell of a recurrent layer runs once for each time.
    """

    layer: Any
    whole: bool = False

    def axes(self, ndim: int) -> Axes:
        """Return the order in which a trace holds the axes of its inputs and outputs."""
        first = getattr(self.layer, "data_format", None) == "channels_first"
        return to_last(ndim, ndim - 2) if first else None

    @property
    def own(self) -> dict[str, Any]:
        """The layer's variables by name, without those of the layers inside it."""
        inner = set() if self.whole else {id(v) for layer in sublayers(self.layer) for v in layer.weights}
        found: dict[str, Any] = {}
        for variable in self.layer.weights:
            if id(variable) not in inner:
                taken = sum(name.partition("#")[0] == variable.name for name in found)
                found[f"{variable.name}#{taken}" if taken else variable.name] = variable
        return found

    def describe(self) -> LayerDescription:
        """Return what a trace says of the layer."""
        shapes = {name: tuple(variable.shape) for name, variable in self.own.items()}
        return LayerDescription(self.node, _config(self.layer), self.input_shape, self.output_shape, shapes)


class KerasLayers(KnownLayers[KerasLayer]):
    """All layers of a model that a trace knows.

    The model itself is none, unless it has weights of its own. A single layer can be recorded as well.

    Parameters
    ----------
    model
        The model.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self._layers[id(model)] = KerasLayer(layer=model, node=None)
        self.find()

    def find(self) -> list[KerasLayer]:
        """Number the layers that are new, outer ones first: a layer may make others when it is built."""
        known = set(self._layers)
        outer = self._layers[id(self.model)]
        if outer.node is None and (outer.own or not isinstance(self.model, keras.Model)):
            outer.node, self.news = self._node(self.model.name, type(self.model).__name__), True
        self._enter(self.model, outer.node, "")
        return [layer for key, layer in self._layers.items() if key not in known]

    def _enter(self, outer: Any, parent: Node | None, path: str) -> None:
        for layer in sublayers(outer):
            if isinstance(layer, keras.layers.InputLayer):
                continue
            if id(layer) not in self._layers:
                kind = type(layer).__name__
                if isinstance(outer, keras.layers.MultiHeadAttention):
                    kind = _PARTS.get(layer.name, kind)
                node = self._node(f"{path}{layer.name}", kind, parent)
                self._layers[id(layer)] = KerasLayer(layer=layer, node=node, whole=isinstance(layer, keras.layers.RNN))
                self.news = True
            found = self._layers[id(layer)]
            if not found.whole and found.node is not None and layer is not self.model:
                self._enter(layer, found.node, f"{found.node.name}/")

    def describe(self) -> ModelDescription:
        """Return what is known of the model."""
        dtype = next((str(variable.dtype) for variable in self.model.weights), "float32")
        return self._described(self.model.name, "keras", "float32" if dtype in _NARROW else dtype)


def sublayers(layer: Any) -> list[Any]:
    """Return the layers directly inside a layer or model, in their order."""
    if isinstance(layer, keras.Model):
        return list(layer.layers)
    return layer._flatten_layers(include_self=False, recursive=False)


def _config(layer: Any) -> dict[str, Any]:
    """Return what a layer was made with; a custom layer that does not say it has its own settings alone."""
    try:
        config = layer.get_config()
    except NotImplementedError:
        plain = (bool, int, float, str, tuple)
        config = {key: value for key, value in vars(layer).items() if key[0] != "_" and isinstance(value, plain)}
    return {key: value for key, value in config.items() if key not in ("name", "layers", "build_config")}
