"""A segment: the encoded frames of one play or wait, as plain data.

It is what workers make, what the cache keeps and what is joined to a file: the packets of one
encoder run, which begins with a key frame, so that segments can stand after each other in any video of the
same `Shot`. The packets keep the encoder's order; ``shown`` says at which frame each is seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vizkit.animation.plain import pack, unpack

__all__ = ["Packet", "Segment"]


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded frame.

    Attributes
    ----------
    data
        Its bytes.
    shown
        Its place among the segment's frames.
    key
        Whether it needs no other frame.
    beside
        What stands beside it in a WebM file: its transparency; empty where there is none.
    """

    data: bytes
    shown: int
    key: bool
    beside: bytes = b""


@dataclass(frozen=True, slots=True)
class Segment:
    """The packets of one play, with what the encoder says once about all of them.

    Attributes
    ----------
    packets
        In the order of decoding; as many as there are frames.
    parameters
        The encoder's parameter sets; empty where the format has none.
    notes
        What else is to be known, as JSON holds it, such as the state in which a scene was left.
    """

    packets: tuple[Packet, ...]
    parameters: bytes = b""
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.packets)

    def to_bytes(self) -> bytes:
        """Return the segment as bytes; what comes more than once is kept once."""
        places: dict[bytes, int] = {}

        def place(data: bytes) -> int:
            return places.setdefault(data, len(places))

        order = [[place(each.data), each.shown, each.key, place(each.beside)] for each in self.packets]
        return pack({"packets": order, "notes": self.notes}, self.parameters, *places)

    @classmethod
    def from_bytes(cls, data: bytes) -> Segment:
        """Return the segment that bytes were made from.

        Raises
        ------
        RenderError
            If they are damaged.
        """
        head, (parameters, *blobs) = unpack(data)
        order = head["packets"]
        packets = tuple(Packet(blobs[place], shown, key, blobs[beside]) for place, shown, key, beside in order)
        return cls(packets, parameters, head["notes"])
