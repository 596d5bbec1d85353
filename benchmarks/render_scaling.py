"""Workers side by side, simulated from the measured seconds of each segment; for `render.py scaling`.

usage: python benchmarks/render_scaling.py [--quality qm qh] [--repeat 2]

A scene of 200 segments is rendered by one worker, and each process says how many seconds of a processor it took: the
one that walks through the scene, for each play and for each copy that it makes of itself; and each copy, for drawing,
encoding and comparing its play (`vizkit.render.forks`). Of several runs the least counts for each. From these a
simulation takes the time with more workers: all processes share as many cores as there are workers, none goes on
before what it waits for, and what one process does alone (starting, taking in segments, joining) counts in full. The
same for workers of a cluster, who walk to their plays after one has looked through the scene, and for the stories,
whose segments need neither.
"""

from __future__ import annotations

import argparse
import heapq
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from vizkit.exhibits import get
from vizkit.render import quality, scenes, stories, troupes
from vizkit.render.engine import lanes, singles
from vizkit.render.finishing import finish
from vizkit.render.formats import Shot
from vizkit.render.jobs import Job, render_segment
from vizkit.render.parts import Parts
from vizkit.render.processes import Processes
from vizkit.render.queues import next_job
from vizkit.render.sessions import Source
from vizkit.theme import DARK

SCENE = Path(__file__).with_name("scaling_scene.py")
CROWDS = (1, 2, 4, 8, 16, 32, 100)
STORIES = ("backprop", "convolution", "gradient_descent")


@dataclass
class Measured:
    """The processor's seconds of what makes a video.

    Attributes
    ----------
    name
        Of the video.
    jobs
        Its segments.
    light, loading
        Of this process until it starts another, and then until it is ready.
    start
        Of a new process until it can work.
    walks
        To each play from the one before it, and from the last one to the end.
    copies
        Of the process that leads, for a copy at each play.
    draws
        Of each play, in the process that draws it.
    taking
        Of this process, for all segments.
    joining
        Of this process, when all are there.
    survey
        Of looking through the scene with all fingerprints, as it is done for a cluster.
    """

    name: str
    jobs: list[Job]
    walks: list[float]
    copies: list[float]
    draws: list[float]
    taking: float = 0.0
    joining: float = 0.0
    survey: float = 0.0
    light: float = 0.0
    loading: float = 0.0
    start: float = 0.0


def seconds(action, *given):
    """Return how long a call takes, and what it returns."""
    start = time.process_time()
    found = action(*given)
    return time.process_time() - start, found


def loading(modules: str) -> float:
    """Return the processor's seconds in which a new process starts and loads modules."""
    found = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", f"import {modules}"], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found)


# -- measuring a scene -----------------------------------------------------------------------------


def timed_work(*given) -> None:
    """Lead a scene as `vizkit.render.troupes` does, and let each process write its seconds beside the segments."""
    from vizkit.render import forks

    marks = []
    lead, play, over, say = forks._Led.survey, forks._Leader.play, forks._Leader.over, forks._Artist.say

    def timed_lead(self):
        timed_lead.folder = Path(self.source.media)
        marks.append(time.process_time())
        return lead(self)

    def timed_play(self, scene):
        marks.append(time.process_time())
        found = play(self, scene)  # here one process becomes two
        marks.append(time.process_time())
        return found

    def timed_over(self, scene):
        marks.append(time.process_time())
        (timed_lead.folder / "leader").write_text(" ".join(map(repr, marks)))
        return over(self, scene)

    def timed_say(self, outcome):
        (timed_lead.folder / f"artist {self.index}").write_text(repr(time.process_time()))  # a copy's clock begins at 0
        say(self, outcome)

    forks._Led.survey = timed_lead
    forks._Leader.play, forks._Leader.over, forks._Artist.say = timed_play, timed_over, timed_say
    troupes._work(*given)


@contextmanager
def timing():
    """Let scenes that are made in the block be led by `timed_work`."""
    work, troupes._work = troupes._work, timed_work
    try:
        yield
    finally:
        troupes._work = work


