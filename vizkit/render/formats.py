"""The kinds of video file, and how each is encoded.

The settings were chosen by measurement (``benchmarks/render.py encoders``). For H.264 x264's ``superfast``
without lookahead, B frames in a fixed pattern, takes a third of the time of its default at the same
likeness (SSIM) to the frames as they were drawn, in files about a fifth larger where things move; where they
stand still a single picture at a lower crf is smaller and nearer than what x264 makes of a run of equal frames.

For VP9 libvpx's ``realtime`` at speed 6 with its tools for screens and no frames out of order has the likeness of our
H.264 in files three tenths larger, in twice the encoder's time. That is a tenth of the time of its default (``good``,
speed 1, as in manim, at crf 23), which is nearer to the frames in files a quarter larger again. Its threads share the
parts of one frame, but here each process encodes a segment of its own, so neither ``threads`` nor ``row-mt`` has
anything to do. One picture needs no other crf.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from vizkit.errors import ArgumentError, unknown_name

__all__ = ["FORMATS", "Format", "Shot", "format_of"]


@dataclass(frozen=True, slots=True)
class Format:
    """How frames become a file.

    Attributes
    ----------
    suffix
        What the file's name ends in.
    codec, pixels
        ffmpeg's names of the encoder and of the pixels it takes.
    moving, still
        The encoder's options for a segment in which something moves, and for one of a single picture.
    clear
        Whether the ground is transparent.
    delay
        How many frames later than it could be a frame is decoded, since others refer to it.
    """

    suffix: str
    codec: str
    pixels: str
    moving: Mapping[str, str] = field(default_factory=dict)
    still: Mapping[str, str] = field(default_factory=dict)
    clear: bool = False
    delay: int = 0

    @property
    def pictures(self) -> bool:
        """Whether each frame becomes a file of its own."""
        return self.codec == "png"

    @property
    def recipe(self) -> list[object]:
        """What of the format decides on a segment's bytes, as JSON holds it."""
        return [self.codec, self.pixels, dict(self.moving), dict(self.still), self.clear]


# Segments are stitched, so their headers must not depend on what is in them. The matrix by which RGB becomes YUV is
# named, or players guess it from the size.
_X264 = {"preset": "superfast", "x264-params": "b-adapt=0:stitchable=1:colormatrix=smpte170m"}
_VP9 = {
    "b": "0", "crf": "32", "deadline": "realtime", "cpu-used": "6", "lag-in-frames": "0", "tune-content": "screen",
}  # fmt: skip
_H264 = Format(".mp4", "libx264", "yuv420p", {**_X264, "crf": "24"}, {**_X264, "crf": "21"}, delay=2)
_WEBM = Format(".webm", "libvpx-vp9", "yuv420p", _VP9, _VP9)

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "mp4": _H264,
        "webm": _WEBM,
        "mov": Format(".mov", "qtrle", "argb", clear=True),
        "gif": Format(".gif", _H264.codec, _H264.pixels, _H264.moving, _H264.still, delay=_H264.delay),
        "png": Format("", "png", "rgba"),
        "clear webm": replace(_WEBM, pixels="yuva420p", clear=True),
        "clear png": Format("", "png", "rgba", clear=True),
    }
)
NAMES = ("mp4", "webm", "mov", "gif", "png")
CLEAR = {"mov": "mov", "webm": "clear webm", "png": "clear png"}  # a format -> the one with a transparent ground


@dataclass(frozen=True, slots=True)
class Shot:
    """What a segment's frames are: their size in pixels, how many a second, and the name of their format."""

    width: int
    height: int
    rate: int
    format: str


def format_of(path: str | os.PathLike[str], name: str | None = None, transparent: bool = False) -> str:
    """Return the name of a video's format: the one that is asked for, or else the one that its path ends in.

    A path without a suffix is a folder of PNG pictures.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    ArgumentError
        If it is to be transparent and cannot.

    Examples
    --------
    >>> format_of("out/story.webm"), format_of("frames")
    ('webm', 'png')
    """
    found = name or Path(path).suffix.lower().removeprefix(".") or "png"
    if found not in NAMES:
        raise unknown_name("format", found, NAMES)
    if transparent and found not in CLEAR:
        raise ArgumentError(f"A transparent ground needs {', '.join(CLEAR)} as the format, but it is {found!r}.")
    return CLEAR[found] if transparent else found
