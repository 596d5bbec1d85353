"""Rendering against manim, as ratios in one run, and where the time goes.

usage: python benchmarks/render.py stories [--quality qm] [--repeat R] [--story NAME ...]
       python benchmarks/render.py scaling
       python benchmarks/render.py profile [--quality qm]
       python benchmarks/render.py encoders
       python benchmarks/render.py frames

``stories`` renders each story by manim and by vizkit, in turn, each from nothing; then by vizkit with one caption
changed. Beside the time by the clock stands the processors' time of all processes, which other work on the machine
changes less. SSIM is that of every fifth frame to the frame as it was drawn. ``scaling`` measures each segment of a
scene of 200 and simulates workers; ``profile`` takes a story's drawing and encoding apart; ``encoders`` compares
settings of x264; ``frames`` counts frames per second of the convolution story. Set-up of numbers on screen is in
``labels.py``.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from vizkit import exhibits
from vizkit.animation.filming import film, length
from vizkit.animation.script import Play, plays
from vizkit.render import QUALITIES, video
from vizkit.render.formats import FORMATS, Shot
from vizkit.theme import DARK
from vizkit.views.text import words

ROOT = Path(__file__).parents[1]
STORIES = {"backprop": "Backprop", "convolution": "Convolution", "gradient_descent": "GradientDescent"}
EVERY = 5  # frames between two whose likeness is measured
# ManimML 0.0.24's README example of a convolution on manim 0.17.3, at 720p30, on a machine like this one: as stated in
# the issue that asks for this comparison, not measured here.
MANIMML = 26.0


def timed(command: list[str], **environment: str) -> tuple[float, float]:
    """Run a command; return its seconds by the clock and of the processors."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment})
    clock, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def by_manim(name: str, quality: str, folder: Path) -> tuple[Path, float, float]:
    """Render a story's scene file by the manim command."""
    options = [f"-{quality}", "--disable_caching", "--media_dir", str(folder), "--progress_bar", "none"]
    spent = timed([sys.executable, "-m", "manim", "render", *options, str(ROOT / "scenes" / f"{name}.py")])
    return next(path for path in folder.rglob(f"{STORIES[name]}.mp4")), *spent


def by_vizkit(name: str, quality: str, folder: Path, cache: Path, edited: bool = False) -> tuple[Path, float, float]:
    """Render a story by vizkit, in a process of its own; ``edited`` with another caption of its middle beat."""
    path = folder / "vizkit.mp4"
    command = [sys.executable, __file__, "one", "--story", name, "--quality", quality, "--output", str(path)]
    return path, *timed(command + ["--edited"] * edited, VIZKIT_CACHE=str(cache))


def one(name: str, quality: str, path: Path, edited: bool) -> None:
    """Render one story, as a process of its own."""
    story = exhibits.get(name).make_story()
    if edited:
        at = len(story.beats) // 2
        beat = replace(story.beats[at], caption=words("This caption was changed."))
        story = replace(story, beats=(*story.beats[:at], beat, *story.beats[at + 1 :]))
    video(story, path, quality)


def raw(name: str, quality: str) -> Iterator[np.ndarray]:
    """Yield every fifth frame of a story as it is drawn."""
    size, number = QUALITIES[quality], 0
    for play in plays(exhibits.get(name).make_story(), DARK):
        for pixels, repeat in film(play, DARK, (size.width, size.height), size.rate):
            for _ in range(repeat):
                if number % EVERY == 0:
                    yield pixels
                number += 1


class Likeness:
    """Structural similarity (SSIM) of two series of frames, by ffmpeg's filter."""

    def __init__(self, width: int, height: int) -> None:
        self.graph, self.values = av.filter.Graph(), []
        about = {"width": width, "height": height, "format": "yuv420p", "time_base": Fraction(1, 30)}
        self.entries = [self.graph.add_buffer(**about) for _ in range(2)]
        measure, end = self.graph.add("ssim"), self.graph.add("buffersink")
        for index, entry in enumerate(self.entries):
            entry.link_to(measure, 0, index)
        measure.link_to(end)
        self.graph.configure()

    def add(self, first: av.VideoFrame, second: av.VideoFrame) -> None:
        """Compare two frames."""
        for entry, frame in zip(self.entries, (first, second), strict=True):
            frame.pts, frame.time_base = len(self.values), Fraction(1, 30)
            entry.push(frame)
        self.values.append(float(self.graph.pull().metadata["lavfi.ssim.All"]))

    @property
    def mean(self) -> float:
        """The mean over all frames."""
        return statistics.fmean(self.values)


