"""A model's layers as a trace describes them: nodes, shapes, the order of their calls. Shared by the adapters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from vizkit.trace import LayerDescription, ModelDescription, Node

__all__ = ["KnownLayer", "KnownLayers"]


@dataclass(eq=False, kw_only=True)
class KnownLayer(ABC):
    """One layer, and what a trace says of it.

    Parameters
    ----------
    node
        Its node; None for the model itself, where that is no layer.
    input_shape, output_shape
        As they were in the first call.
    order
        At which call it came first, -1 before.
    """

    node: Node | None
    input_shape: tuple[Any, ...] = ()
    output_shape: tuple[Any, ...] = ()
    order: int = -1

    @abstractmethod
    def describe(self) -> LayerDescription:
        """Return what a trace says of the layer."""


Known = TypeVar("Known", bound=KnownLayer)


class KnownLayers(ABC, Generic[Known]):
    """All layers of a model that a trace knows; a layer at two places is one.

    Parameters
    ----------
    model
        The model.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.news = False  # whether the description has changed since it was told
        self.ran = 0  # how many layers were called so far
        self.optimizer: dict[str, Any] | None = None
        self._layers: dict[int, Known] = {}  # by the id of the framework's layer
        self._losses: dict[str, Node] = {}
        self._loss: str | None = None
        self._nodes = 0

    def _node(self, name: str, kind: str, parent: Node | None = None) -> Node:
        """Make the next node."""
        self._nodes += 1
        return Node(self._nodes - 1, name, kind, "layer", None if parent is None else parent.index)

    def everything(self) -> list[Known]:
        """Return the model and its layers."""
        return list(self._layers.values())

    def all(self) -> list[Known]:
        """Return the layers that are nodes."""
        return [layer for layer in self._layers.values() if layer.node is not None]

    def called(self, layer: Known, inputs: list[tuple[Any, ...]], output: tuple[Any, ...]) -> None:
        """Take note of the shapes of a layer's first call."""
        if layer.order < 0:
            layer.order, self.ran = self.ran, self.ran + 1
            layer.input_shape, layer.output_shape = inputs[0] if len(inputs) == 1 else tuple(inputs), output
            self.news = True

    def loss(self, name: str) -> Node:
        """Return the loss's node."""
        if self._loss is None:
            self._loss, self.news = name, True
        if name not in self._losses:
            self._losses[name] = self._node("loss", name)
        return self._losses[name]

    @abstractmethod
    def describe(self) -> ModelDescription:
        """Return what is known of the model."""

    def _described(self, name: str, framework: str, dtype: str) -> ModelDescription:
        """Describe the layers in the order of their calls, then those that never ran."""
        self.news = False
        layers = sorted(self.all(), key=lambda layer: (layer.order < 0, layer.order))
        told = tuple(layer.describe() for layer in layers)
        return ModelDescription(name, told, self._loss, self.optimizer, framework, dtype)