def rendered(shot: Shot) -> Measured:
    """Render the scene by one worker."""
    with tempfile.TemporaryDirectory() as name, timing():
        folder = Path(name)
        # It lies beside this module, which so is forgotten there, and does not count as the scene's own code.
        source = Source(str(SCENE), "Scaling", name, name)
        taking, (found, made) = seconds(Parts(source, shot, folder, Processes(1), None, None).made, False)
        joining, _ = seconds(finish, made, shot, folder / "scene.mp4", folder)
        marks = [float(mark) for mark in (folder / "leader").read_text().split()]
        draws = [float((folder / f"artist {play}").read_text()) for play in range(len(found.plays))]
    steps = [after - before for before, after in pairwise(marks)]
    work = [
        Job("", "", scenes.cost(play, shot), "scene", shot, {"play": each}) for each, play in enumerate(found.plays)
    ]
    return Measured("a scene", work, steps[::2], steps[1::2], draws, taking, joining)


def surveyed(shot: Shot) -> float:
    """Return the seconds of looking through the scene."""
    with tempfile.TemporaryDirectory() as name:
        file = shutil.copy(SCENE, name)  # what lies beside a scene is loaded anew, and here this module must stay
        return seconds(scenes.survey, Source(str(file), "Scaling", name, name), shot)[0]


def least(runs: list[Measured]) -> Measured:
    """Return the least that each part took in several runs."""
    found = runs[0]
    for other in runs[1:]:
        for name in ("walks", "copies", "draws"):
            setattr(found, name, list(map(min, getattr(found, name), getattr(other, name))))
        found.taking, found.joining = min(found.taking, other.taking), min(found.joining, other.joining)
    return found


def measured_scene(shot: Shot, repeat: int) -> Measured:
    """Measure the scene of 200 segments."""
    found = least([rendered(shot) for _ in range(repeat)])
    found.survey = min(surveyed(shot) for _ in range(repeat))
    return started(found)


def started(video: Measured) -> Measured:
    """Note how long processes take to start."""
    video.light, video.start = loading("vizkit.render"), loading("vizkit.render.forks")
    video.loading = loading("vizkit.render.films") - video.light
    return video


def measured_stories(shot: Shot) -> Measured:
    """Measure the segments of the three stories, as those of one video: no scene has to be walked through."""
    planned, work = seconds(
        lambda: [job for name in STORIES for job in stories.jobs(get(name).make_story(), DARK, shot)]
    )
    draws = [seconds(render_segment, job)[0] for job in work]
    return started(Measured("the stories", work, [0.0] * (len(work) + 1), [], draws, survey=planned))


# -- simulating ------------------------------------------------------------------------------------


@dataclass
class Shared:
    """Processes that share cores: what each has left to do, in seconds of a core."""

    cores: int
    left: dict[str, float] = field(default_factory=dict)
    now: float = 0.0

    def next(self) -> list[str]:
        """Go on until some process has done its work, and return which."""
        rate = min(1.0, self.cores / len(self.left))
        step = min(self.left.values())
        self.now += step / rate
        self.left = {name: left - step for name, left in self.left.items()}
        done = [name for name, left in self.left.items() if left <= 1e-9]
        for name in done:
            del self.left[name]
        return done


def by_copies(video: Measured, workers: int) -> float:
    """Return the seconds in which a video is made by one process that leads and as many copies as there are workers.

    The process that leads starts while this one loads what it needs. One more copy runs ahead to say how much there is
    to do. This process takes in segments while others draw.
    """
    shared, drawing, play, walked = Shared(workers, now=video.light), 0, 0, False
    shared.left = {"this": video.loading, "start": video.start}
    plays, taking = len(video.draws), video.taking / len(video.draws)
    while shared.left:
        for name in shared.next():
            if name in ("this", "start"):
                shared.left |= {} if shared.left else {"leader": video.walks[0]}
            elif name == "leader":
                walked = True
            elif name == "leader copies":
                shared.left[f"copy {play}"] = video.draws[play] + taking
                shared.left |= {"scout": sum(video.walks[1:])} if play == 0 else {}
                play, drawing = play + 1, drawing + 1
                shared.left["leader"] = video.walks[play]
            elif name != "scout":
                drawing -= 1
        if walked and play < plays and drawing < workers:
            walked = False
            shared.left["leader copies"] = video.copies[play]
    return shared.now + video.joining


