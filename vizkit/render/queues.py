"""Who takes which job next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vizkit.render.jobs import Job

__all__ = ["HasBatch", "next_job"]


class HasBatch(Protocol):
    """A worker, with the jobs of its batch that it has not begun."""

    batch: list[Job]


def next_job(worker: HasBatch, waiting: list[list[Job]], workers: Sequence[HasBatch]) -> Job | None:
    """Return a worker's next job: of its batch, of the first batch that waits, or of another worker's batch."""
    if not worker.batch:
        worker.batch = waiting.pop(0) if waiting else _half(workers)
    return worker.batch.pop(0) if worker.batch else None


def _half(workers: Sequence[HasBatch]) -> list[Job]:
    """Take away the later half of the batch that has the most left."""
    longest = max(workers, key=lambda worker: sum(job.cost for job in worker.batch)).batch
    kept = (len(longest) + 1) // 2
    taken = longest[kept:]
    del longest[kept:]
    return taken
