"""Telling a recorder what a Keras model does."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import tree

from vizkit.adapters._axes import arrange, ordered
from vizkit.adapters._steps import NARROWED, Call, Loss, Pulse, Steps, without_masks
from vizkit.adapters.keras.backends import backend
from vizkit.adapters.keras.layers import KerasLayer, KerasLayers
from vizkit.adapters.keras.losses import loss_name, loss_of
from vizkit.adapters.keras.patches import Patches
from vizkit.adapters.keras.updates import Updates
from vizkit.trace import Recorder

__all__ = ["Recording", "source"]


def source(model: Any) -> Recording:
    """Return what records a Keras model.

    Parameters
    ----------
    model
        A model of any kind, or a single layer.

    Raises
    ------
    ArgumentError
        When Keras runs on another backend than TensorFlow or PyTorch.
    """
    return Recording(model)


class Recording:
    """The link between one Keras model and one recorder.

    Parameters
    ----------
    model
        What is recorded.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.backend = backend()
        self._patches = Patches()
        self._quiet = 0  # how many evaluations are going on
        self._inside_loss = 0
        self._scale = 1.0  # what half precision multiplies the loss by, so that small gradients do not vanish

    # -- coming and going ---------------------------------------------------------------------------

    def _attach(self, recorder: Recorder) -> None:
        self.recorder, self.layers = recorder, KerasLayers(self.model)
        self.steps = Steps(recorder, self.layers)
        self._patches.do(self.backend.begin, self.backend.end)
        for layer in self.layers.everything():
            self._listen(layer)
        self._patches.method(keras.losses.Loss, "__call__", self._compute)
        self._patches.method(keras.optimizers.Optimizer, "apply", Updates(self.steps, self.backend).apply)
        if isinstance(self.model, keras.Model):
            self._patches.method(self.model, "compute_loss", self._compute_loss)
            self._patches.method(self.model, "evaluate", self._evaluate)
            self._patches.method(self.model, "fit", self._fit)

    def _detach(self) -> None:
        try:
            if hasattr(self, "steps"):
                self.steps.finish()
        finally:
            self._patches.undo()

    def _listen(self, layer: KerasLayer) -> None:
        self._patches.method(layer.layer, "call", functools.partial(self._call, layer))

    # -- layers -------------------------------------------------------------------------------------

    def _call(self, layer: KerasLayer, run: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a layer's call with probes at its inputs and outputs, and tell what it did."""
        given = (args, without_masks(kwargs))
        if self._quiet or not any(map(self.backend.concrete, tree.flatten(given))):
            if not (self._quiet or self.steps.outside or layer.node is None):
                self.recorder.missing(layer.node, "", "It ran inside a compiled graph, where there are no numbers.")
            return run(*args, **kwargs)
        call = self.steps.enter(layer.node, joins=True)
        try:
            if layer.node is None:
                output = run(*args, **kwargs)
            else:
                inputs, (args, named) = self._probed(call, given, call.input_gradients)
                early = self._early(layer) if self.steps.wants("forward", layer.node) else {}
                output = run(*args, **kwargs | named)
                outputs, output = self._probed(call, output, call.output_gradients)
                self._tell(layer, call, (inputs, outputs), early)
        finally:
            self.steps.leave(call)
        return self._leave_model(layer, call, output) if self.steps.outside else output

    def _probed(self, call: Call, value: Any, where: dict[int, Any]) -> tuple[list[Any], Any]:
        """Return the tensors in a value, and the value with a probe at each; masks stay with their tensors."""
        found: list[Any] = []
        listens = self.steps.wants("backward", call.node)

        def probe(part: Any) -> Any:
            if not self.backend.concrete(part) or self.backend.dtype(part) == "bool":
                return part
            position = len(found)
            found.append(part)
            if not listens:
                return part
            return self._probe(part, lambda gradient: self.steps.arrive(call, where, position, gradient))

        return found, tree.map_structure(probe, value)

    def _probe(self, tensor: Any, arrived: Callable[[Any], None]) -> Any:
        twin = self.backend.probe(tensor, arrived)
        if twin is not tensor and (mask := getattr(tensor, "_keras_mask", None)) is not None:
            twin._keras_mask = mask
        return twin

    def _early(self, layer: KerasLayer) -> dict[str, Any]:
        """Return copies of what the layer itself may change while it runs, such as a moving mean."""
        trained = {id(variable) for variable in layer.layer.trainable_weights}
        numbers = self.backend.numbers
        return {name: numbers(v.value).copy() for name, v in layer.own.items() if id(v) not in trained}

    def _tell(self, layer: KerasLayer, call: Call, tensors: tuple[list[Any], list[Any]], early: dict[str, Any]) -> None:
        (inputs, outputs), node = tensors, layer.node
        if not outputs:
            self.recorder.missing(node, "", "It returned no tensor with numbers.")
            return
        first = outputs[0]
        self.layers.called(layer, [_shape(part, layer) for part in inputs], _shape(first, layer))
        call.tell, call.held = self._tell_back, (layer, first.shape, self.backend.dtype(first))
        if not self.steps.wants("forward", node):
            return
        if any("float16" in self.backend.dtype(part) for part in (*inputs, first)):
            self.recorder.missing(node, "", NARROWED)
        own = layer.own.items()
        parameters = {name: early[name] if name in early else self.backend.numbers(v.value) for name, v in own}
        arrays = [self._array(layer, part) for part in inputs]
        self.recorder.forward(call.step.number, node, arrays, self._array(layer, first), parameters)

    def _leave_model(self, layer: KerasLayer, call: Call, output: Any) -> Any:
        """Remember what the model said, and whether a backward pass through it can come."""
        tensors = [part for part in tree.flatten(output) if self.backend.concrete(part)]
        if tensors:
            call.step.prediction = lambda: self._array(layer, tensors[0])
            pulse = Pulse()
            call.alive = pulse.beats()
            probed = self._probe(tensors[0], pulse)
            output = tree.map_structure(lambda part: probed if part is tensors[0] else part, output)
        for new in self.layers.find():  # made while it was built: the next call tells of them
            self._listen(new)
        self.steps.tell_news()
        return output

    def _array(self, layer: KerasLayer, tensor: Any) -> Any:
        numbers = self.backend.numbers(tensor)
        return ordered(numbers, layer.axes(numbers.ndim))

    def _gradient(self, layer: KerasLayer, tensor: Any) -> Any:
        found = self._array(layer, tensor)
        return found if self._scale == 1 else found / self._scale

    def _tell_back(self, call: Call, gradients: Any) -> None:
        layer, shape, dtype = call.held
        if not self.recorder.wants("backward", call.node, call.step.number):
            return
        if 0 in call.output_gradients:
            arrived = self._gradient(layer, call.output_gradients[0])
        else:  # another output alone led to the loss: the first one's derivative is zero
            zeros = np.zeros(tuple(shape), "float32" if "float16" in dtype else dtype)
            arrived = ordered(zeros, layer.axes(zeros.ndim))
        passed = [self._gradient(layer, gradient) for _, gradient in sorted(call.input_gradients.items())]
        own = {name: gradients[id(v)] for name, v in layer.own.items() if id(v) in gradients}
        if len(own) < sum(variable.trainable for variable in layer.own.values()):
            reason = "Keras gives the gradients of parameters to an optimizer alone; none of this one came to one."
            self.recorder.missing(call.node, "parameter_gradients", reason)
        self.recorder.backward(call.step.number, call.node, arrived, passed, own)

    # -- loss and fit -------------------------------------------------------------------------------

    def _compute(self, run: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a loss, and take note of it where a loop of the user's own calls it for training."""
        value, step = run(*args, **kwargs), self.steps.open
        waits = step is not None and any(call.alive() for call in step.calls)
        if waits and not self._inside_loss and self.backend.concrete(value) and not value.ndim:
            found = loss_of(args[0], args[1:], value, self.backend)
            if found is not None:
                self.steps.take_loss(found)
        return value

    def _compute_loss(self, run: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run the compiled loss of ``fit``, and take it as the one that counts."""
        self._inside_loss += 1
        try:
            value = run(*args, **kwargs)
        finally:
            self._inside_loss -= 1
        names = ("x", "y", "y_pred", "sample_weight", "training")
        given = dict(zip(names, args, strict=False)) | kwargs
        if self.steps.open is not None and given.get("training", True) and self.backend.concrete(value):
            if self.model.optimizer is not None:
                self._scale = float(keras.ops.convert_to_numpy(self.model.optimizer.scale_loss(keras.ops.ones(()))))
            self._take_compiled(value, given)
        return value

    def _take_compiled(self, value: Any, given: dict[str, Any]) -> None:
        predictions, targets = (tree.flatten(given.get(name)) for name in ("y_pred", "y"))
        if len(predictions) != 1 or len(targets) != 1 or self.model.loss is None:
            reason = "The model compares several outputs, or computes its loss itself: the first output is held."
            self.recorder.missing("loss", "samples", reason)
            arrays = [self.backend.numbers(parts[0]) for parts in (predictions, targets)]
            name = loss_name(self.model.loss, arrays[0])
            loss = Loss(name, *arrays, float(self.backend.numbers(value)), np.zeros(0, arrays[0].dtype))
        else:
            compiled = keras.losses.get(tree.flatten(self.model.loss)[0])
            loss = loss_of(compiled, (targets[0], predictions[0], given.get("sample_weight")), value, self.backend)
        self.steps.take_loss(loss, marked=True)

    def _loss(self, value: Any, prediction: Any = None, target: Any = None) -> None:
        """Take the number that the user marks as the loss."""
        arrays = [None if part is None else self._plain(part) for part in (prediction, target)]
        self.steps.mark_loss(float(self._plain(value)), *arrays)

    def _plain(self, value: Any) -> Any:
        return self.backend.numbers(value) if self.backend.concrete(value) else np.asarray(value)

    def _evaluate(self, run: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run an evaluation, which is no part of the run that is recorded."""
        self._quiet += 1
        try:
            return run(*args, **kwargs)
        finally:
            self._quiet -= 1

    def _fit(self, run: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run ``fit`` with one more callback, which takes the numbers at the end of an epoch."""
        given = inspect.signature(run).bind_partial(*args, **kwargs)
        told, callbacks = _Ends(self.steps, self.recorder), given.arguments.get("callbacks")
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(told)
        else:
            given.arguments["callbacks"] = [*tree.flatten(callbacks or []), told]
        return run(*given.args, **given.kwargs)


class _Ends(keras.callbacks.Callback):
    """Knows when a training step or an epoch is over."""

    def __init__(self, steps: Steps, recorder: Recorder) -> None:
        super().__init__()
        self._steps, self._recorder = steps, recorder

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """End the step."""
        self._steps.close()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Take the numbers of an epoch."""
        self._recorder.epoch(epoch, {name: float(value) for name, value in (logs or {}).items()})


def _shape(tensor: Any, layer: KerasLayer) -> tuple[int | None, ...]:
    return arrange(tuple(tensor.shape), layer.axes(len(tensor.shape)))
