"""Making the segments of a video: from the cache where they are there, else by an executor, the longest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from vizkit.render.cache import Cache
from vizkit.render.jobs import Executor, Job
from vizkit.render.processes import Here, Processes
from vizkit.render.segments import Segment

__all__ = ["Made", "Progress", "executor_for", "lanes", "make", "singles"]

Progress = Callable[[float, str], None]
Plan = Callable[[Sequence[Job], int], list[list[Job]]]

START = 1.5  # seconds until a new process draws


class Made:
    """The segments of a video in their order, each read from its file when it is needed."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths

    def __iter__(self) -> Iterator[Segment]:
        for path in self.paths:
            yield Segment.from_bytes(path.read_bytes())


def executor_for(cost: float, workers: int) -> Executor:
    """Return what carries out work of so many expected seconds with at most so many processes."""
    useful = min(workers, int(cost / START))
    return Processes(useful) if useful > 1 else Here()


def singles(jobs: Sequence[Job], workers: int) -> list[list[Job]]:
    """Return each job as a batch of its own, the longest first."""
    return [[job] for job in sorted(jobs, key=lambda job: job.cost, reverse=True)]


def lanes(jobs: Sequence[Job], workers: int) -> list[list[Job]]:
    """Return one batch of about equal cost for each worker, in the order of the video.

    Each job, the longest first, goes to the batch that has the least (R. L. Graham's rule, 1969).
    """
    found: list[list[int]] = [[] for _ in range(workers)]
    costs = [0.0] * workers
    for index in sorted(range(len(jobs)), key=lambda each: jobs[each].cost, reverse=True):
        least = min(range(workers), key=costs.__getitem__)
        found[least].append(index)
        costs[least] += jobs[index].cost
    batches = [[jobs[index] for index in sorted(lane)] for lane in found if lane]
    return sorted(batches, key=lambda batch: sum(job.cost for job in batch), reverse=True)


def make(
    jobs: Sequence[Job],
    folder: Path,
    executor: Executor | int,
    *,
    cache: Cache | None = None,
    source: bytes = b"",
    plan: Plan = singles,
    progress: Progress | None = None,
    check: Callable[[Job, bytes], None] | None = None,
) -> Made:
    """Make the segments of jobs.

    Parameters
    ----------
    jobs
        In the order of the video.
    folder
        For the segments' files, until they are joined.
    executor
        Who carries them out, or how many processes there may be.
    cache
        Where segments are looked for and kept; none where it is None.
    source
        What the jobs share, see `vizkit.render.jobs.render_segment`.
    plan
        Divides the jobs that are left among workers.
    progress
        Is told the share of the work that is done, 0 to 1, and a job's name.
    check
        Is shown each segment before it is kept, to raise what is wrong with it.

    Raises
    ------
    VizkitError
        What went wrong; the segments that were finished are in the cache.
    """
    paths = {id(job): folder / f"{number:05d}.segment" for number, job in enumerate(jobs)}
    left = [job for job in jobs if not _cached(job, paths[id(job)], cache)]
    alike: dict[str, list[Job]] = {}  # of jobs with one key, one is carried out
    for job in left:
        alike.setdefault(job.key or str(id(job)), []).append(job)
    todo = [same[0] for same in alike.values()]
    whole, done = sum(job.cost for job in todo), 0.0
    for job, content in _carried_out(todo, executor, source, plan):
        if check is not None:
            check(job, content)
        if cache is not None and job.key:
            cache.put(job.key, content)
        for same in alike[job.key] if job.key else [job]:
            paths[id(same)].write_bytes(content)
        done += job.cost
        if progress is not None:
            progress(min(done / whole, 1.0), job.name)
    if cache is not None:
        cache.prune()
    return Made(list(paths.values()))


def _cached(job: Job, path: Path, cache: Cache | None) -> bool:
    """Copy a job's segment from the cache; say whether it was there."""
    content = cache.get(job.key) if cache is not None and job.key else None
    if content is None:
        return False
    path.write_bytes(content)
    return True


def _carried_out(
    todo: Sequence[Job], executor: Executor | int, source: bytes, plan: Plan
) -> Iterator[tuple[Job, bytes]]:
    """Yield each job with its segment; an executor that is made here is closed here."""
    if not todo:
        return
    if not isinstance(executor, int):
        yield from executor.run(plan(todo, executor.workers), source)
        return
    with closing(executor_for(sum(job.cost for job in todo), executor)) as found:
        yield from found.run(plan(todo, found.workers), source)
