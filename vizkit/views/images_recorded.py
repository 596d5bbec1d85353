"""Finding layers in a trace, and recording a model on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vizkit.errors import ArgumentError, TraceQueryError, unknown_name
from vizkit.trace import ForwardEvent, Trace, record
from vizkit.typing import ArrayLike

__all__ = ["forward_event", "layer_config", "traced"]


def traced(data: Any, x: ArrayLike | None = None) -> Trace:
    """Return a trace from itself, or by recording a model's prediction of `x`, shape (batch, height, width, channels).

    Raises
    ------
    ArgumentError
        If the data are neither, or a model comes without the input to record it with.
    """
    if isinstance(data, Trace):
        return data
    if not callable(getattr(data, "predict", None)):
        raise ArgumentError(f"A trace or a model with predict() is needed, but {type(data).__name__} was given.")
    if x is None:
        raise ArgumentError("A model is recorded on images x of shape (batch, height, width, channels); none came.")
    with record(data) as trace:
        data.predict(x)
    return trace


def forward_event(trace: Trace, kind: str, layer: str | None = None, step: int | None = None) -> ForwardEvent:
    """Return a layer's forward event: of the named layer, else of the first of its kind; at `step`, else the last.

    Raises
    ------
    ArgumentError
        If it is no trace.
    UnknownNameError
        If no layer of the kind has this name.
    TraceQueryError
        If the trace holds no such layer, or none at this step.
    """
    if not isinstance(trace, Trace):
        raise ArgumentError(f"This is drawn from a trace (see vizkit.record), but a {type(trace).__name__} was given.")
    found = [event for event in _forwards(trace) if event.node.kind == kind]
    if not found:
        kinds = sorted({event.node.kind for event in _forwards(trace)})
        raise TraceQueryError(f"The trace holds no {kind}; its forward events are of: {', '.join(kinds) or 'nothing'}.")
    name = found[0].node.name if layer is None else layer
    named = [event for event in found if event.node.name == name]
    if not named:
        raise unknown_name(f"{kind} layer", name, {event.node.name for event in found})
    if step is None:
        return named[-1]
    for event in named:
        if event.step == step:
            return event
    raise TraceQueryError(f"Layer {name!r} was recorded at steps {[e.step for e in named]}, but step {step!r} came.")


def _forwards(trace: Trace) -> list[ForwardEvent]:
    return list(trace.events(ForwardEvent, level="layer"))


def layer_config(trace: Trace, name: str) -> Mapping[str, Any]:
    """Return what a layer was made with, or nothing when the model's description does not hold it."""
    for layer in trace.model.layers:
        if layer.node.name == name:
            return layer.config
    return {}
