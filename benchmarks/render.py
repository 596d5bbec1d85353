"""Rendering against manim, as ratios in one run, and where the time goes.

usage: python benchmarks/render.py stories [--quality qm] [--repeat R] [--story NAME ...]
       python benchmarks/render.py scaling
       python benchmarks/render.py profile [--quality qm]
       python benchmarks/render.py encoders [--format webm]
       python benchmarks/render.py frames [--quality qm] [--repeat R] [--manimml PYTHON]

``stories`` renders each story by manim and by vizkit, in turn, each from nothing; then by vizkit with one caption
changed. Beside the time by the clock stands the processors' time of all processes, which other work on the machine
changes less. What the changed caption makes to be drawn is measured alone too. SSIM is that of every fifth frame to the
frame as it was drawn. ``scaling`` measures each segment of a scene of 200 and simulates workers; ``profile`` takes the
stories' drawing and encoding apart, and says how far they are from cairo and the encoder alone; ``encoders`` compares
settings of x264 or libvpx; ``frames`` counts frames per second of the convolution story, beside ManimML where a
Python has it (``requirements/manimml.txt``). Set-up of numbers on screen is in ``labels.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from render_likeness import Likeness

from vizkit import exhibits
from vizkit.animation.filming import film
from vizkit.animation.script import plays
from vizkit.render import QUALITIES, video
from vizkit.render.formats import Shot
from vizkit.render.jobs import render_segment
from vizkit.render.stories import jobs
from vizkit.stories.story import Story
from vizkit.theme import DARK
from vizkit.views.text import words

ROOT = Path(__file__).parents[1]
STORIES = {"backprop": "Backprop", "convolution": "Convolution", "gradient_descent": "GradientDescent"}
EVERY = 5  # frames between two whose likeness is measured


def timed(command: list[str], **environment: str) -> tuple[float, float, str]:
    """Run a command; return its seconds by the clock and of the processors, and what it printed."""
    clock, work = time.perf_counter(), processors(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment})
    return time.perf_counter() - clock, processors(resource.RUSAGE_CHILDREN) - work, done.stdout


def processors(*whose: int) -> float:
    """Return the processors' seconds of this process, or of those that it has waited for."""
    return sum(spent.ru_utime + spent.ru_stime for spent in map(resource.getrusage, whose))


def by_manim(name: str, quality: str, folder: Path) -> tuple[Path, float, float]:
    """Render a story's scene file by the manim command."""
    options = [f"-{quality}", "--disable_caching", "--media_dir", str(folder), "--progress_bar", "none"]
    spent = timed([sys.executable, "-m", "manim", "render", *options, str(ROOT / "scenes" / f"{name}.py")])[:2]
    return next(path for path in folder.rglob(f"{STORIES[name]}.mp4")), *spent


def by_vizkit(name: str, quality: str, folder: Path, cache: Path, edited: bool = False) -> tuple[Path, float, float]:
    """Render a story by vizkit, in a process of its own; ``edited`` with another caption of its middle beat."""
    path = folder / "vizkit.mp4"
    command = [sys.executable, __file__, "one", "--story", name, "--quality", quality, "--output", str(path)]
    return path, *timed(command + ["--edited"] * edited, VIZKIT_CACHE=str(cache))[:2]


