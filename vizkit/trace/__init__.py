"""What a run did, recorded once and queried often: events, the trace and its file.

See ``schema.md`` beside this file for the words, the axes, the order of the events and the
layout of the file.
"""

from __future__ import annotations

from vizkit.trace.axes import NamedArray
from vizkit.trace.events import (
    BackwardEvent,
    Event,
    ForwardEvent,
    LayerDescription,
    LossEvent,
    ModelDescription,
    Node,
    StatisticsEvent,
    UpdateEvent,
)
from vizkit.trace.file import load
from vizkit.trace.keep import Keep
from vizkit.trace.log import Missing
from vizkit.trace.recorder import Recorder, record
from vizkit.trace.trace import Trace

__all__ = [
    "BackwardEvent",
    "Event",
    "ForwardEvent",
    "Keep",
    "LayerDescription",
    "LossEvent",
    "Missing",
    "ModelDescription",
    "NamedArray",
    "Node",
    "Recorder",
    "StatisticsEvent",
    "Trace",
    "UpdateEvent",
    "load",
    "record",
]
