"""What a layer may be made with, and what is said of one that was made or called with what it cannot take."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, NotBuiltError, ShapeError, UnknownNameError
from vizkit.nn import activations, initializers, regularizers

__all__ = ["called", "check_names", "explain", "floating", "unknown_option"]

_CHOICES = {"activation": activations, "_initializer": initializers, "_regularizer": regularizers}


def called(layer: Any) -> str:
    """Return how an error speaks of a layer.

    Examples
    --------
    >>> from vizkit.nn.layers import Flatten
    >>> called(Flatten(name="flat"))
    "The layer 'flat' (Flatten)"
    """
    return f"The layer {layer.name!r} ({type(layer).__name__})"


def check_names(cls: type, args: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Refuse the name of an activation, initializer or regularizer that does not exist, before a layer is made with it.

    In a class of one's own the options may mean what they like.

    Raises
    ------
    UnknownNameError
        When there is one among them.
    """
    if not cls.__module__.startswith("vizkit."):
        return
    places = [name for name in inspect.signature(cls.__init__).parameters if name != "self"]
    for option, value in {**dict(zip(places, args, strict=False)), **options}.items():
        for ending, choices in _CHOICES.items():
            if option.endswith(ending) and isinstance(value, str):
                _check(choices, value, f"{cls.__name__} ({options.get('name') or 'no name'}): {option}")


def _check(choices: Any, name: str, where: str) -> None:
    try:
        choices.get(name)
    except UnknownNameError as error:
        raise UnknownNameError(f"{where} cannot be {name!r}. {error}") from None


def unknown_option(cls: type, given: str) -> ArgumentError:
    """Return the error for an option that a layer does not have, with all that it has.

    Examples
    --------
    >>> from vizkit.nn.layers import Flatten
    >>> str(unknown_option(Flatten, "nam"))
    "Flatten has no option 'nam'. Did you mean 'name'? Its options are: dtype, input_dim, input_shape, name, trainable."
    """
    known = {"input_dim"}  # not a parameter of `Layer`, because an embedding has one that means something else
    for base in cls.__mro__[:-1]:
        kinds = inspect.signature(base.__init__).parameters.values()
        known |= {p.name for p in kinds if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) and p.name != "self"}
    near = difflib.get_close_matches(given, sorted(known), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ArgumentError(f"{cls.__name__} has no option {given!r}.{hint} Its options are: {', '.join(sorted(known))}.")


def explain(layer: Any, error: Exception, shape: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise in place of an error in a layer's ``call`` one that says more, where there is more to say.

    Parameters
    ----------
    layer
        Which layer it was.
    error
        What NumPy or Python raised.
    shape
        That of the input, or several.
    args, kwargs
        What the layer was called with beside.

    Raises
    ------
    ShapeError
        When NumPy could not compute with the shapes.
    NotBuiltError
        When ``call`` uses a weight that ``build`` has not made.
    ArgumentError
        When ``call`` takes other arguments.
    """
    who = called(layer)
    shapes = [weight.shape for weight in layer.own_weights]
    if isinstance(error, ValueError):
        told = f"{who} cannot take an input of shape {shape} with weights of shape {shapes}: {error}"
        raise ShapeError(told) from error
    if isinstance(error, AttributeError) and error.obj is layer:
        told = f"{who} uses self.{error.name} for an input of shape {shape}, but neither its __init__ nor its build "
        raise NotBuiltError(f"{told}has made that. Its weights have the shapes {shapes}.") from error
    signature = inspect.signature(layer.call)
    try:
        signature.bind(None, *args, **kwargs)
    except TypeError as mismatch:
        told = f"{who} is called with {', '.join(signature.parameters)}: {mismatch}."
        raise ArgumentError(told) from error


def floating(dtype: Any) -> np.dtype:
    """Return the type of a layer's weights.

    Raises
    ------
    ArgumentError
        When it is neither float32 nor float64.

    Examples
    --------
    >>> floating("float32")
    dtype('float32')
    """
    allowed = ("float32", "float64")
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found is None or found.name not in allowed:
        raise ArgumentError(f"A layer's dtype is one of {', '.join(allowed)}; {dtype!r} was given.")
    return found
