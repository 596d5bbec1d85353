"""A play as plain data and back: text as JSON, arrays as their bytes; nothing that a reader would have to run.

So a play can be drawn by another process or on another machine, and the data's hash names its
pictures: whatever changes a pixel changes the data. What serves only for reading numbers back
(where a mark came from, an equation's tree) is left out.
"""

from __future__ import annotations

import json
import struct
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np

from vizkit.animation.frames import Frame
from vizkit.animation.items import Formula, Item
from vizkit.animation.script import Play
from vizkit.errors import RenderError
from vizkit.stories.story import Pulse
from vizkit.views.marks import Arrow, Cell, Curve, Disc, Dot, Image, Text
from vizkit.views.text import Quantity, Words

__all__ = ["frame_from", "frame_to", "pack", "play_from", "play_to", "unpack"]

_CLASSES = {
    kind.__name__: kind for kind in (Arrow, Cell, Curve, Disc, Dot, Formula, Image, Item, Quantity, Text, Words)
}
_LEFT_OUT = {"source", "placement"}
_LENGTHS = struct.Struct("<Q")


def pack(head: dict[str, Any], *blobs: bytes) -> bytes:
    """Return a JSON object and some bytes as one piece of bytes.

    Examples
    --------
    >>> unpack(pack({"frames": 2}, b"ab", b""))
    ({'frames': 2}, [b'ab', b''])
    """
    text = json.dumps({"lengths": [len(blob) for blob in blobs], "head": head}, sort_keys=True).encode()
    return b"".join([_LENGTHS.pack(len(text)), text, *blobs])


def unpack(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Return what was packed.

    Raises
    ------
    RenderError
        If the bytes are cut off or damaged.
    """
    try:
        (size,) = _LENGTHS.unpack_from(data)
        start = _LENGTHS.size + size
        described = json.loads(data[_LENGTHS.size : start])
        blobs, lengths = [], described["lengths"]
        for length in lengths:
            blobs.append(data[start : start + length])
            start += length
        if start != len(data):
            raise ValueError(f"{start} bytes were expected")
        return described["head"], blobs
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise RenderError(f"Packed data of {len(data)} bytes are damaged: {error}.") from error


def frame_to(frame: Frame) -> bytes:
    """Return a frame as bytes."""
    arrays: list[np.ndarray] = []
    items = [_plain(item, arrays) for item in frame.items.values()]
    shapes = [[array.dtype.str, list(array.shape)] for array in arrays]
    return pack({"items": items, "arrays": shapes}, *(array.tobytes() for array in arrays))


def frame_from(data: bytes) -> Frame:
    """Return the frame that bytes were made from."""
    head, blobs = unpack(data)
    arrays = [
        np.frombuffer(blob, dtype).reshape(shape) for blob, (dtype, shape) in zip(blobs, head["arrays"], strict=True)
    ]
    items = [_item(each, arrays) for each in head["items"]]
    return Frame({item.name: item for item in items})


def play_to(play: Play) -> dict[str, Any]:
    """Return what a play has beside its two frames, as JSON holds it."""
    pulse = play.pulse and {"along": list(play.pulse.along), "role": play.pulse.role, "backward": play.pulse.backward}
    return {"seconds": play.seconds, "pulse": pulse}


def play_from(head: dict[str, Any], before: Frame, after: Frame) -> Play:
    """Return a play; it no longer knows its beat."""
    pulse = head["pulse"] and Pulse(**{**head["pulse"], "along": tuple(head["pulse"]["along"])})
    return Play(None, head["seconds"], before, after, pulse)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.init and each.name not in _LEFT_OUT)


def _plain(value: Any, arrays: list[np.ndarray]) -> Any:
    if value is None or type(value) in (str, float, int, bool):
        return value
    if isinstance(value, np.ndarray):
        arrays.append(np.ascontiguousarray(value))
        return {"array": len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        return [_plain(each, arrays) for each in value]
    kind = type(value).__name__
    if kind not in _CLASSES:  # an equation's tree: what is drawn is its Typst source, and it matters only which it is
        return repr(value)
    return {"kind": kind, **{name: _plain(getattr(value, name), arrays) for name in _names(type(value))}}


def _item(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, list):
        return tuple(_item(each, arrays) for each in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    return _CLASSES[value["kind"]](**{name: _item(each, arrays) for name, each in value.items() if name != "kind"})
