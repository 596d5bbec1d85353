"""What a run did, recorded once and queried often: events, the trace and its file.

See ``schema.md`` beside this file for the words, the axes, the order of the events and the
layout of the file.
"""

from __future__ import annotations

from vizkit.trace.events import (
    BackwardEvent,
    Event,
    ForwardEvent,
    LayerDescription,
    LossEvent,
    ModelDescription,
    Node,
    UpdateEvent,
)

__all__ = [
    "BackwardEvent",
    "Event",
    "ForwardEvent",
    "LayerDescription",
    "LossEvent",
    "ModelDescription",
    "Node",
    "UpdateEvent",
]
