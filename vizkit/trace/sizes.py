"""How many bytes one recorded step takes, from a model's description alone."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from vizkit.errors import ArgumentError, NotBuiltError
from vizkit.trace.events import LayerDescription, ModelDescription, Shape

if TYPE_CHECKING:
    from vizkit.trace.keep import Keep

__all__ = ["describe", "step_bytes"]


def describe(model: Any) -> ModelDescription:
    """Return a model's description, given the model or the description itself."""
    if isinstance(model, ModelDescription):
        return model
    if not callable(getattr(model, "_describe", None)):
        raise ArgumentError(f"A model of vizkit or its ModelDescription is needed, not {type(model).__name__}.")
    return model._describe()


def step_bytes(model: ModelDescription, keep: Keep, batch: int) -> int:
    """Return the bytes of one step's arrays, of shape (batch, ...), when `batch` samples are kept.

    Every input and parameter is counted with a gradient; a source that leaves some out takes less.
    """
    if any(not shape or None in shape[1:] for layer in model.layers for shape in _shapes(layer)):
        raise NotBuiltError(f"The shapes of the model {model.name!r} are not known yet; build it first.")
    total = 8 * keep.kind("loss")  # the loss's value
    for layer in model.layers:
        if keep.layer(layer.node.name):
            total += _layer_numbers(layer, keep, batch) * np.dtype(model.dtype).itemsize
            total += 8 * len(layer.parameters) * keep.kind("update")  # the learning rates
    if keep.kind("loss") and model.layers:
        output = _length(model.layers[-1].output_shape, batch)
        total += (2 * output + batch) * np.dtype(model.dtype).itemsize  # prediction, target, samples
    return total


def _layer_numbers(layer: LayerDescription, keep: Keep, batch: int) -> int:
    inputs = sum(_length(shape, batch) for shape in _input_shapes(layer))
    output = _length(layer.output_shape, batch)
    parameters = sum(prod(shape) for shape in layer.parameters.values())
    forward = inputs + output + parameters
    backward = inputs + output + parameters
    return forward * keep.kind("forward") + backward * keep.kind("backward") + 3 * parameters * keep.kind("update")


def _input_shapes(layer: LayerDescription) -> tuple[Shape, ...]:
    """The shape of each input: a layer with several has a tuple of shapes."""
    several = layer.input_shape and isinstance(layer.input_shape[0], (tuple, list))
    return tuple(layer.input_shape) if several else (layer.input_shape,)


def _shapes(layer: LayerDescription) -> tuple[Shape, ...]:
    return (*_input_shapes(layer), layer.output_shape)


def _length(shape: Shape, batch: int) -> int:
    return prod(batch if size is None else size for size in shape)
