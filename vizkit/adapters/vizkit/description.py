"""What a trace says of a model of vizkit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from vizkit.nn.layers.base import Layer
from vizkit.nn.model import Model
from vizkit.trace import LayerDescription, ModelDescription, Node

__all__ = ["describe", "nodes_of"]


def nodes_of(model: Model) -> dict[int, Node]:
    """Return the node of each layer by ``id``, outer ones first."""
    nodes: dict[int, Node] = {}
    _number(model.sublayers(), None, nodes)
    return nodes


def _number(layers: Iterable[Layer], parent: Node | None, nodes: dict[int, Node]) -> None:
    for layer in layers:
        if id(layer) not in nodes:
            name = layer.name if parent is None else f"{parent.name}/{layer.name}"
            above = None if parent is None else parent.index
            node = nodes[id(layer)] = Node(len(nodes), name, type(layer).__name__, "layer", above)
            _number(layer.sublayers(), node, nodes)


def describe(model: Model) -> ModelDescription:
    """Return what a trace says of a model: its layers, loss and optimizer, without any weights."""
    nodes = nodes_of(model)
    layers = tuple(
        LayerDescription(
            nodes[id(layer)],
            {key: _json(value) for key, value in layer.config().items()},
            _shape(layer.input_shape),
            _shape(layer.output_shape),
            {weight.name: tuple(weight.shape) for weight in layer.own_weights},
        )
        for layer in model.walk()
        if id(layer) in nodes
    )
    loss = None if model.loss is None else model.loss.name
    optimizer = None if model.optimizer is None else model.optimizer.config()
    return ModelDescription(model.name, layers, loss, optimizer, dtype=model.dtype.name)


def _shape(shape: Any) -> tuple[Any, ...]:
    return () if shape is None else tuple(shape)


def _json(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_json(part) for part in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return getattr(value, "__name__", type(value).__name__)
