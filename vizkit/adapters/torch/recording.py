"""Hooks on a PyTorch model, and what they tell a recorder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.nn.utils.rnn import PackedSequence

from vizkit.adapters._axes import Axes, arrange, ordered
from vizkit.adapters._steps import NARROWED, Buffers, Call, Pulse, Steps, without_masks
from vizkit.adapters.torch.layers import Layer, Layers
from vizkit.adapters.torch.losses import LOSSES, loss_of, name_of
from vizkit.adapters.torch.tensors import NARROW, array, replaced, tensors_in
from vizkit.adapters.torch.updates import Updates
from vizkit.errors import ArgumentError
from vizkit.trace import Node, Recorder

__all__ = ["Recording", "source"]


def source(model: nn.Module) -> Recording:
    """Return what records a PyTorch model.

    Parameters
    ----------
    model
        Any module; of a compiled one, give the module that it was compiled from.

    Raises
    ------
    ArgumentError
        When its parameters are on the ``meta`` device and have no numbers, or it is compiled.
    """
    if hasattr(model, "_orig_mod"):
        raise ArgumentError("A compiled model runs without its hooks; record the module that it was compiled from.")
    if any(tensor.is_meta for tensor in model.parameters()):
        raise ArgumentError(f"The parameters of this {type(model).__name__} are on the meta device: without numbers.")
    return Recording(model)


@dataclass(eq=False)
class _Held:
    """What is kept of a call from its beginning to its end."""

    layer: Layer
    inputs: list[Tensor]
    versions: list[int]
    early: dict[str, Any] = field(default_factory=dict)  # what the module itself may change, copied before
    copies: list[Any] | None = None  # of the inputs, where the module writes its output over them
    twins: dict[int, Tensor] = field(default_factory=dict)  # by the id of an alias: the input that it stands for
    input_axes: list[Axes] = field(default_factory=list)
    output_axes: Axes = None
    shape: Any = ()  # of the first output
    dtype: Any = None


class Recording:
    """The link between one PyTorch model and one recorder.

    Parameters
    ----------
    model
        What is recorded.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._handles: list[Any] = []
        self._buffers = Buffers()
        self._watched: dict[int, Any] = {}  # by the id of a parameter: where its gradient is added up, and its layers

    # -- coming and going ---------------------------------------------------------------------------

    def _attach(self, recorder: Recorder) -> None:
        self.recorder, self.layers = recorder, Layers(self.model)
        self.steps = Steps(recorder, self.layers)
        for layer in self.layers.everything():
            self._handles += [
                layer.module.register_forward_pre_hook(self._before, with_kwargs=True),
                layer.module.register_forward_hook(self._after, with_kwargs=True),
            ]
        self._handles.append(register_module_forward_hook(self._computed))
        self._handles += Updates(self.steps).hooks()

    def _detach(self) -> None:
        try:
            if hasattr(self, "steps"):
                self.steps.finish()
        finally:
            for handle in self._handles:
                handle.remove()
            self._handles.clear()
            self._watched.clear()

    # -- forward ------------------------------------------------------------------------------------

    def _before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Begin a call, and give the module aliases of its inputs, whose gradients are its own share."""
        grad = torch.is_grad_enabled()
        if _goes_back():
            return None
        if self.steps.outside:
            if grad:
                self._watch()
            self.layers.layouts.begin(tensors_in((args, kwargs)))
        layer = self.layers.of(module)
        call = self.steps.enter(layer.node, joins=grad and module.training)
        if layer.node is None:
            return None
        given = (args, without_masks(kwargs))
        twins = self._aliases(layer, call, given) if grad and self.steps.wants("backward", layer.node) else {}
        if twins:
            args, named = given = replaced(given, lambda tensor: twins.get(id(tensor), (tensor, tensor))[1])
            kwargs = kwargs | named
        call.held = self._hold(layer, given)
        call.held.twins = {id(twin): tensor for tensor, twin in twins.values()}
        return args, kwargs

    def _aliases(self, layer: Layer, call: Call, given: Any) -> dict[int, tuple[Tensor, Tensor]]:
        """Return each input that has a gradient, and an alias of it, by the input's id, and listen to the alias.

        Where the module writes over its input an alias would see nothing, and the input itself is listened to.
        """
        twins: dict[int, tuple[Tensor, Tensor]] = {}
        for position, tensor in enumerate(_inputs(given)):
            if tensor.requires_grad and id(tensor) not in twins:
                twin = tensor if layer.overwrites else tensor.view_as(tensor)
                twins[id(tensor)] = tensor, twin
                self._listen(call, twin, call.input_gradients, position)
        return {} if layer.overwrites else twins

    def _hold(self, layer: Layer, given: Any) -> _Held:
        """Keep what is needed at the end of the call: a module may change its inputs, or its moving mean."""
        inputs = _inputs(given)
        held = _Held(layer, inputs, [_version(tensor) for tensor in inputs])
        if self.steps.wants("forward", layer.node):
            held.early = layer.early()
            held.copies = [array(tensor).copy() for tensor in inputs] if layer.overwrites else None
        return held

    def _listen(self, call: Call, tensor: Tensor, where: dict[int, Any], position: int) -> None:
        arrive = self.steps.arrive
        tensor.register_hook(lambda gradient: arrive(call, where, position, gradient.detach()))

    def _after(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        """Tell what the module made of its inputs, and listen for what comes back."""
        layer = self.layers.of(module)
        call = self.steps.innermost(layer.node)
        if call is None:  # it was called before the recording began
            return None
        self.steps.leave(call)
        outputs, node, held = _inputs(output), layer.node, call.held
        if node is not None and not outputs:
            self.recorder.missing(node, "", "It returned no tensor.")
        elif node is not None and any(isinstance(part, PackedSequence) for part in (*args, output)):
            self.recorder.missing(node, "", "It works on a packed sequence, which has no axis for the batch.")
        elif node is not None and held is not None:
            output, outputs = self._passed_on(call, output, outputs)
            axes = self.layers.layouts.axes
            held.input_axes = [axes(module, tensor, i) for i, tensor in enumerate(held.inputs)]
            held.output_axes, held.shape, held.dtype = axes(module, outputs[0], 0), outputs[0].shape, outputs[0].dtype
            self._tell(layer, call, outputs[0])
            self._hear(call, outputs)
            held.inputs, held.twins, held.copies, held.early = [], {}, None, {}
        if self.steps.outside:
            self._leave_model(call, outputs)
        return output

    def _passed_on(self, call: Call, output: Any, outputs: list[Tensor]) -> tuple[Any, list[Tensor]]:
        """Give back the input itself where a module passed on what it got, such as a dropout that drops nothing.

        In a model that writes over tensors, what is written over an alias would not be heard of. The gradients
        of input and output are then those of the one tensor that both are.
        """
        twins = call.held.twins
        if not self.layers.overwrites or not any(id(tensor) in twins for tensor in outputs):
            return output, outputs
        for position, tensor in enumerate(call.held.inputs):
            if id(tensor) in twins and any(tensor is part for part in outputs):
                self._listen(call, twins[id(tensor)], call.input_gradients, position)
        output = replaced(output, lambda tensor: twins.get(id(tensor), tensor))
        return output, _inputs(output)

    def _hear(self, call: Call, outputs: list[Tensor]) -> None:
        if self.steps.wants("backward", call.node):
            for position, tensor in enumerate(outputs):
                if tensor.requires_grad:
                    call.tell = self._tell_back
                    self._listen(call, tensor, call.output_gradients, position)

    def _leave_model(self, call: Call, outputs: list[Tensor]) -> None:
        """Remember what the model said, and whether a backward pass through it can come."""
        if outputs:
            said, axes = outputs[0].detach(), self.layers.layouts.axes(self.model, outputs[0], 0)
            call.step.prediction = lambda: array(said, axes)
            pulse = Pulse()
            call.alive = pulse.beats()
            if outputs[0].requires_grad:
                outputs[0].register_hook(pulse)
        if self.layers.news and torch.is_grad_enabled():
            self._watch()  # a lazy module has its parameters only now
        self.steps.tell_news()

    def _tell(self, layer: Layer, call: Call, output: Tensor) -> None:
        node, held = layer.node, call.held
        shapes = [arrange(tuple(t.shape), axes) for t, axes in zip(held.inputs, held.input_axes, strict=True)]
        self.layers.called(layer, shapes, arrange(tuple(output.shape), held.output_axes))
        if not self.steps.wants("forward", node):
            return
        if held.copies is None and [_version(tensor) for tensor in held.inputs] != held.versions:
            reason = "It changed its inputs in place; without an attribute inplace=True nobody knew beforehand."
            self.recorder.missing(node, "forward", reason)
            return
        if any(tensor.dtype in NARROW for tensor in (*held.inputs, output)):
            self.recorder.missing(node, "", NARROWED)
        arrays = [array(tensor) for tensor in held.inputs] if held.copies is None else held.copies
        inputs = [ordered(numbers, axes) for numbers, axes in zip(arrays, held.input_axes, strict=True)]
        parameters = {p.name: held.early[p.name] if p.name in held.early else p.value(layer.module) for p in layer.own}
        self.recorder.forward(call.step.number, node, inputs, array(output, held.output_axes), parameters)

    # -- backward -----------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Listen for the gradient of each parameter that is trained, before PyTorch adds it to the former ones.

        The listener stands on the node that adds up, not on the parameter, so that no trace of it stays there.
        """
        for layer in self.layers.all():
            for parameter in layer.own:
                for tensor in parameter.tensors(layer.module):
                    if tensor.requires_grad:
                        self._watch_one(tensor, layer)

    def _watch_one(self, parameter: Tensor, layer: Layer) -> None:
        edge = torch.autograd.graph.get_gradient_edge(parameter)
        known = self._watched.get(id(parameter))
        if known is None or known[0].node is not edge.node:
            known = self._watched[id(parameter)] = (edge, [])
            self._handles.append(edge.node.register_prehook(self._collect(id(parameter), known[1])))
        if layer.node not in known[1]:
            known[1].append(layer.node)

    def _collect(self, key: int, owners: list[Node]) -> Callable[[Any], None]:
        """Return what takes the gradient of a parameter that these layers have."""

        def arrived(gradients: Any) -> None:
            step = self.steps.open
            if gradients[0] is None or step is None:
                return
            step.passed = True
            if any(self.steps.wants("backward", node) for node in owners):
                found, former = array(gradients[0]), step.gradients.get(key)
                # copied, since PyTorch may go on adding to it
                gradient = self._buffers.copy(key, found) if former is None else former + found
                self.steps.arrive(None, step.gradients, key, gradient)

        return arrived

    def _tell_back(self, call: Call, gradients: Any) -> None:
        node, held = call.node, call.held
        if node is None or not self.recorder.wants("backward", node, call.step.number):
            return
        first = call.output_gradients.get(0)
        if first is None:  # another output alone led to the loss: the first one's derivative is zero
            first = torch.zeros(held.shape, dtype=held.dtype)
        passed = [array(g, held.input_axes[i]) for i, g in sorted(call.input_gradients.items())]
        pairs = ((p.name, p.gradient(held.layer.module, gradients)) for p in held.layer.own)
        own = {name: gradient for name, gradient in pairs if gradient is not None}
        self.recorder.backward(call.step.number, node, array(first, held.output_axes), passed, own)

    # -- loss ---------------------------------------------------------------------------------------

    def _computed(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """Take note of a loss that a module computed for training. A hook on all modules, so it asks little first."""
        trains = isinstance(module, LOSSES) and isinstance(output, Tensor) and output.requires_grad
        if not trains or self.steps.open is None:
            return
        name = name_of(module, args, output)
        if name is None:
            reason = f"{type(module).__name__} does not compare one prediction with one target, or gives many numbers"
            self.recorder.missing("loss", "loss", f"{reason}; trace.loss(value) marks the loss.")
        elif self.steps.wants("loss", self.steps.loss_node(name)):
            axes = self.layers.layouts.axes(module, args[0], 0)
            self.steps.take_loss(loss_of(name, module, args, output, axes))

    def _loss(self, value: Any, prediction: Any = None, target: Any = None) -> None:
        """Take the number that the user marks as the loss."""
        if prediction is not None:
            is_tensor = isinstance(prediction, Tensor)
            prediction = _plain(prediction, self.layers.layouts.axes(self.model, prediction, 0) if is_tensor else None)
        target = None if target is None else _plain(target)
        self.steps.mark_loss(float(_plain(value)), prediction, target)


def _plain(value: Any, axes: Axes = None) -> Any:
    return array(value, axes) if isinstance(value, Tensor) else np.asarray(value)


def _goes_back() -> bool:
    """Say whether a backward pass is going on: a checkpoint calls its modules once more then, which is no new call.

    PyTorch has no public function for it; its own checkpoints ask in the same way.
    """
    return torch._C._current_graph_task_id() != -1


def _version(tensor: Tensor) -> int:
    return -1 if tensor.is_inference() else tensor._version


def _inputs(value: Any) -> list[Tensor]:
    """Return the tensors that a module computes with: a mask of booleans is none."""
    return [tensor for tensor in tensors_in(value) if tensor.dtype != torch.bool]
