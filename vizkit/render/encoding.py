"""Encoding the frames of one segment.

What costs time is done once: frames are converted in one reused buffer, a frame that equals the one
before it is not converted again, and a segment's end that stands still is written without the encoder
(`vizkit.render.stillness` for H.264; the other formats have a packet that says "as before").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.codec.context import Flags
from av.video.reformatter import VideoReformatter

from vizkit.errors import RenderError
from vizkit.render.formats import FORMATS, Shot
from vizkit.render.segments import Packet, Segment
from vizkit.render.stillness import START, Stillness, units
from vizkit.typing import Int

__all__ = ["Encoder"]

_REMARKS = 6  # kind of an H.264 unit that holds x264's settings as text, in every segment
# VP9's frame header that shows the frame in slot 0 again (VP9 bitstream specification, 6.2); a PNG is simply repeated
_AGAIN = {"libvpx-vp9": b"\x88"}
_BLOCK = 8  # bytes before it that number it among the blocks beside a picture
_ALPHA = "matroska_block_additional"  # ffmpeg's name for a second picture beside one: VP9's transparency


class Encoder:
    """Takes frames in order and returns them as a segment.

    Parameters
    ----------
    shot
        The frames' size, rate and format.

    Raises
    ------
    RenderError
        From all methods, if the encoder fails; its own error is the cause.
    """

    def __init__(self, shot: Shot) -> None:
        self.shot = shot
        self.format = FORMATS[shot.format]
        self._pixels = np.empty((shot.height, shot.width, 4), dtype=np.uint8)
        self._source = av.VideoFrame.from_numpy_buffer(self._pixels, format="rgba")
        self._converter = VideoReformatter()
        self._codec: av.VideoCodecContext | None = None
        self._packets: list[Packet] = []
        self._sent = 0  # frames that the encoder was given
        self._waiting = 0  # times the last frame is still to be shown

    def add(self, pixels: Int["height width rgba"], repeat: int = 1) -> None:
        """Take a frame, bytes of shape (height, width, 4), to be shown ``repeat`` times; it may change afterwards."""
        if self._waiting and _alike(pixels, self._pixels):
            self._waiting += repeat
            return
        if self._waiting:
            self._send(self._waiting, self.format.moving)
        np.copyto(self._pixels, pixels)
        self._waiting = repeat

    def finish(self, notes: dict[str, Any] | None = None) -> Segment:
        """Return the segment; the encoder is done with."""
        if not self._waiting:
            raise RenderError("A segment needs at least one frame, but none was drawn.")
        if self._codec is None:
            parameters = self._stand()
        else:
            self._send(self._waiting, self.format.moving)
            self._take(None)
            parameters = self._parameters()
        return Segment(tuple(self._packets), parameters, notes or {})

    def _stand(self) -> bytes:
        """Encode one picture and repeat it without the encoder; return the parameters."""
        sent = min(self._waiting, 2 if self.format.codec == "qtrle" else 1)  # its second packet says "as before"
        self._send(sent, self.format.still)
        self._take(None)
        parameters = self._parameters()
        stillness = Stillness.of(parameters) if self.format.codec == "libx264" else None
        last = self._packets[-1]
        again = _AGAIN.get(self.format.codec, last.data)
        beside = last.beside[:_BLOCK] + again if last.beside else b""
        for number in range(sent, self._waiting):
            data = stillness.frame(number) if stillness else again
            self._packets.append(Packet(data, number, last.key, beside))
        return parameters

    def _parameters(self) -> bytes:
        """Return the encoder's parameter sets, and those of still frames with them, so that all segments' are alike."""
        found = self._codec.extradata or b""
        if self.format.codec != "libx264":
            return found
        found = _without_remarks(found)
        return found + Stillness.of(found).parameters()

    def _send(self, times: int, options: Mapping[str, str]) -> None:
        """Encode the last frame some times."""
        with _failing():
            if self._codec is None:
                self._codec = _codec(self.shot, options)
            frame = self._converter.reformat(self._source, format=self.format.pixels)
            frame.time_base = Fraction(1, self.shot.rate)
            for _ in range(times):
                frame.pts = self._sent
                self._sent += 1
                self._take(frame)

    def _take(self, frame: av.VideoFrame | None) -> None:
        """Keep the packets that the encoder has ready after another frame, or after the last."""
        with _failing():
            for packet in self._codec.encode(frame):
                data = bytes(packet)
                if self.format.codec == "libx264":
                    data = _without_remarks(data)
                beside = bytes(packet.get_sidedata(_ALPHA)) if packet.has_sidedata(_ALPHA) else b""
                self._packets.append(Packet(data, packet.pts, packet.is_keyframe, beside))


def _without_remarks(stream: bytes) -> bytes:
    return b"".join(START + unit for unit in units(stream) if unit[0] & 31 != _REMARKS)


def _alike(first: Int["height width rgba"], second: Int["height width rgba"]) -> bool:
    """Say whether two frames are equal; that most are not shows in a few of their lines."""
    return np.array_equal(first[::16], second[::16]) and np.array_equal(first, second)


def _codec(shot: Shot, options: Mapping[str, str]) -> av.VideoCodecContext:
    """Return an encoder with one thread: processes share the cores."""
    kind = FORMATS[shot.format]
    codec = av.CodecContext.create(kind.codec, "w")
    codec.width, codec.height, codec.pix_fmt = shot.width, shot.height, kind.pixels
    codec.time_base, codec.framerate = Fraction(1, shot.rate), Fraction(shot.rate)
    codec.options = {**options, "threads": "1"}
    codec.flags |= Flags.global_header
    return codec


@contextmanager
def _failing() -> Iterator[None]:
    """Give an encoder's error its place in vizkit's tree."""
    try:
        yield
    except av.error.FFmpegError as error:
        raise RenderError(f"The encoder could not take a frame: {error}") from error