@dataclass
class Worker:
    """A worker that walks: the play that its scene waits at, and what of its batch it has not begun."""

    at: int = 0
    batch: list[Job] = field(default_factory=list)


def by_walkers(video: Measured, workers: int) -> float:
    """Return the seconds in which workers of a cluster make a video, each of which walks to its plays."""
    places = {id(job): place for place, job in enumerate(video.jobs)}
    waiting = (lanes if sum(video.walks) else singles)(video.jobs, workers)
    crowd = [Worker() for _ in range(workers)]
    begun = video.light + video.loading + video.start + video.survey
    clock, end = [(begun, number) for number in range(workers)], begun
    while clock:
        now, number = heapq.heappop(clock)
        worker = crowd[number]
        job = next_job(worker, waiting, crowd)
        if job is None:
            continue
        place = places[id(job)]
        first = worker.at if worker.at <= place else 0  # what lies behind is built anew
        now += sum(video.walks[first : place + 1]) + video.draws[place]
        worker.at, end = place + 1, max(end, now)
        heapq.heappush(clock, (now, number))
    return end + video.taking / workers + video.joining


def table(title: str, alone: float, spent: Callable[[int], float]) -> None:
    """Print how the time falls with workers."""
    print(f"  {title}")
    for workers in CROWDS:
        print(f"    {workers:4} workers {spent(workers):8.1f} s   efficiency {alone / spent(workers) / workers:6.1%}")


def report_scene(shot: Shot, repeat: int) -> None:
    """Print what limits a scene."""
    video = measured_scene(shot, repeat)
    begin, walk = video.light + max(video.start, video.loading), sum(video.walks) + sum(video.copies)
    print(f"a scene at {shot.height}p{shot.rate}: {len(video.jobs)} segments")
    print(f"  {sum(video.draws):.1f} s of drawing, encoding and comparing, the longest {max(video.draws):.2f} s")
    print(f"  {begin:.2f} s until the scene begins, {walk:.2f} s of walking through it with a copy at each play")
    print(
        f"  ({sum(video.walks):.2f} and {sum(video.copies):.2f}), {video.taking:.2f} s of taking in segments,", end=" "
    )
    print(f"{video.joining:.2f} s of joining them")
    alone, eight = by_copies(video, 1), by_copies(video, 8)
    table("copies on one computer", alone, lambda workers: by_copies(video, workers))
    least = begin + max(walk, max(video.draws)) + video.draws[-1] + video.joining
    print(f"    No number of workers is faster than {least:.1f} s: the beginning, the walk, the last play, joining.")
    print(f"    At 8, the beginning and joining, where one process works, are {(begin + video.joining) / eight:.0%}.")
    table("workers of a cluster, who walk", alone, lambda workers: by_walkers(video, workers))
    begin = video.light + video.loading + video.start
    least = begin + video.survey + sum(video.walks) + video.joining
    print(f"    No number of workers is faster than {least:.1f} s: the beginning, looking through the scene", end=" ")
    print(f"({video.survey:.1f} s), the walk to its end, joining.")


def report_stories(shot: Shot) -> None:
    """Print how the stories' time falls with workers."""
    video = measured_stories(shot)
    print(
        f"the stories at {shot.height}p{shot.rate}: {len(video.jobs)} segments, {sum(video.draws):.1f} s, the", end=" "
    )
    print(f"longest {max(video.draws):.2f} s, planned in {video.survey:.2f} s")
    table("processes", by_walkers(video, 1), lambda workers: by_walkers(video, workers))


def main(qualities: tuple[str, ...] = ("qm", "qh"), repeat: int = 2) -> None:
    """Measure and simulate."""
    for name in qualities:
        size = quality.quality_of(name)
        shot = Shot(size.width, size.height, size.rate, "mp4")
        report_scene(shot, repeat)
        report_stories(shot)


def read_options() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quality", nargs="+", default=["qm", "qh"], choices=tuple(quality.QUALITIES))
    parser.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    main(tuple(options.quality), options.repeat)


if __name__ == "__main__":
    from render_scaling import read_options  # processes find what stands in modules, not what stands in programs

    read_options()
