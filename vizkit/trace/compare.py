"""Whether two traces hold the same, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vizkit.trace.arrays import same_array
from vizkit.trace.log import EventLog

__all__ = ["same_log", "same_value"]


def same_log(one: EventLog, other: EventLog) -> bool:
    """Say whether two logs hold the same nodes, epochs and events in the same order."""
    return (
        one.nodes == other.nodes
        and len(one) == len(other)
        and one.epoch_count == other.epoch_count
        and all(
            a.number == b.number and same_value(a.logs, b.logs) for a, b in zip(one.epochs, other.epochs, strict=True)
        )
        and all(a[:3] == b[:3] and same_value(a.read(), b.read()) for a, b in zip(one.rows, other.rows, strict=True))
    )


def same_value(one: Any, other: Any) -> bool:
    """Say whether two fields of events are the same: arrays of shape (...), numbers, text, or several of them."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return list(one) == list(other) and all(same_value(one[name], other[name]) for name in one)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same_value, one, other))
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return same_array(np.asarray(one), np.asarray(other))