def likeness(name: str, quality: str, paths: list[Path]) -> list[float]:
    """Return the SSIM of videos of a story to the frames as they are drawn."""
    size, converter = QUALITIES[quality], VideoReformatter()
    measures = [Likeness(size.width, size.height) for _ in paths]
    decoded = [(f for n, f in enumerate(av.open(str(path)).decode(video=0)) if n % EVERY == 0) for path in paths]
    for pixels, *frames in zip(raw(name, quality), *decoded, strict=True):
        wanted = converter.reformat(av.VideoFrame.from_ndarray(pixels, format="rgba"), format="yuv420p")
        for measure, frame in zip(measures, frames, strict=True):
            measure.add(frame, wanted)
    return [measure.mean for measure in measures]


def compare(name: str, quality: str, repeat: int) -> None:
    """Print one story's rows."""
    rounds = {"manim": [], "vizkit": [], "edited": []}
    with tempfile.TemporaryDirectory() as place:
        for turn in range(repeat):
            folder = Path(place, str(turn))
            folder.mkdir()
            theirs, *spent = by_manim(name, quality, folder / "manim")
            rounds["manim"].append(spent)
            ours, *spent = by_vizkit(name, quality, folder, folder / "cache")
            rounds["vizkit"].append(spent)
            size = ours.stat().st_size
            if turn == 0:
                like = likeness(name, quality, [theirs, ours])
            rounds["edited"].append(by_vizkit(name, quality, folder, folder / "cache", edited=True)[1:])
        theirs_size = theirs.stat().st_size
    print(f"{name} {quality}")
    for kind, spent in rounds.items():
        clock, work = (statistics.median(each[at] for each in spent) for at in (0, 1))
        by_clock = statistics.median(a[0] / b[0] for a, b in zip(rounds["manim"], spent, strict=True))
        by_work = statistics.median(a[1] / b[1] for a, b in zip(rounds["manim"], spent, strict=True))
        print(f"  {kind:8}{clock:8.1f} s{by_clock:8.1f} ×{work:10.1f} s of processors{by_work:8.1f} ×")
    print(f"  SSIM {like[0]:.5f} manim, {like[1]:.5f} vizkit; {size / 1e6:.2f} MB, {size / theirs_size:.2f} × manim's")


def profile(quality: str) -> None:
    """Print what the stories' drawing and encoding consist of, and the limits: cairo alone, the encoder alone."""
    size = QUALITIES[quality]
    shot = Shot(size.width, size.height, size.rate, "mp4")
    for name in STORIES:
        story = exhibits.get(name).make_story()
        planned = list(plays(story, DARK))
        spent, frames = _parts(planned, shot)
        whole = sum(length(play, shot.rate) for play in planned)
        print(f"{name} {quality}: {whole} frames, {frames} of them drawn; milliseconds for each drawn frame")
        for part, seconds in spent.items():
            print(f"  {part:34}{1000 * seconds / frames:7.2f}   {seconds:6.1f} s in all")


def _parts(planned: list[Play], shot: Shot) -> tuple[dict[str, float], int]:
    """Return the seconds of each part of the work, and the number of frames that were drawn."""
    from vizkit.animation._manim import StoryCamera
    from vizkit.render.encoding import Encoder

    spent = dict.fromkeys(
        ("all of it", "drawing", "  of it cairo and manim's camera", "the encoder and RGB to YUV"), 0.0
    )
    frames, capture = 0, StoryCamera.capture_mobjects

    def counted(camera: StoryCamera, *given: object, **more: object) -> None:
        start = time.process_time()
        capture(camera, *given, **more)
        spent["  of it cairo and manim's camera"] += time.process_time() - start

    StoryCamera.capture_mobjects = counted
    try:
        for play in planned:
            encoder, begun = Encoder(shot), time.process_time()
            encoding = 0.0
            for pixels, repeat in film(play, DARK, (shot.width, shot.height), shot.rate):
                encoding += _seconds(encoder.add, pixels, repeat)
                frames += 1
            encoding += _seconds(encoder.finish)
            spent["all of it"] += time.process_time() - begun
            spent["the encoder and RGB to YUV"] += encoding
    finally:
        StoryCamera.capture_mobjects = capture
    spent["drawing"] = spent["all of it"] - spent["the encoder and RGB to YUV"]
    return spent, frames


