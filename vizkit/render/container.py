"""The finished file: the packets of all segments after each other, not encoded again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from heapq import merge
from io import BytesIO
from itertools import chain
from pathlib import Path

import av
from av.packet import PacketSideData, packet_sidedata_type_from_literal

from vizkit.errors import RenderError
from vizkit.render.formats import FORMATS, Format, Shot
from vizkit.render.segments import Segment
from vizkit.render.subtitles import Cue

__all__ = ["gif", "joined", "pictures"]

_MILLISECONDS = Fraction(1, 1000)
_OPTIONS = {".mp4": {"movflags": "+faststart"}}  # the index in front, for the web


def joined(
    segments: Iterable[Segment],
    shot: Shot,
    target: Path,
    *,
    title: str = "",
    chapters: Sequence[Cue] = (),
    sound: Path | None = None,
) -> Path:
    """Write segments as one file.

    Parameters
    ----------
    segments
        In the order of the video.
    shot
        The size, rate and format that they share.
    target
        The file.
    title
        The video's title.
    chapters
        Its chapters, in order.
    sound
        A WAV file, or None.

    Raises
    ------
    RenderError
        If segments of different encoders come together.
    """
    given = iter(segments)
    first = next(given)
    kind = FORMATS[shot.format]
    with _template(first, shot) as template, av.open(str(target), "w", options=_OPTIONS.get(kind.suffix, {})) as made:
        stream = made.add_stream_from_template(template.streams.video[0])
        stream.pix_fmt = kind.pixels  # what a file says of itself does not tell VP9 with transparency
        heard = _heard(made, sound, kind) if sound else iter(())
        made.metadata.update({"title": title} if title else {})
        made.set_chapters([_chapter(index, chapter) for index, chapter in enumerate(chapters)])
        _interleave(made, _seen(chain([first], given), stream, shot), heard)
    return target


def _template(segment: Segment, shot: Shot) -> av.container.InputContainer:
    """Return a file with a stream of the segments' kind, of which a new one can be made."""
    if FORMATS[shot.format].codec == "libx264":
        return av.open(BytesIO(segment.parameters + segment.packets[0].data), format="h264")
    file = BytesIO()
    kind = FORMATS[shot.format]
    with av.open(file, "w", format=kind.suffix.removeprefix(".") or "mov") as made:
        stream = made.add_stream(kind.codec, rate=shot.rate)
        stream.width, stream.height, stream.pix_fmt = shot.width, shot.height, kind.pixels
        made.mux(stream.encode(av.VideoFrame(shot.width, shot.height, kind.pixels)) + stream.encode(None))
    return av.open(BytesIO(file.getvalue()))


def _seen(segments: Iterable[Segment], stream: av.VideoStream, shot: Shot) -> Iterator[av.Packet]:
    """Yield the packets of all segments with their times in the whole."""
    start, delay, parameters = 0, FORMATS[shot.format].delay, None
    for segment in segments:
        parameters = segment.parameters if parameters is None else parameters
        if segment.parameters != parameters:
            raise RenderError("Segments that were encoded in different ways cannot be joined.")
        for at, packet in enumerate(segment.packets):
            made = av.Packet(packet.data)
            made.stream, made.time_base = stream, Fraction(1, shot.rate)
            made.pts, made.dts, made.duration = start + packet.shown, start + at - delay, 1
            made.is_keyframe = packet.key
            if packet.beside:
                made.set_sidedata(_beside(packet.beside))
            yield made
        start += segment.frames


def _beside(data: bytes) -> PacketSideData:
    """Return what stands beside a picture in a file."""
    found = PacketSideData(packet_sidedata_type_from_literal("matroska_block_additional"), len(data))
    found.update(data)
    return found


def _heard(made: av.container.OutputContainer, sound: Path, kind: Format) -> Iterator[av.Packet]:
    """Yield a sound file's packets, encoded as this kind of file has them."""
    with av.open(str(sound)) as source:
        wave = source.streams.audio[0]
        stream = made.add_stream(_voice(kind))  # at the encoder's usual rate, as manim does
        return iter([*(p for frame in source.decode(wave) for p in stream.encode(frame)), *stream.encode(None)])


