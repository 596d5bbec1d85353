"""How many bytes one recorded step takes, from a model's description alone."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from vizkit.errors import NotBuiltError
from vizkit.trace.events import LayerDescription, ModelDescription, Shape
from vizkit.trace.statistics import NUMBERS

if TYPE_CHECKING:
    from vizkit.trace.keep import Keep

__all__ = ["step_bytes"]


def step_bytes(model: ModelDescription, keep: Keep, batch: int, parameters: bool = True) -> int:
    """Return the bytes of one step's arrays, of shape (batch, ...), when `batch` samples are kept.

    `parameters` says whether it is a step at which parameters are kept. Every input and parameter is counted
    with a gradient; a source that leaves some out takes less.
    """
    if any(not shape or None in shape[1:] for layer in model.layers for shape in _shapes(layer)):
        raise NotBuiltError(f"The shapes of the model {model.name!r} are not known yet; build it first.")
    size = np.dtype(model.dtype).itemsize
    total = 8 * keep.kind("loss")  # the loss's value
    for layer in model.layers:
        if keep.layer(layer.node.name):
            kept = _kept_shapes(layer, keep, parameters)
            total += sum(_array_bytes(shape, keep, batch, size) for shape in kept)
            rates = len(layer.parameters) * keep.kind("update") * (parameters and not keep.statistics)
            total += 8 * rates  # the learning rates
    if keep.kind("loss") and model.layers:
        output = _length(model.layers[-1].output_shape, batch)
        total += (2 * output + batch) * size  # prediction, target, samples
    return total


def _kept_shapes(layer: LayerDescription, keep: Keep, parameters: bool) -> list[Shape]:
    """The shape of each array of a layer that is kept at a step."""
    owned = list(layer.parameters.values()) if parameters else []
    passing = [*_shapes(layer), *owned]
    return (
        passing * (keep.kind("forward") + keep.kind("backward"))  # the gradients have the shapes of what they are of
        + owned * (3 * keep.kind("update"))
    )


def _array_bytes(shape: Shape, keep: Keep, batch: int, size: int) -> int:
    if keep.statistics:
        return 8 * (len(shape) + NUMBERS)
    return _length(shape, batch) * size


def _input_shapes(layer: LayerDescription) -> tuple[Shape, ...]:
    """The shape of each input: a layer with several has a tuple of shapes."""
    several = layer.input_shape and isinstance(layer.input_shape[0], (tuple, list))
    return tuple(layer.input_shape) if several else (layer.input_shape,)


def _shapes(layer: LayerDescription) -> tuple[Shape, ...]:
    return (*_input_shapes(layer), layer.output_shape)


def _length(shape: Shape, batch: int) -> int:
    return prod(batch if size is None else size for size in shape)