def _seconds(action: Callable[..., object], *given: object) -> float:
    start = time.process_time()
    action(*given)
    return time.process_time() - start


SETTINGS = {
    "x264's own (manim): medium 23": {"preset": "medium", "crf": "23"},
    "veryfast 23": {"preset": "veryfast", "crf": "23"},
    "veryfast 23, B frames fixed": {"preset": "veryfast", "crf": "23", "x264-params": "b-adapt=0"},
    "superfast 24, B frames fixed (ours)": dict(FORMATS["mp4"].moving),
    "superfast 26, B frames fixed": {**FORMATS["mp4"].moving, "crf": "26"},
    "superfast 24, no B frames": {"preset": "superfast", "crf": "24", "x264-params": "bframes=0"},
    "ultrafast 26": {"preset": "ultrafast", "crf": "26"},
}


def encoders() -> None:
    """Print time, size and likeness of settings of x264, over the moving segments of a story at 720p30."""
    shot, converter = Shot(1280, 720, 30, "mp4"), VideoReformatter()
    found = {name: [0.0, 0, Likeness(shot.width, shot.height)] for name in SETTINGS}
    for play in [play for play in plays(exhibits.get("gradient_descent").make_story(), DARK) if not play.waits]:
        frames = [
            converter.reformat(av.VideoFrame.from_ndarray(pixels, format="rgba"), format="yuv420p")
            for pixels, _ in film(play, DARK, (shot.width, shot.height), shot.rate)
        ]
        for name, options in SETTINGS.items():
            packets, seconds = _encoded(frames, shot, options)
            found[name][0] += seconds
            found[name][1] += sum(map(len, packets))
            for frame, wanted in zip(
                av.open(BytesIO(b"".join(packets)), format="h264").decode(video=0), frames, strict=True
            ):
                found[name][2].add(frame, wanted)
    least = found[next(iter(SETTINGS))]
    for name, (seconds, size, measure) in found.items():
        each = 1000 * seconds / len(measure.values)
        print(f"{name:38}{each:6.2f} ms a frame{size / least[1]:8.2f} × the size   SSIM {measure.mean:.5f}")


def _encoded(frames: list[av.VideoFrame], shot: Shot, options: dict[str, str]) -> tuple[list[bytes], float]:
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = shot.width, shot.height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, shot.rate), Fraction(shot.rate)
    codec.options = {**options, "threads": "1"}
    start, packets = time.process_time(), []
    for number, frame in enumerate([*frames, None]):
        if frame is not None:
            frame.pts, frame.time_base = number, Fraction(1, shot.rate)
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return packets, time.process_time() - start


def frames_a_second(quality: str) -> None:
    """Print how many frames of the convolution story, with numbers in every cell, are made in a second."""
    with tempfile.TemporaryDirectory() as folder:
        path, clock, _ = by_vizkit("convolution", quality, Path(folder), Path(folder, "cache"))
        with av.open(str(path)) as made:
            frames = sum(1 for _ in made.decode(video=0))
    print(f"convolution {quality}: {frames} frames in {clock:.1f} s, {frames / clock:.0f} a second;", end=" ")
    print(f"{frames / clock / MANIMML:.1f} × ManimML's {MANIMML:.0f} (stated in the issue, at 720p30, without numbers)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("stories", "scaling", "profile", "encoders", "frames", "one"))
    parser.add_argument("--quality", default="qm", choices=tuple(QUALITIES))
    parser.add_argument("--story", action="append", choices=tuple(STORIES))
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--edited", action="store_true")
    options = parser.parse_args()
    if options.what == "one":
        one(options.story[0], options.quality, options.output, options.edited)
    elif options.what == "stories":
        for name in options.story or STORIES:
            compare(name, options.quality, options.repeat)
    elif options.what == "scaling":
        from render_scaling import main as scaling

        scaling()
    elif options.what == "profile":
        profile(options.quality)
    elif options.what == "encoders":
        encoders()
    else:
        frames_a_second(options.quality)


if __name__ == "__main__":
    main()
