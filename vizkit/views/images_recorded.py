"""Finding layers in a trace, and recording a model on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vizkit.errors import ArgumentError, TraceQueryError, unknown_name
from vizkit.trace import ForwardEvent, Node, Trace, record
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
    last = {node: event for node in _nodes(trace, kind) if (event := _last(trace, node, step)) is not None}
    if not last and not any(_last(trace, node) for node in _nodes(trace, kind)):
        kinds = sorted({event.node.kind for event in trace.events(ForwardEvent, level="layer")})
        raise TraceQueryError(f"The trace holds no {kind}; its forward events are of: {', '.join(kinds) or 'nothing'}.")
    named = [event for node, event in last.items() if layer in (None, node.name)]
    if named:
        return named[0]
    names = [node.name for node in _nodes(trace, kind) if _last(trace, node) is not None]
    if layer is not None and layer not in names:
        raise unknown_name(f"{kind} layer", layer, names)
    steps = [event.step for event in trace.events(ForwardEvent, layer=layer or names[0])]
    raise TraceQueryError(f"Layer {layer or names[0]!r} was recorded at steps {steps}, but step {step!r} came.")


def _nodes(trace: Trace, kind: str) -> list[Node]:
    return [node for node in trace.layers if node.kind == kind]


def _last(trace: Trace, node: Node, step: int | None = None) -> ForwardEvent | None:
    """Return a layer's forward event at a step, or the last that there is; no other one's arrays are read.

    Where parameters are kept at some steps only, the last is one that has them.
    """
    for at in (*reversed(trace.parameter_steps), *reversed(trace.steps)) if step is None else (step,):
        found = list(trace.events(ForwardEvent, layer=node, step=at))
        if found:
            return found[-1]
    return None


def layer_config(trace: Trace, name: str) -> Mapping[str, Any]:
    """Return what a layer was made with, or nothing when the model's description does not hold it."""
    for layer in trace.model.layers:
        if layer.node.name == name:
            return layer.config
    return {}
