"""Workers side by side, simulated from the measured seconds of each segment; for `render.py scaling`."""

from __future__ import annotations

import heapq
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from vizkit.exhibits import get
from vizkit.render import scenes, stories
from vizkit.render.engine import lanes, singles
from vizkit.render.formats import Shot
from vizkit.render.jobs import Job, render_segment
from vizkit.render.queues import next_job
from vizkit.render.sessions import Session, Source
from vizkit.theme import DARK

SHOT = Shot(1280, 720, 30, "mp4")
START = 1.5  # seconds until a new process draws: Python, manim, NumPy
CROWDS = (1, 2, 4, 8, 16, 32, 100)
STORIES = ("backprop", "convolution", "gradient_descent")


@dataclass
class Measured:
    """A video's jobs with the seconds that each takes to draw and to walk past, and those of looking through it all."""

    name: str
    jobs: list[Job]
    draws: list[float]
    walks: list[float]
    survey: float

    @property
    def places(self) -> dict[int, int]:
        """The place of each job in the video."""
        return {id(job): place for place, job in enumerate(self.jobs)}


@dataclass
class Worker:
    """A simulated worker: the play that its scene waits at, and what of its batch it has not begun."""

    at: int = 0
    batch: list[Job] = field(default_factory=list)


def seconds(action, *given):
    """Return how long a call takes, and what it returns."""
    start = time.process_time()
    found = action(*given)
    return time.process_time() - start, found


def measured_scene(folder: Path) -> Measured:
    """Measure the scene of 200 segments."""
    file = Path(__file__).with_name("scaling_scene.py")
    source = Source(str(file), "Scaling", str(folder), str(folder))
    scenes.survey(source, SHOT)  # manim draws its texts' outlines into files the first time
    survey, found = seconds(scenes.survey, source, SHOT)
    session, walks = Session(source, SHOT), []
    while not session.over:
        walks.append(seconds(session.walk)[0])
    work = scenes.jobs(found, SHOT)
    draws = [seconds(render_segment, job, source.to_bytes())[0] for job in work]
    return Measured("a scene", work, draws, walks, survey)


def measured_stories() -> Measured:
    """Measure the segments of the three stories, as those of one video: no scene has to be walked through."""
    planned, work = seconds(
        lambda: [job for name in STORIES for job in stories.jobs(get(name).make_story(), DARK, SHOT)]
    )
    draws = [seconds(render_segment, job)[0] for job in work]
    return Measured("the stories", work, draws, [0.0] * len(work), planned)


def simulated(video: Measured, workers: int, walked: bool) -> float:
    """Return the seconds in which so many workers make a video."""
    waiting = (lanes if walked else singles)(video.jobs, workers)
    crowd, places = [Worker() for _ in range(workers)], video.places
    clock = [(START + video.survey, number) for number in range(workers)]
    end = START + video.survey
    while clock:
        now, number = heapq.heappop(clock)
        worker = crowd[number]
        job = next_job(worker, waiting, crowd)
        if job is None:
            continue
        place = places[id(job)]
        first = worker.at if worker.at <= place else 0  # what lies behind is built anew
        now += sum(video.walks[first:place]) + video.draws[place]
        worker.at, end = place + 1, max(end, now)
        heapq.heappush(clock, (now, number))
    return end


def report(video: Measured, walked: bool) -> None:
    """Print how a video's time falls with workers, and what limits it."""
    alone = simulated(video, 1, walked)
    print(f"{video.name}: {len(video.jobs)} segments, {sum(video.draws):.1f} s of drawing and encoding,")
    print(f"  longest segment {max(video.draws):.2f} s, looked through in {video.survey:.2f} s,", end=" ")
    print(f"walked past in {sum(video.walks):.2f} s, a process starts in {START} s")
    for workers in CROWDS:
        spent = simulated(video, workers, walked)
        print(f"  {workers:4} workers {spent:8.1f} s   efficiency {alone / spent / workers:6.1%}")
    least = START + video.survey + max(sum(video.walks), max(video.draws))
    print(f"  no number of workers is faster than {least:.1f} s: start, look through, walk to the end")


def main() -> None:
    """Measure and simulate."""
    with tempfile.TemporaryDirectory() as folder:
        report(measured_scene(Path(folder)), walked=True)
    report(measured_stories(), walked=False)
