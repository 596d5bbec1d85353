"""Training that is recorded beside the same training unrecorded, as ratios of medians in one run.

usage: python benchmarks/trace.py [--rounds N] [--processor] [--quick]

The MLP, the convolutional network and the dosage network of `peers/workloads.py` train in vizkit by `train_on_batch`:
alone, and recorded in the ways of the table; in memory, the last few steps are kept (`Keep(last=4)`). Parameters belong
to no sample and are most of what a step holds, so one sample of the batch is measured without them and with them at
every 10th step; what `record` chooses for a file, parameters at ever fewer steps, comes to lie between the two. In
each round every way trains some steps in turn, so a busy machine disturbs all alike; a ratio is that of a round, and
the table has the median of all rounds. Setting up, the first steps, closing and deleting are not timed.

`--processor` measures the time of the processor in place of the clock's, for a machine that others load; set
OMP_NUM_THREADS=1 for it. Waiting for the disk is not in it. `--quick` takes one round of few steps, to see that
everything runs.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers.programs import compiled
from peers.workloads import STEPS

from vizkit import nn, record
from vizkit.trace import Keep

LAST = 4  # the steps that are in memory where all are recorded there: without a bound it would be the system's memory
WARM = 12  # steps of a turn that are not timed: the first ones are written down
STEPS_OF_A_TURN = {"A32": 60, "A128": 40, "B32": 20, "B128": 10, "D": 2000}
QUICK = {"A32": 12, "B32": 2, "D": 20}


@dataclass(frozen=True, eq=False)
class Way:
    """A way to record: what is kept, whether in a file, and the aims for the workloads by their letter."""

    title: str
    keep: Keep
    on_disk: bool
    aims: dict[str, float]

    def listen(self, model: Any, folder: Path) -> AbstractContextManager[Any]:
        """Return what records a model inside a ``with`` block."""
        return record(model, self.keep, path=folder / "run.vkt" if self.on_disk else None)


WAYS = (
    Way("nothing", Keep(kinds=()), False, {"A": 1.01, "B": 1.01, "D": 1.01}),
    Way("everything, the last steps in memory", Keep(last=LAST), False, {"A": 1.20, "B": 1.20}),
    Way("one sample of the batch, every step, to disk", Keep(samples=1, parameters=[]), True, {"A": 1.10, "B": 1.05}),
    Way("the same, and parameters every 10th step", Keep(samples=1, parameters=10), True, {"A": 1.10, "B": 1.05}),
    Way("everything, every 10th step, to disk", Keep(steps=10), True, {"A": 1.2, "B": 1.3}),
    Way(
        "moments and extremes of every array, every 10th step",
        Keep(steps=10, statistics=True),
        False,
        {"A": 1.1, "B": 1.05},
    ),
    Way(
        "every value of every step, operations too, the last steps in memory",
        Keep(levels=("layer", "op"), last=LAST),
        False,
        {"D": 1.05},
    ),
)


def turn(way: Way | None, kind: str, steps: int, clock: Callable[[], float]) -> float:
    """Return the seconds of a step, recorded in a way, or alone."""
    workload = STEPS[kind]
    model, batches = compiled(nn, workload), itertools.cycle(workload.batches())
    with tempfile.TemporaryDirectory() as name:
        listening = nullcontext() if way is None else way.listen(model, Path(name))
        with listening:
            for batch in itertools.islice(batches, WARM):
                model.train_on_batch(*batch)
            start = clock()
            for batch in itertools.islice(batches, steps):
                model.train_on_batch(*batch)
            return (clock() - start) / steps


def measure(kind: str, steps: int, rounds: int, clock: Callable[[], float]) -> dict[Way | None, list[float]]:
    """Return the seconds of a step in each round, alone and in every way that has an aim for a workload."""
    ways = [None, *(way for way in WAYS if kind[0] in way.aims)]
    found: dict[Way | None, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, seconds in found.items():
            seconds.append(turn(way, kind, steps, clock))
    return found


def cell(way: Way, kind: str, found: dict[Way | None, list[float]]) -> str:
    """Return the aim beside the ratio to training alone."""
    if way not in found:
        return "–"
    ratio = statistics.median(a / b for a, b in zip(found[way], found[None], strict=True))
    return f"{way.aims[kind[0]]:.2f} / **{ratio:.2f}**"


def table(sizes: dict[str, int], rounds: int, clock: Callable[[], float]) -> Iterator[str]:
    """Yield the lines of the table."""
    found = {kind: measure(kind, steps, rounds, clock) for kind, steps in sizes.items()}
    yield "| recorded: aim / **measured** | " + " | ".join(sizes) + " |"
    yield "|---|" + "---:|" * len(sizes)
    alone = [f"{statistics.median(times[None]) * 1e3:.3g} ms" for times in found.values()]
    yield "| not at all: the time of a step | " + " | ".join(alone) + " |"
    for way in WAYS:
        yield f"| {way.title} | " + " | ".join(cell(way, kind, found[kind]) for kind in sizes) + " |"
    yield ""
    yield "\n".join(f"{kind} is {STEPS[kind].title}." for kind in sizes)


def main() -> None:
    """Measure, and print one table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="how often every way has its turn")
    parser.add_argument("--processor", action="store_true", help="time of the processor, not of the clock")
    parser.add_argument("--quick", action="store_true", help="one round of few steps")
    parser.add_argument("--only", choices=STEPS_OF_A_TURN, help="one workload")
    given = parser.parse_args()
    sizes = QUICK if given.quick else STEPS_OF_A_TURN
    sizes = sizes if given.only is None else {given.only: STEPS_OF_A_TURN[given.only]}
    clock = time.process_time if given.processor else time.perf_counter
    for line in table(sizes, 1 if given.quick else given.rounds, clock):
        print(line, flush=True)


if __name__ == "__main__":
    main()
