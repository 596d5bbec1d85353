"""Optimizers: what is done with the gradients. Names, defaults and formulas are Keras's.

All weights of one type stand one behind the other in one flat array, so an optimizer is a few passes
over it in place, and costs the same for one weight array as for fifty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vizkit.errors import ArgumentError
from vizkit.nn.names import lookup
from vizkit.nn.optimizers import schedules
from vizkit.nn.optimizers.adaptive import Adagrad, Adam, AdamW, RMSprop
from vizkit.nn.optimizers.base import Optimizer
from vizkit.nn.optimizers.descent import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "get", "schedules"]

_NAMES = {kind.__name__.lower(): kind for kind in (SGD, Adagrad, Adam, AdamW, RMSprop)}


def get(identifier: Any) -> Optimizer:
    """Return an optimizer by its name or its ``config()``; one that is given is returned as it is.

    Raises
    ------
    UnknownNameError
        When no optimizer has this name.
    ArgumentError
        When it is neither a name, a config nor an optimizer.

    Examples
    --------
    >>> get("adam").name
    'Adam'
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, Mapping):
        settings = dict(identifier)
        if isinstance(settings.get("learning_rate"), Mapping):
            settings["learning_rate"] = schedules.get(settings["learning_rate"])
        return lookup("optimizer", str(settings.pop("name", "")).lower(), _NAMES)(**settings)
    if not isinstance(identifier, str):
        raise ArgumentError(f"An optimizer is given by its name or as an Optimizer; {identifier!r} was given.")
    return lookup("optimizer", identifier.lower(), _NAMES)()
