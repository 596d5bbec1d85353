"""A model's modules as the layers of a trace: nodes, names, parameters, description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from vizkit.adapters._layers import KnownLayer, KnownLayers
from vizkit.adapters.torch.kinds import config_of, kind_of
from vizkit.adapters.torch.losses import LOSSES
from vizkit.adapters.torch.parameters import Parameter, parameters_of
from vizkit.adapters.torch.tensors import NARROW, Layouts
from vizkit.trace import LayerDescription, ModelDescription, Node

__all__ = ["Layer", "Layers"]

_WHOLE = (nn.MultiheadAttention,)  # what is inside does not run by itself
_HOLDERS = (nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)  # never called


@dataclass(eq=False, kw_only=True)
class Layer(KnownLayer):
    """One module, and what a trace says of it.

    Parameters
    ----------
    module
        The module.
    own
        Its parameters.
    overwrites
        Whether it, or a module inside it, writes its output over its input.
    """

    module: nn.Module
    own: tuple[Parameter, ...] = ()
    overwrites: bool = False

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


class Layers(KnownLayers[Layer]):
    """All modules of a model that a trace knows.

    The model itself is no layer, unless it has parameters of its own or nothing inside it. Modules get a name
    from their place, such as ``"encoder/layers/0/linear1"``; a module at two places has that of the first.

    Parameters
    ----------
    model
        The model.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.layouts = Layouts(model)
        self.overwrites = _overwrites(model)  # whether any module writes its output over its input
        whole = isinstance(model, _WHOLE)
        alone = whole or not any(True for _ in model.children())
        if alone or parameters_of(model):
            outer = self._add(model, type(model).__name__.lower(), None)
        else:
            outer, self._layers[id(model)] = None, Layer(module=model, node=None)
        if not whole:
            self._enter(model, outer, "")

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
        node = self._node(name, kind_of(module), parent)
        self._layers[id(module)] = Layer(
            module=module, node=node, own=parameters_of(module), overwrites=_overwrites(module)
        )
        return node

    def of(self, module: nn.Module) -> Layer:
        """Return the layer of a module."""
        return self._layers[id(module)]

    def called(self, layer: Layer, inputs: list[tuple[Any, ...]], output: tuple[Any, ...]) -> None:
        """Take note of the shapes of a layer's first call."""
        if layer.order < 0:
            layer.own = parameters_of(layer.module)  # a lazy module has them only now
        super().called(layer, inputs, output)

    def describe(self) -> ModelDescription:
        """Return what is known of the model."""
        dtype = next((p.dtype for p in self.model.parameters() if p.is_floating_point()), None)
        plain = "float32" if dtype is None or dtype in NARROW else str(dtype).removeprefix("torch.")
        return self._described(type(self.model).__name__, "torch", plain)


def _overwrites(module: nn.Module) -> bool:
    return any(getattr(inner, "inplace", False) is True for inner in module.modules())
