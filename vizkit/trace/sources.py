"""What can be recorded: a model that knows how to, or one that an adapter knows."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any, Protocol

from vizkit.errors import ArgumentError
from vizkit.trace.events import ModelDescription

if TYPE_CHECKING:
    from vizkit.trace.recorder import Recorder

__all__ = ["Source", "describe", "source_of"]


class Source(Protocol):
    """What a model offers, or its adapter for it, so that it can be recorded.

    A source whose model does not know its loss has a method ``_loss(value)`` as well, which
    ``trace.loss(value)`` calls; one that knows its layers before they run has ``_description()``.
    """

    def _attach(self, recorder: Recorder) -> None: ...

    def _detach(self) -> None: ...


def source_of(model: Any) -> Source:
    """Return the model itself when it can be recorded, else what the adapter of its framework makes of it.

    Raises
    ------
    ArgumentError
        When nothing here can record it.
    """
    source = _found(model)
    if source is None:
        raise ArgumentError(
            f"A {type(model).__module__}.{type(model).__name__} cannot be recorded. What can be: the models of "
            "vizkit.nn, PyTorch and Keras, and any object with the methods _attach(recorder) and _detach()."
        )
    return source


def describe(model: Any) -> ModelDescription:
    """Return a model's description, given the model or the description itself.

    Raises
    ------
    ArgumentError
        When it is neither, or a model whose layers are known only when it runs.
    """
    if isinstance(model, ModelDescription):
        return model
    source = _found(model)
    if not hasattr(source, "_description"):
        raise ArgumentError(
            f"A model of vizkit or a ModelDescription, as a trace has one, is needed, not {type(model).__name__}."
        )
    return source._description()


def _found(model: Any) -> Any:
    """Return what can be recorded of a model, or ``None``.

    An adapter is a module of ``vizkit.adapters`` named after the top-level package of one of the model's classes,
    with a function ``source(model)``; it is imported only when such a model comes.
    """
    if all(callable(getattr(type(model), name, None)) for name in ("_attach", "_detach")):
        return model
    for cls in type(model).__mro__:
        adapter = f"vizkit.adapters.{cls.__module__.partition('.')[0]}"
        if importlib.util.find_spec("vizkit.adapters") and importlib.util.find_spec(adapter):
            return importlib.import_module(adapter).source(model)
    return None
