"""Where the time of a story's frames goes, how far that is from its limit, and what other settings would give.

For `render.py profile` and `render.py encoders`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from fractions import Fraction

import av
import cairo
from av.video.reformatter import VideoReformatter
from render_likeness import Likeness

from vizkit import exhibits
from vizkit.animation._manim import StoryCamera
from vizkit.animation.filming import film, length
from vizkit.animation.script import Play, plays
from vizkit.render.encoding import Encoder
from vizkit.render.formats import FORMATS, Shot
from vizkit.theme import DARK

__all__ = ["encoders", "profile"]

DRAWING, CAMERA, CAIRO = "drawing", "  manim's camera and cairo", "  cairo alone"
ENCODING, CODEC = "encoding", "  the encoder alone"


def profile(stories: Iterable[str], shot: Shot) -> None:
    """Print what the stories' drawing and encoding consist of, in processor time of one process, and the limits."""
    for name in stories:
        planned = list(plays(exhibits.get(name).make_story(), DARK))
        spent, frames = _spent(planned, shot)
        spent[CAIRO] = _cairo_alone(planned, shot)
        whole = sum(length(play, shot.rate) for play in planned)
        print(f"{name}, {shot.height} lines: {whole} frames, {frames} of them drawn")
        print(f"  {'':28}{'s':>8}{'ms a drawn frame':>20}")
        for part in (DRAWING, CAMERA, CAIRO, ENCODING, CODEC):
            print(f"  {part:28}{spent[part]:8.2f}{1000 * spent[part] / frames:20.2f}")
        limit, ours = spent[CAIRO] + spent[CODEC], spent[DRAWING] + spent[ENCODING]
        print(f"  {ours:.2f} s in all; the limit, cairo and the encoder alone, is {limit:.2f} s: {ours / limit:.2f} ×")


def _spent(planned: list[Play], shot: Shot) -> tuple[dict[str, float], int]:
    """Return the seconds of each part of the work, and the number of frames that were drawn."""
    spent = dict.fromkeys((DRAWING, CAMERA, ENCODING, CODEC), 0.0)
    frames, capture = 0, StoryCamera.capture_mobjects

    def counted(camera: StoryCamera, *given: object, **more: object) -> None:
        spent[CAMERA] += _seconds(capture, camera, *given, **more)

    StoryCamera.capture_mobjects = counted
    try:
        for play in planned:
            encoder, begun, encoding = Encoder(shot), time.process_time(), 0.0
            converting = _Timed(encoder._converter)
            encoder._converter = converting
            for pixels, repeat in film(play, DARK, (shot.width, shot.height), shot.rate):
                encoding += _seconds(encoder.add, pixels, repeat)
                frames += 1
            encoding += _seconds(encoder.finish)
            spent[DRAWING] += time.process_time() - begun - encoding
            spent[ENCODING] += encoding
            spent[CODEC] += encoding - converting.seconds
    finally:
        StoryCamera.capture_mobjects = capture
    return spent, frames


class _Timed:
    """A converter of frames that counts its seconds."""

    def __init__(self, converter: VideoReformatter) -> None:
        self.converter, self.seconds = converter, 0.0

    def reformat(self, *given: object, **more: object) -> av.VideoFrame:
        start = time.process_time()
        found = self.converter.reformat(*given, **more)
        self.seconds += time.process_time() - start
        return found


def _cairo_alone(planned: list[Play], shot: Shot) -> float:
    """Return the seconds that cairo takes for the same pictures, when nobody has to tell it what to draw."""
    played = _Recorded(shot)
    ask = StoryCamera.get_cairo_context
    StoryCamera.get_cairo_context = lambda camera, pixels: played.context(camera)
    try:
        for play in planned:
            for _ in film(play, DARK, (shot.width, shot.height), shot.rate):
                played.again()
    finally:
        StoryCamera.get_cairo_context = ask
    return played.seconds


class _Recorded:
    """Takes what a camera tells cairo, and has cairo do it again."""

    def __init__(self, shot: Shot) -> None:
        self.size = shot.width, shot.height
        self.seconds = 0.0
        self.record, self.current = None, None

    def context(self, camera: StoryCamera) -> cairo.Context:
        if self.current is None:
            width, height = self.size
            self.record = cairo.RecordingSurface(cairo.CONTENT_COLOR_ALPHA, cairo.Rectangle(0, 0, width, height))
            self.current = cairo.Context(self.record)
            wide, high, centre = width / camera.frame_width, height / camera.frame_height, camera.frame_center
            across, down = width / 2 - centre[0] * wide, height / 2 + centre[1] * high
            self.current.set_matrix(cairo.Matrix(wide, 0, 0, -high, across, down))
        return self.current

    def again(self) -> None:
        if self.record is None:  # a frame on which nothing is drawn
            return
        picture = cairo.Context(cairo.ImageSurface(cairo.FORMAT_ARGB32, *self.size))
        picture.set_source_surface(self.record)
        self.seconds += _seconds(picture.paint)
        self.record = self.current = None


