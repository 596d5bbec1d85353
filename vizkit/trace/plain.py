"""A model's description in values that every reader of JSON understands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from vizkit.trace.events import LayerDescription, ModelDescription

__all__ = ["DEPTH", "plain_model", "plain_value"]

DEPTH = 32  # settings are nested at most this deep


def plain_model(model: ModelDescription) -> ModelDescription:
    """Return the description with its settings as plain values, so that it is the same after save and load."""
    optimizer = None if model.optimizer is None else plain_value(model.optimizer)
    return replace(model, layers=tuple(map(_plain_layer, model.layers)), optimizer=optimizer)


def plain_value(value: Any, depth: int = DEPTH) -> Any:
    """Return a setting as None, a bool, number or text, or lists and dicts of those.

    What is none of these becomes its name or its text; so do NaN and infinity, which JSON lacks, and
    what is nested more than `depth` deep.

    Examples
    --------
    >>> plain_value({"units": np.int64(2), "size": (3, 3), "activation": np.tanh, "clip": math.inf})
    {'units': 2, 'size': [3, 3], 'activation': 'tanh', 'clip': 'inf'}
    """
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, Mapping) and depth:
        return {str(key): plain_value(entry, depth - 1) for key, entry in value.items()}
    if isinstance(value, (list, tuple)) and depth:
        return [plain_value(entry, depth - 1) for entry in value]
    if value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(getattr(value, "__name__", value))


def _plain_layer(layer: LayerDescription) -> LayerDescription:
    return replace(
        layer,
        config=plain_value(layer.config),
        input_shape=_plain_shape(layer.input_shape),
        output_shape=_plain_shape(layer.output_shape),
        parameters={str(name): _plain_shape(shape) for name, shape in layer.parameters.items()},
    )


def _plain_shape(shape: Any) -> Any:
    """Lengths as tuples, also where a layer has several inputs."""
    if isinstance(shape, (tuple, list)):
        return tuple(map(_plain_shape, shape))
    return None if shape is None else int(shape)
