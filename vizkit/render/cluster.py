"""Carrying out jobs on a Dask cluster: a running scheduler, or one on this computer.

Dask carries bytes back and forth and says who is there. Who gets which job is decided here: each worker
has one job at a time, so that a lost one costs one segment, and a worker that has built a scene gets
the plays that follow. A worker that goes away, or hangs, loses its job to another; one that joins late gets
the next; one that has other versions gets none.
"""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vizkit.errors import ArgumentError, RenderError, missing_extra
from vizkit.render.answers import segment_in
from vizkit.render.bundles import packed
from vizkit.render.children import apart
from vizkit.render.jobs import Job
from vizkit.render.queues import next_job
from vizkit.render.remote import LOST, carry_out, greet
from vizkit.render.sessions import Source
from vizkit.render.stamps import code, libraries, stamp

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Cluster"]

LOOK = 0.25  # seconds between two looks at who is there
DEATHS = 3  # workers that one job may outlive
SLOWER = 30  # how many times as long as expected a job may take, beyond the patience, before its worker counts as hung


@dataclass
class _Worker:
    """A worker that matches, its job, and those of its batch that it has not begun."""

    address: str
    batch: list[Job] = field(default_factory=list)
    job: Job | None = None
    future: Future | None = None
    until: float = 0.0


