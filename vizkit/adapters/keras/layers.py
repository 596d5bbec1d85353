"""A Keras model's layers as the layers of a trace: nodes, names, parameters, description."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import keras

from vizkit.trace import LayerDescription, ModelDescription, Node

__all__ = ["KerasLayer", "KerasLayers", "to_last"]

_NARROW = ("float16", "bfloat16")
_PARTS = {"query": "HeadSplit", "key": "HeadSplit", "value": "HeadSplit", "attention_output": "HeadMerge"}


@dataclass(eq=False)
class KerasLayer:
    """One layer, and what a trace says of it.

    Parameters
    ----------
    layer
        The layer.
    node
        Its node; None for the model itself.
    whole
        Whether what is inside is left alone: the cell of a recurrent layer runs once for each time.
    order
        At which call it came first, -1 before.
    """

    layer: Any
    node: Node | None
    whole: bool = False
    input_shape: tuple[Any, ...] = ()
    output_shape: tuple[Any, ...] = ()
    order: int = -1

    @property
    def channels_first(self) -> bool:
        """Whether its images have the channels before height and width."""
        return getattr(self.layer, "data_format", None) == "channels_first"

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


@dataclass
class KerasLayers:
    """All layers of a model that a trace knows; a layer at two places is one.

    The model itself is none, unless it has weights of its own. A single layer can be recorded as well.

    Parameters
    ----------
    model
        The model.
    """

    model: Any
    news: bool = False  # whether the description has changed since it was told
    optimizer: dict[str, Any] | None = None
    _layers: dict[int, KerasLayer] = field(default_factory=dict)
    _losses: dict[str, Node] = field(default_factory=dict)
    _loss: str | None = None
    _numbers: int = 0

    def __post_init__(self) -> None:
        self._layers[id(self.model)] = KerasLayer(self.model, None)
        self.find()

    def find(self) -> list[KerasLayer]:
        """Number the layers that are new, outer ones first: a layer may make others when it is built."""
        known = set(self._layers)
        outer = self._layers[id(self.model)]
        if outer.node is None and (outer.own or not isinstance(self.model, keras.Model)):
            outer.node, self.news = self._node(self.model.name, type(self.model).__name__, None), True
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
                self._layers[id(layer)] = KerasLayer(layer, node, isinstance(layer, keras.layers.RNN))
                self.news = True
            found = self._layers[id(layer)]
            if not found.whole and found.node is not None and layer is not self.model:
                self._enter(layer, found.node, f"{found.node.name}/")

    def _node(self, name: str, kind: str, parent: Node | None) -> Node:
        self._numbers += 1
        return Node(self._numbers - 1, name, kind, "layer", None if parent is None else parent.index)

    def everything(self) -> Iterable[KerasLayer]:
        """Return the model and its layers."""
        return list(self._layers.values())

    def all(self) -> list[KerasLayer]:
        """Return the layers that are nodes."""
        return [layer for layer in self._layers.values() if layer.node is not None]

    def called(self, layer: KerasLayer, inputs: list[tuple[Any, ...]], output: tuple[Any, ...]) -> None:
        """Take note of the shapes of a call."""
        if layer.order < 0:
            layer.order = sum(other.order >= 0 for other in self.all())
            layer.input_shape, layer.output_shape = inputs[0] if len(inputs) == 1 else tuple(inputs), output
            self.news = True

    def loss(self, name: str) -> Node:
        """Return the loss's node."""
        if self._loss is None:
            self._loss, self.news = name, True
        if name not in self._losses:
            self._losses[name] = self._node("loss", name, None)
        return self._losses[name]

    def describe(self) -> ModelDescription:
        """Return what is known of the model: its layers in the order of their calls, then those that never ran."""
        self.news = False
        layers = sorted(self.all(), key=lambda layer: (layer.order < 0, layer.order))
        dtype = next((str(variable.dtype) for variable in self.model.weights), "float32")
        return ModelDescription(
            self.model.name,
            tuple(layer.describe() for layer in layers),
            self._loss,
            self.optimizer,
            "keras",
            "float32" if dtype in _NARROW else dtype,
        )


def sublayers(layer: Any) -> list[Any]:
    """Return the layers directly inside a layer or model, in their order."""
    if isinstance(layer, keras.Model):
        return list(layer.layers)
    return layer._flatten_layers(include_self=False, recursive=False)


def to_last(ndim: int, channels_first: bool) -> tuple[int, ...] | None:
    """Return the order of axes that brings the channels to the end; None where they stand there.

    Examples
    --------
    >>> to_last(4, channels_first=True)
    (0, 2, 3, 1)
    """
    return (0, *range(2, ndim), 1) if channels_first and ndim > 2 else None


def _config(layer: Any) -> dict[str, Any]:
    """Return what a layer was made with; a custom layer that does not say it has its own settings alone."""
    try:
        config = layer.get_config()
    except NotImplementedError:
        plain = (bool, int, float, str, tuple)
        config = {key: value for key, value in vars(layer).items() if key[0] != "_" and isinstance(value, plain)}
    return {key: value for key, value in config.items() if key not in ("name", "layers", "build_config")}