def one(name: str, quality: str, path: Path, edited: bool) -> None:
    """Render one story, as a process of its own; print its frames and the seconds without start and imports."""
    clock, work = time.perf_counter(), processors(resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    story = exhibits.get(name).make_story()
    video(with_another_caption(story) if edited else story, path, quality)
    clock, work = time.perf_counter() - clock, processors(resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN) - work
    with av.open(str(path)) as written:
        frames = written.streams.video[0].frames
    print(json.dumps({"clock": clock, "work": work, "frames": frames}))


def with_another_caption(story: Story) -> Story:
    """Return a story of which the middle beat's caption was edited."""
    at = len(story.beats) // 2
    beat = replace(story.beats[at], caption=words("This caption was changed."))
    return replace(story, beats=(*story.beats[:at], beat, *story.beats[at + 1 :]))


def changed(name: str, quality: str) -> tuple[float, float]:
    """Return the seconds, by the clock and of the processor, of drawing and encoding what an edit changes."""
    size, story = QUALITIES[quality], exhibits.get(name).make_story()
    shot = Shot(size.width, size.height, size.rate, "mp4")
    kept = {job.key for job in jobs(story, DARK, shot)}
    work = [job for job in jobs(with_another_caption(story), DARK, shot) if job.key not in kept]
    clock, spent = time.perf_counter(), time.process_time()
    for job in work:
        render_segment(job)
    return time.perf_counter() - clock, time.process_time() - spent


def raw(name: str, quality: str) -> Iterator[np.ndarray]:
    """Yield every fifth frame of a story as it is drawn."""
    size, number = QUALITIES[quality], 0
    for play in plays(exhibits.get(name).make_story(), DARK):
        for pixels, repeat in film(play, DARK, (size.width, size.height), size.rate):
            for _ in range(repeat):
                if number % EVERY == 0:
                    yield pixels
                number += 1


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
    rounds, alone = {"manim": [], "vizkit": [], "edited": []}, []
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
            alone.append(changed(name, quality))
        theirs_size = theirs.stat().st_size
    print(f"{name} {quality}")
    for kind, spent in rounds.items():
        clock, work = (statistics.median(each[at] for each in spent) for at in (0, 1))
        by_clock = statistics.median(a[0] / b[0] for a, b in zip(rounds["manim"], spent, strict=True))
        by_work = statistics.median(a[1] / b[1] for a, b in zip(rounds["manim"], spent, strict=True))
        print(f"  {kind:8}{clock:8.1f} s{by_clock:8.1f} ×{work:10.1f} s of processors{by_work:8.1f} ×")
    beat = [statistics.median(column) for column in zip(*alone, strict=True)]
    whole = [statistics.median(column) for column in zip(*rounds["edited"], strict=True)]
    print(f"  edited: {beat[0]:.1f} s for what changed and {whole[0] - beat[0]:.1f} s besides;", end=" ")
    print(f"of processors {beat[1]:.1f} s and {whole[1] - beat[1]:.1f} s")
    print(f"  SSIM {like[0]:.5f} manim, {like[1]:.5f} vizkit; {size / 1e6:.2f} MB, {size / theirs_size:.2f} × manim's")


def frames_a_second(quality: str, manimml: str | None, repeat: int) -> None:
    """Print how many frames of the convolution story, with numbers in every cell, are made in a second.

    By the clock and by the processors, of the processes as a whole and without the start of Python and the imports.
    """
    rounds = []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append({peer: rates(peer, quality, manimml, Path(folder)) for peer in _peers(manimml)})
    print(f"frames a second, {quality}{'':13}by the clock{'':4}of processors{'':4}without start{'':4}of processors")
    for peer in rounds[0]:
        print(f"  {peer:22}" + "".join(f"{each:17.1f}" for each in _medians([each[peer] for each in rounds])))
    if manimml:
        ratios = [[a / b for a, b in zip(*each.values(), strict=True)] for each in rounds]
        print(f"  {'ratio':22}" + "".join(f"{each:15.1f} ×" for each in _medians(ratios)))


def _peers(manimml: str | None) -> list[str]:
    return ["vizkit", "ManimML"] if manimml else ["vizkit"]


def _medians(rows: list[list[float]]) -> list[float]:
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def rates(peer: str, quality: str, manimml: str | None, folder: Path) -> list[float]:
    """Return the frames a second of the convolution story, or of ManimML's, by the Python that has it."""
    size = QUALITIES[quality]
    command = [sys.executable, __file__, "one", "--story", "convolution", "--quality", quality]
    command += ["--output", str(folder / "vizkit.mp4")]
    if peer == "ManimML":
        shape = [str(each) for each in (size.width, size.height, size.rate)]
        command = [manimml or "", str(ROOT / "benchmarks" / "peers" / "manimml.py"), *shape, str(folder)]
    clock, work, told = timed(command, VIZKIT_CACHE=str(folder / "cache"))
    inner = json.loads(told.splitlines()[-1])
    return [inner["frames"] / seconds for seconds in (clock, work, inner["clock"], inner["work"])]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("stories", "scaling", "profile", "encoders", "frames", "one"))
    parser.add_argument("--quality", default="qm", choices=tuple(QUALITIES))
    parser.add_argument("--story", action="append", choices=tuple(STORIES))
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--edited", action="store_true")
    parser.add_argument("--format", default="mp4", choices=("mp4", "webm"))
    parser.add_argument("--manimml", metavar="PYTHON", help="of an environment with requirements/manimml.txt")
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
        from render_parts import profile

        size = QUALITIES[options.quality]
        profile(options.story or STORIES, Shot(size.width, size.height, size.rate, "mp4"))
    elif options.what == "encoders":
        from render_parts import encoders

        encoders(options.format)
    else:
        frames_a_second(options.quality, options.manimml, options.repeat)


if __name__ == "__main__":
    main()