class Cluster:
    """Carries out jobs on a cluster; used in a ``with`` block.

    Parameters
    ----------
    address
        Of a running Dask scheduler, as ``tcp://host:8786``; or ``"local"`` for one on this computer.
    patience
        Seconds that it waits: for the scheduler, for workers while there are none, and for a worker that does not
        answer.
    workers
        How many processes a ``"local"`` cluster has; one for each core when None.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    ArgumentError
        If it is no address.
    RenderError
        If there is no scheduler at the address.

    Examples
    --------
    ::

        with Cluster("tcp://10.0.0.5:8786") as cluster:
            video(story, "story.mp4", jobs=cluster)
    """

    def __init__(self, address: str, *, patience: float = 60.0, workers: int | None = None) -> None:
        if not isinstance(address, str) or not address:
            raise ArgumentError(f"A cluster is the address of a Dask scheduler, or 'local'; {address!r} was given.")
        self.address, self.patience = address, patience
        self._here, self.client = _connect(address, patience, workers)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cluster; one on this computer is ended."""
        self.client.close(timeout=5)
        if self._here is not None:
            self._here.close(timeout=5)

    @property
    def workers(self) -> int:
        """How many workers there are just now, at least 1."""
        return max(1, len(self.present()))

    @property
    def contact(self) -> str:
        """The address of its scheduler, by which others can join it too."""
        return self.client.scheduler.address

    def present(self) -> set[str]:
        """Return the addresses of all workers.

        Raises
        ------
        RenderError
            If the scheduler has gone away.
        """
        gone = RenderError(
            f"The Dask scheduler at {self.address!r} went away. The segments that were finished are kept in"
            " the cache; the same command goes on from there."
        )
        if self.client.status != "running":
            raise gone
        try:
            return set(self.client.nthreads(callback_timeout=self.patience))
        except (OSError, TimeoutError, RuntimeError) as error:  # how Dask says that a connection is lost
            raise gone from error

    def run(self, batches: Sequence[Sequence[Job]], source: bytes) -> Iterator[tuple[Job, bytes]]:
        """Yield each job with its segment; see `vizkit.render.jobs.Executor`.

        Raises
        ------
        RenderError
            If the scheduler goes away, if there are no workers for too long, or if a job fails.
        """
        run = _Run(self, packed(Source.from_bytes(source)) if source else b"")
        try:
            yield from run.segments([list(batch) for batch in batches if batch])
        finally:
            run.abandon()


def _connect(address: str, patience: float, workers: int | None) -> tuple[Any, Client]:
    try:
        from distributed import Client, LocalCluster
        from distributed.comm import get_address_host_port
    except ImportError as error:
        raise missing_extra("distributed", "cluster") from error
    if address == "local":
        with apart():
            here = LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0")
        return here, Client(here, set_as_default=False)
    try:
        get_address_host_port(address)  # first, because a client that was never one cannot be ended
    except ValueError as error:
        raise ArgumentError(
            f"A cluster is the address of a Dask scheduler, as tcp://10.0.0.5:8786, or 'local'; {address!r} was given:"
            f" {error}."
        ) from error
    try:
        return None, Client(address, timeout=min(patience, 10), set_as_default=False)
    except OSError as error:  # also when nobody answers in time
        raise RenderError(
            f"There is no Dask scheduler at {address!r}: {error}. Start one with `dask scheduler`,"
            " and workers with `dask worker ADDRESS --nthreads 1`."
        ) from error


class _Run:
    """The jobs of one video on their way through the cluster."""

    def __init__(self, cluster: Cluster, bundle: bytes) -> None:
        self.cluster, self.client, self.patience = cluster, cluster.client, cluster.patience
        self.bundle = bundle
        self.files = hashlib.sha256(bundle).hexdigest() if bundle else ""  # by which a worker knows them
        self.workers: dict[str, _Worker] = {}  # those that match
        self.greeted: dict[str, tuple[Future, float]] = {}  # those that have not answered yet
        self.refused: set[str] = set()
        self.deaths: dict[int, int] = {}
        self.news: SimpleQueue[tuple[str, Future]] = SimpleQueue()
        self.alone_since: float | None = None

    def segments(self, waiting: list[list[Job]]) -> Iterator[tuple[Job, bytes]]:
        """Yield each job with its segment."""
        left = sum(map(len, waiting))
        while left:
            self._look(waiting)
            for worker in self.workers.values():
                if worker.job is None:
                    self._hand_out(worker, waiting)
            for worker, outcome in self._arrived():
                job, worker.job, worker.future = worker.job, None, None
                if outcome == LOST:
                    worker.job = job
                    self._lose(worker, waiting, "lost the process that drew")
                    continue
                left -= 1
                self._hand_out(worker, waiting)
                yield job, segment_in(outcome, job.name)

    def abandon(self) -> None:
        """Take back what is still going on."""
        begun = [worker.future for worker in self.workers.values() if worker.future is not None]
        begun += [future for future, _ in self.greeted.values()]
        if begun and self.client.status == "running":
            self.client.cancel(begun, force=True)

    def _look(self, waiting: list[list[Job]]) -> None:
        """Note who has come, who has gone, and who has been silent for too long."""
        here, now = self.cluster.present(), time.monotonic()
        for address in here - self.workers.keys() - self.greeted.keys() - self.refused:
            self._send(address, greet, stamp() + code(), libraries(), self.bundle)
        for address, (_, until) in list(self.greeted.items()):
            if address not in here:
                del self.greeted[address]
            elif now > until:
                self._refuse(address, "does not answer")
        for worker in list(self.workers.values()):
            if worker.address not in here:
                self._lose(worker, waiting, "went away")
            elif worker.job is not None and now > worker.until:
                self._lose(worker, waiting, "does not answer any more")
                self._refuse(worker.address, f"has been at {worker.job.name!r} for too long")
        self._expect_somebody(now)

    def _expect_somebody(self, now: float) -> None:
        if self.workers or self.greeted:
            self.alone_since = None
            return
        self.alone_since = self.alone_since or now
        if now - self.alone_since > self.patience:
            why = f"; {len(self.refused)} were refused, see the warnings" if self.refused else ""
            raise RenderError(
                f"The cluster at {self.cluster.address!r} has had no worker that can be used for"
                f" {self.patience:.0f} seconds{why}. The segments that were finished are kept in the cache."
            )

    def _send(self, address: str, function: Any, *given: Any) -> None:
        future = self._submit(address, function, *given)
        self.greeted[address] = future, time.monotonic() + self.patience

    def _submit(self, address: str, function: Any, *given: Any) -> Future:
        future = self.client.submit(function, *given, workers=[address], pure=False, retries=0)
        future.add_done_callback(lambda done: self.news.put((address, done)))
        return future

    def _hand_out(self, worker: _Worker, waiting: list[list[Job]]) -> None:
        job = next_job(worker, waiting, list(self.workers.values()))
        if job is not None:
            worker.job = job
            worker.until = time.monotonic() + self.patience + SLOWER * job.cost
            worker.future = self._submit(worker.address, carry_out, job.to_bytes(), self.files)

    def _arrived(self) -> Iterator[tuple[_Worker, bytes]]:
        """Yield the workers that have finished their jobs, with the outcomes; wait a moment for the first."""
        wait = True
        while True:
            try:
                address, future = self.news.get(timeout=LOOK) if wait else self.news.get_nowait()
            except Empty:
                return
            wait = False
            worker = self.workers.get(address)
            if address in self.greeted and self.greeted[address][0] is future:
                self._meet(address, future)
            elif worker is not None and worker.future is future:
                outcome = self._outcome(worker, future)
                if outcome is not None:
                    yield worker, outcome
            # What else ends is of a worker that went away or was given up: `_look` has seen to its job.

    def _outcome(self, worker: _Worker, future: Future) -> bytes | None:
        """Return the outcome of a job; ``None`` where it was lost with its worker, which `_look` will see."""
        try:
            if future.status == "finished":
                return future.result(timeout=self.patience)
        except (OSError, TimeoutError):
            return None
        error = future.exception(timeout=self.patience) if future.status == "error" else None
        if error is None or type(error).__name__ == "KilledWorker":
            return None
        raise RenderError(f"The worker at {worker.address} failed at {worker.job.name!r}.") from error

    def _meet(self, address: str, future: Future) -> None:
        """Take on a worker that matches."""
        del self.greeted[address]
        if future.status == "finished":
            differs = future.result()
            if differs:
                self._refuse(address, f"does not match: {differs}")
            else:
                self.workers[address] = _Worker(address)
        elif future.status == "error":
            error = future.exception()
            self._refuse(address, f"cannot run vizkit ({type(error).__name__}: {error})")

    def _refuse(self, address: str, why: str) -> None:
        self.greeted.pop(address, None)
        self.refused.add(address)
        warnings.warn(f"The worker at {address} gets no work: it {why}.", RuntimeWarning, stacklevel=2)

    def _lose(self, worker: _Worker, waiting: list[list[Job]], how: str) -> None:
        """Give the jobs of a worker that is lost to others."""
        job = worker.job
        if worker.future is not None:
            worker.future.cancel(force=True)
        self._dismiss(worker, waiting, job)
        if job is not None:
            deaths = self.deaths[id(job)] = self.deaths.get(id(job), 0) + 1
            if deaths >= DEATHS:
                raise RenderError(
                    f"{deaths} workers were lost one after the other while they were making {job.name!r};"
                    f" the last one {how}. They may have run out of memory."
                )

    def _dismiss(self, worker: _Worker, waiting: list[list[Job]], job: Job | None) -> None:
        """Forget a worker; its jobs wait for another one, or for itself when it is greeted anew."""
        del self.workers[worker.address]
        batch = ([job] if job is not None else []) + worker.batch
        if batch:
            waiting.insert(0, batch)