def _seconds(action: Callable[..., object], *given: object, **more: object) -> float:
    start = time.process_time()
    action(*given, **more)
    return time.process_time() - start


X264, VP9 = dict(FORMATS["mp4"].moving), dict(FORMATS["webm"].moving)
SETTINGS = {
    "mp4": {
        "x264's own (manim): medium 23": {"preset": "medium", "crf": "23"},
        "veryfast 23": {"preset": "veryfast", "crf": "23"},
        "veryfast 23, B frames fixed": {"preset": "veryfast", "crf": "23", "x264-params": "b-adapt=0"},
        "superfast 24, B frames fixed (ours)": X264,
        "superfast 26, B frames fixed": {**X264, "crf": "26"},
        "superfast 24, no B frames": {"preset": "superfast", "crf": "24", "x264-params": "bframes=0"},
        "ultrafast 26": {"preset": "ultrafast", "crf": "26"},
    },
    "webm": {
        "x264, ours": X264,
        "libvpx's own (manim): good 1, 23": {"crf": "23"},
        "good 4, 32": {"b": "0", "crf": "32", "deadline": "good", "cpu-used": "4"},
        "realtime 7, 32": {"b": "0", "crf": "32", "deadline": "realtime", "cpu-used": "7"},
        "realtime 7, 32, in order": {**VP9, "cpu-used": "7", "tune-content": "default"},
        "realtime 6, 32, in order, screen (ours)": VP9,
        "realtime 8, 32, in order, screen": {**VP9, "cpu-used": "8"},
        "realtime 6, 36, in order, screen": {**VP9, "crf": "36"},
    },
}  # fmt: skip
CODECS = {"libx264": "h264", "libvpx-vp9": "vp9"}  # the encoder -> the decoder


def encoders(format: str) -> None:
    """Print time, size and likeness of settings of an encoder, over the moving segments of a story at 720p30."""
    shot, converter = Shot(1280, 720, 30, format), VideoReformatter()
    found = {name: [0.0, 0, Likeness(shot.width, shot.height)] for name in SETTINGS[format]}
    for play in [play for play in plays(exhibits.get("gradient_descent").make_story(), DARK) if not play.waits]:
        frames = [
            converter.reformat(av.VideoFrame.from_ndarray(pixels, format="rgba"), format="yuv420p")
            for pixels, _ in film(play, DARK, (shot.width, shot.height), shot.rate)
        ]
        for name, options in SETTINGS[format].items():
            codec = "libx264" if name.startswith("x264") else FORMATS[format].codec
            packets, seconds = _encoded(frames, shot, codec, options)
            found[name][0] += seconds
            found[name][1] += sum(map(len, packets))
            for frame, wanted in zip(_decoded(packets, CODECS[codec]), frames, strict=True):
                found[name][2].add(frame, wanted)
    least = found[next(iter(found))]
    for name, (seconds, size, measure) in found.items():
        each = 1000 * seconds / len(measure.values)
        print(f"{name:40}{each:6.2f} ms a frame{size / least[1]:8.2f} × the size   SSIM {measure.mean:.5f}")


def _encoded(frames: list[av.VideoFrame], shot: Shot, name: str, options: dict[str, str]) -> tuple[list[bytes], float]:
    codec = av.CodecContext.create(name, "w")
    codec.width, codec.height, codec.pix_fmt = shot.width, shot.height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, shot.rate), Fraction(shot.rate)
    codec.options = {**options, "threads": "1"}
    start, packets = time.process_time(), []
    for number, frame in enumerate([*frames, None]):
        if frame is not None:
            frame.pts, frame.time_base = number, Fraction(1, shot.rate)
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return packets, time.process_time() - start


def _decoded(packets: list[bytes], name: str) -> list[av.VideoFrame]:
    codec = av.CodecContext.create(name, "r")
    return [frame for packet in [*map(av.Packet, packets), None] for frame in codec.decode(packet)]
