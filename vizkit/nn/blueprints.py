"""A model as text: the classes of its layers and what they were made with, to JSON and back."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from vizkit.errors import ArgumentError, UnknownNameError
from vizkit.nn import activations, initializers, layers, metrics, regularizers
from vizkit.nn.layers.base import Layer
from vizkit.nn.layers.options import called

if TYPE_CHECKING:
    from vizkit.nn.model import Model

__all__ = ["build", "build_metric", "decode", "describe", "describe_metric", "encode", "known", "make_weights"]


def describe(layer: Layer) -> dict[str, Any]:
    """Return what `build` makes the same layer or model of: its class, its settings, the layers in a row.

    Raises
    ------
    ArgumentError
        When an argument of its ``__init__`` is not kept as an attribute, or cannot be written.

    Examples
    --------
    >>> describe(layers.Dense(2, "relu"))["settings"]["activation"]
    {'activation': 'relu'}
    """
    row = layer.layers if type(layer).__name__ == "Sequential" else None
    settings = {} if row is not None else _settings(layer)
    return {
        "class": type(layer).__name__,
        "name": layer.name,
        "dtype": layer.dtype.name,
        "trainable": layer.trainable,
        "sample_shape": encode(layer._sample_shape),
        "settings": settings,
        "layers": None if row is None else [describe(part) for part in row],
    }


def _settings(layer: Layer) -> dict[str, Any]:
    given = layer.config()
    for name, parameter in inspect.signature(type(layer).__init__).parameters.items():
        needed = parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        if needed and name != "self" and name not in given:
            raise ArgumentError(
                f"{called(layer)} cannot be saved: it does not keep the argument {name!r} as self.{name}."
            )
    if hasattr(layer, "compile"):  # of a model's seed its random numbers have been made, which are saved
        given.pop("seed", None)
    return {name: encode(value, f"{layer.name}.{name}") for name, value in given.items()}


def build(description: Mapping[str, Any], custom: Mapping[str, Any]) -> Any:
    """Return a layer or model, without weights of shape (...) yet, from what `describe` gave.

    Raises
    ------
    UnknownNameError
        When its class is neither one of vizkit's nor among the custom ones.

    Examples
    --------
    >>> build(describe(layers.Dense(2, name="out")), {})
    <Dense 'out'>
    """
    from vizkit.nn.sequential import Sequential  # a model imports this module

    cls = known(description["class"], {**vars(layers), "Sequential": Sequential}, custom)
    if description["layers"] is not None:
        made = cls([build(part, custom) for part in description["layers"]])
    else:
        made = cls(**{name: decode(value, custom) for name, value in description["settings"].items()})
    made.name, made._auto_named = description["name"], False
    made._dtype = np.dtype(description["dtype"])
    made._sample_shape = decode(description["sample_shape"], custom)
    made._trainable = description["trainable"]
    return made


def make_weights(model: Model, input_shape: Any) -> None:
    """Make the weights of a model for inputs of this shape, or several shapes, by a run on zeros."""
    several = bool(input_shape) and isinstance(input_shape[0], (tuple, list))
    zeros = [np.zeros((1, *shape[1:]), model.dtype) for shape in (input_shape if several else [input_shape])]
    with np.errstate(all="ignore"):
        model._silently(zeros if several else zeros[0])


def known(name: str, ours: Mapping[str, Any], custom: Mapping[str, Any]) -> Any:
    """Return a class or function, of any shape, by its name.

    Raises
    ------
    UnknownNameError
        When there is none.

    Examples
    --------
    >>> known("Mine", {}, {"Mine": int})
    <class 'int'>
    """
    for names in (custom, ours):
        if name in names:
            return names[name]
    raise UnknownNameError(f"The model needs {name!r}, which is not vizkit's: pass custom_objects={{{name!r}: ...}}.")


def encode(value: Any, where: str = "") -> Any:
    """Return a setting, of any shape, as what JSON can hold.

    Raises
    ------
    ArgumentError
        When it is of a kind that cannot be written.

    Examples
    --------
    >>> encode((3, 3))
    {'tuple': [3, 3]}
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list):
        return [encode(part, where) for part in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(part, where) for part in value]}
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": value.dtype.name}
    if isinstance(value, Layer):
        return {"layer": describe(value)}
    return _encode_object(value, where)


def _encode_object(value: Any, where: str) -> dict[str, Any]:
    for kind, base in (("initializer", initializers.Initializer), ("regularizer", regularizers.Regularizer)):
        if isinstance(value, base):
            names = inspect.signature(type(value).__init__).parameters
            settings = {key: encode(part, where) for key, part in vars(value).items() if key in names}
            return {kind: type(value).__name__, "settings": settings}
    name = getattr(value, "__name__", "")
    if callable(value) and name and name != "<lambda>":
        return {"activation": name}
    raise ArgumentError(f"{where} is {value!r}, which cannot be saved.")


def decode(value: Any, custom: Mapping[str, Any]) -> Any:
    """Return the setting, of any shape, that `encode` wrote.

    Raises
    ------
    UnknownNameError
        When it is of a class or function that is not known.

    Examples
    --------
    >>> decode({"tuple": [3, 3]}, {})
    (3, 3)
    """
    if isinstance(value, list):
        return [decode(part, custom) for part in value]
    if not isinstance(value, dict):
        return value
    if "tuple" in value:
        return tuple(decode(part, custom) for part in value["tuple"])
    if "array" in value:
        return np.asarray(value["array"], value["dtype"])
    if "layer" in value:
        return build(value["layer"], custom)
    if "activation" in value:
        return known(value["activation"], {name: activations.get(name) for name in activations.names()}, custom)
    kind, module = ("initializer", initializers) if "initializer" in value else ("regularizer", regularizers)
    settings = {key: decode(part, custom) for key, part in value["settings"].items()}
    return known(value[kind], vars(module), custom)(**settings)


def describe_metric(metric: metrics.Metric) -> dict[str, Any]:
    """Return what `build_metric` makes the same metric of.

    Examples
    --------
    >>> describe_metric(metrics.get("acc"))
    {'function': 'accuracy', 'name': 'acc', 'options': {}}
    """
    function = getattr(metric, "function", None)
    name = type(metric).__name__ if function is None else function.__name__
    return {"function": name, "name": metric.name, "options": getattr(metric, "options", {})}


def build_metric(description: Mapping[str, Any], custom: Mapping[str, Any]) -> metrics.Metric:
    """Return the metric that `describe_metric` described.

    Raises
    ------
    UnknownNameError
        When its function is neither one of vizkit's nor among the custom ones.

    Examples
    --------
    >>> build_metric(describe_metric(metrics.get("acc")), {}).name
    'acc'
    """
    found = known(description["function"], vars(metrics), custom)
    if isinstance(found, type):
        return found()
    return metrics.Metric(found, description["name"], **description["options"])