def _voice(kind: Format) -> str:
    """Return the encoder for a file's sound; for WebM, libvorbis is not in every build of ffmpeg."""
    if kind.suffix != ".webm":
        return {".mp4": "aac", ".mov": "pcm_s16le"}[kind.suffix]
    return "libvorbis" if "libvorbis" in av.codecs_available else "libopus"


def _interleave(made: av.container.OutputContainer, seen: Iterator[av.Packet], heard: Iterator[av.Packet]) -> None:
    """Write pictures and sound in the order of their times, so that a player finds them side by side."""
    for packet in merge(seen, heard, key=lambda each: each.dts * each.time_base):
        made.mux(packet)


def _chapter(index: int, chapter: Cue) -> dict[str, object]:
    return {
        "id": index,
        "start": round(chapter.start * 1000),
        "end": round(chapter.end * 1000),
        "time_base": _MILLISECONDS,
        "metadata": {"title": chapter.name},
    }


def gif(video: Path, target: Path) -> Path:
    """Write a video again as a GIF with one palette for all of it, as manim does.

    The video is read twice, once for its colours and once for its pictures, so that no more than a few of
    them are held at a time.
    """
    palette = _palette(video)
    with av.open(str(video)) as source, av.open(str(target), "w") as made:
        pictures = source.streams.video[0]
        stream = made.add_stream("gif", rate=pictures.average_rate)
        stream.width, stream.height, stream.pix_fmt = pictures.width, pictures.height, "pal8"
        for number, frame in enumerate(_reduced(pictures, source.decode(pictures), palette)):
            frame.pts, frame.time_base = number, 1 / pictures.average_rate
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return target


def _palette(video: Path) -> av.VideoFrame:
    """Return the 256 colours that suit what changes between a video's pictures, as a picture of them."""
    with av.open(str(video)) as source:
        stream = source.streams.video[0]
        graph = av.filter.Graph()
        entry, made = graph.add_buffer(template=stream), graph.add("palettegen", "stats_mode=diff")
        entry.link_to(made)
        end = graph.add("buffersink")
        made.link_to(end)
        graph.configure()
        for frame in source.decode(stream):
            entry.push(frame)
            for _ in _pulled(end):  # nothing comes yet, but only who asks sets the work going
                continue
        entry.push(None)
        return end.pull()


def _reduced(
    stream: av.VideoStream, frames: Iterable[av.VideoFrame], palette: av.VideoFrame
) -> Iterator[av.VideoFrame]:
    """Yield frames in the colours of a palette."""
    graph = av.filter.Graph()
    entry = graph.add_buffer(template=stream)
    size = {"width": palette.width, "height": palette.height, "format": palette.format}
    colours = graph.add_buffer(**size, time_base=stream.time_base)
    used, end = graph.add("paletteuse", "dither=bayer:bayer_scale=5"), graph.add("buffersink")
    entry.link_to(used, 0, 0)
    colours.link_to(used, 0, 1)
    used.link_to(end)
    graph.configure()
    colours.push(palette)
    colours.push(None)
    for frame in frames:
        entry.push(frame)
        yield from _pulled(end)
    entry.push(None)
    yield from _pulled(end)


def _pulled(end: av.filter.context.FilterContext) -> Iterator[av.VideoFrame]:
    """Yield the frames that are ready."""
    with suppress(av.error.BlockingIOError, av.error.EOFError):
        while True:
            yield end.pull()


def pictures(segments: Iterable[Segment], folder: Path) -> Path:
    """Write each frame of segments of PNG pictures as a file of its own, ``0000.png`` and so on, as manim does."""
    number = 0
    for segment in segments:
        for packet in segment.packets:
            (folder / f"{number:04d}.png").write_bytes(packet.data)
            number += 1
    return folder
