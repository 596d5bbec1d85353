"""Frames of an H.264 video in which nothing changes, written without an encoder.

In an explanation most frames repeat the one before. x264 still looks at every block of each; what it
then writes says "all blocks as before" in a dozen bytes. These bytes are the same for each
such frame but for its number, so they are written here, straight from the standard.

The frames use a picture parameter set of their own, in which blocks are counted in Exp-Golomb
codes instead of CABAC: a run of skipped blocks is then one number.

Source: ITU-T H.264 (08/2021), 7.3.2.1.1 (sequence parameters), 7.3.2.2 (picture parameters),
7.3.3 (slice header), 7.3.4 (slice data), 9.1 (Exp-Golomb codes), 7.4.1.1 (emulation prevention).
"""

from __future__ import annotations

from dataclasses import dataclass

from vizkit.errors import RenderError

__all__ = ["Stillness", "units"]

START = b"\x00\x00\x00\x01"
SLICE, SEQUENCE, PICTURE = 1, 7, 8  # kinds of units
HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128)
_OWN_ID = 1  # of the picture parameters; x264 has 0
_REFERENCE = 2 << 5  # a unit that later frames refer to


def units(stream: bytes) -> list[bytes]:
    """Return the units of a byte stream (annex B of the standard), without their start codes.

    Examples
    --------
    >>> units(bytes.fromhex("00000001 67aa 000001 68bb"))
    [b'g\\xaa', b'h\\xbb']
    """
    return [part.rstrip(b"\x00") for part in stream.split(b"\x00\x00\x01")[1:]]


class _Bits:
    """Writes numbers bit by bit."""

    def __init__(self) -> None:
        self.text = ""

    def fixed(self, value: int, width: int) -> _Bits:
        self.text += format(value, f"0{width}b") if width else ""
        return self

    def golomb(self, value: int) -> _Bits:
        digits = format(value + 1, "b")
        self.text += "0" * (len(digits) - 1) + digits
        return self

    def unit(self, kind: int) -> bytes:
        """Return the bits as a unit, ended and protected against looking like a start code."""
        ended = self.text + "1"
        ended += "0" * (-len(ended) % 8)
        return START + bytes([kind]) + _protected(int(ended, 2).to_bytes(len(ended) // 8, "big"))


def _protected(payload: bytes) -> bytes:
    written = bytearray()
    for byte in payload:
        if byte <= 3 and written[-2:] == b"\x00\x00":
            written.append(3)
        written.append(byte)
    return bytes(written)


class _Reader:
    """Reads numbers bit by bit."""

    def __init__(self, unit: bytes) -> None:
        payload = unit[1:].replace(b"\x00\x00\x03", b"\x00\x00")
        self.text = format(int.from_bytes(payload, "big"), f"0{8 * len(payload)}b")
        self.at = 0

    def fixed(self, width: int) -> int:
        self.at += width
        return int(self.text[self.at - width : self.at], 2)

    def golomb(self) -> int:
        zeros = self.text.index("1", self.at) - self.at
        self.at += zeros
        return self.fixed(zeros + 1) - 1


@dataclass(frozen=True, slots=True)
class Stillness:
    """What the frames of one encoder's video need to be continued by still ones.

    Attributes
    ----------
    number_bits
        Bits of a frame's number, which counts from the last key frame on and starts anew when it is full.
    order_bits
        Bits of a frame's place in the order of showing, which counts by two; 0 if its number says it already.
    blocks
        Blocks of 16 × 16 pixels in a frame.
    """

    number_bits: int
    order_bits: int
    blocks: int

    @classmethod
    def of(cls, parameters: bytes) -> Stillness:
        """Read what is needed from an encoder's parameter sets.

        Raises
        ------
        RenderError
            If the encoder was set to something that these frames do not know, such as other colours or fields.
        """
        reader = _Reader(next(unit for unit in units(parameters) if unit[0] & 31 == SEQUENCE))
        profile = reader.fixed(24) >> 16
        reader.golomb()
        if profile in HIGH_PROFILES:
            chroma, *_ = reader.golomb(), reader.golomb(), reader.golomb()
            if chroma != 1 or reader.fixed(2):
                raise RenderError(
                    "Still frames need 4:2:0 colours and no scaling matrices, but the encoder has others."
                )
        number_bits, order = reader.golomb() + 4, reader.golomb()
        order_bits = reader.golomb() + 4 if order == 0 else 0
        reader.golomb(), reader.fixed(1)
        columns, rows, whole = reader.golomb() + 1, reader.golomb() + 1, reader.fixed(1)
        if order == 1 or not whole:
            raise RenderError(f"Still frames need whole pictures in order 0 or 2, but the encoder's order is {order}.")
        return cls(number_bits, order_bits, columns * rows)

    def parameters(self) -> bytes:
        """Return the picture parameters that the still frames use, to stand after the encoder's own."""
        bits = _Bits().golomb(_OWN_ID).golomb(0).fixed(0b00, 2)  # its number, the sequence's, Exp-Golomb, no fields
        bits.golomb(0).golomb(0).golomb(0).fixed(0b000, 3)  # one slice group, one reference each way, no weights
        bits.golomb(0).golomb(0).golomb(0).fixed(0b100, 3)  # quantisers; slices may turn the deblocking off
        return bits.unit(3 << 5 | PICTURE)

    def frame(self, number: int) -> bytes:
        """Return the frame that comes as number ``number`` after a key frame and repeats the one before it.

        All frames since the key frame must be ones that others refer to, in the order in which they are shown.
        """
        bits = _Bits().golomb(0).golomb(5).golomb(_OWN_ID).fixed(number % (1 << self.number_bits), self.number_bits)
        bits.fixed(2 * number % (1 << self.order_bits), self.order_bits)
        bits.fixed(0b000, 3)  # the usual references, in the usual order, no marking
        return bits.golomb(0).golomb(1).golomb(self.blocks).unit(_REFERENCE | SLICE)
