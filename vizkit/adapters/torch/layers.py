"""A model's modules as the layers of a trace: nodes, names, parameters, description."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from vizkit.adapters.torch.kinds import config_of, kind_of
from vizkit.adapters.torch.losses import LOSSES
from vizkit.adapters.torch.parameters import Parameter, parameters_of
from vizkit.adapters.torch.tensors import NARROW, Layouts
from vizkit.trace import LayerDescription, ModelDescription, Node

__all__ = ["Layer", "Layers"]

_WHOLE = (nn.MultiheadAttention,)  # what is inside does not run by itself
_HOLDERS = (nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)  # never called


@dataclass(eq=False)
class Layer:
    """One module, and what a trace says of it.

    Parameters
    ----------
    module
        The module.
    node
        Its node; None for the model itself.
    own
        Its parameters.
    overwrites
        Whether it, or a module inside it, writes its output over its input.
    input_shape, output_shape
        As they were in the last call.
    order
        At which call it came first, -1 before.
    """

    module: nn.Module
    node: Node | None
    own: tuple[Parameter, ...] = ()
    overwrites: bool = False
    input_shape: tuple[Any, ...] = ()
    output_shape: tuple[Any, ...] = ()
    order: int = -1

    def early(self) -> dict[str, Any]:
        """Return copies of what the module itself changes while it runs, such as a moving mean."""
        names = {name for name, _ in self.module.named_buffers(recurse=False)}
        return {p.name: p.value(self.module).copy() for p in self.own if names.intersection(p.sources)} if names else {}

    def describe(self) -> LayerDescription:
        """Return what a trace says of the layer."""
        config, narrow = config_of(self.module), {str(p.dtype) for p in self.module.parameters() if p.dtype in NARROW}
        if narrow:
            config["dtype"] = ", ".join(sorted(narrow)).replace("torch.", "")
        shapes = {parameter.name: tuple(parameter.value(self.module).shape) for parameter in self.own}
        return LayerDescription(self.node, config, self.input_shape, self.output_shape, shapes)


@dataclass
class Layers:
    """All modules of a model that a trace knows.

    The model itself is no layer, unless it has parameters of its own or nothing inside it. Modules get a name
    from their place, such as ``"encoder/layers/0/linear1"``; a module at two places has that of the first.

    Parameters
    ----------
    model
        The model.
    """

    model: nn.Module
    news: bool = False  # whether the description has changed since it was told
    ran: int = 0  # how many layers were called so far
    optimizer: dict[str, Any] | None = None
    _layers: dict[int, Layer] = field(default_factory=dict)
    _nodes: dict[int, Layer] = field(default_factory=dict)
    _losses: dict[str, Node] = field(default_factory=dict)
    _loss: str | None = None

    def __post_init__(self) -> None:
        self.layouts = Layouts(self.model)
        self.overwrites = _overwrites(self.model)  # whether any module writes its output over its input
        whole = isinstance(self.model, _WHOLE)
        alone = whole or not any(True for _ in self.model.children())
        if alone or parameters_of(self.model):
            outer = self._add(self.model, type(self.model).__name__.lower(), None)
        else:
            outer, self._layers[id(self.model)] = None, Layer(self.model, None)
        if not whole:
            self._enter(self.model, outer, "")

    def _enter(self, module: nn.Module, parent: Node | None, name: str) -> None:
        """Number the modules inside one, outer ones first."""
        for key, child in module.named_children():
            path = f"{name}/{key}" if name else key
            if id(child) in self._layers or isinstance(child, LOSSES):
                continue
            inner = parent if isinstance(child, _HOLDERS) else self._add(child, path, parent)
            if not isinstance(child, _WHOLE):
                self._enter(child, inner, path)

    def _add(self, module: nn.Module, name: str, parent: Node | None) -> Node:
        node = Node(len(self._nodes), name, kind_of(module), "layer", None if parent is None else parent.index)
        layer = Layer(module, node, parameters_of(module), _overwrites(module))
        self._layers[id(module)] = self._nodes[node.index] = layer
        return node

    def modules(self) -> list[nn.Module]:
        """Return the modules that are hooked: the model, and its layers."""
        return [layer.module for layer in self._layers.values()]

    def of(self, module: nn.Module) -> Layer:
        """Return the layer of a module."""
        return self._layers[id(module)]

    def at(self, node: Node) -> Layer:
        """Return the layer of a node."""
        return self._nodes[node.index]

    def all(self) -> Iterable[Layer]:
        """Return the layers that are nodes."""
        return self._nodes.values()

    def called(self, layer: Layer, inputs: list[tuple[Any, ...]], output: tuple[Any, ...]) -> None:
        """Take note of the shapes of a call."""
        if layer.order < 0:
            layer.order, self.ran = self.ran, self.ran + 1
            layer.own = parameters_of(layer.module)  # a lazy module has them only now
            layer.input_shape, layer.output_shape = inputs[0] if len(inputs) == 1 else tuple(inputs), output
            self.news = True

    def loss(self, name: str) -> Node:
        """Return the loss's node."""
        if self._loss is None:
            self._loss, self.news = name, True
        if name not in self._losses:
            self._losses[name] = Node(len(self._nodes) + len(self._losses), "loss", name)
        return self._losses[name]

    def describe(self) -> ModelDescription:
        """Return what is known of the model: its layers in the order of their calls, then those that never ran."""
        self.news = False
        layers = sorted(self.all(), key=lambda layer: (layer.order < 0, layer.order))
        dtype = next((p.dtype for p in self.model.parameters() if p.is_floating_point()), None)
        return ModelDescription(
            type(self.model).__name__,
            tuple(layer.describe() for layer in layers),
            self._loss,
            self.optimizer,
            "torch",
            "float32" if dtype is None or dtype in NARROW else str(dtype).removeprefix("torch."),
        )


def _overwrites(module: nn.Module) -> bool:
    return any(getattr(inner, "inplace", False) is True for inner in module.modules())
