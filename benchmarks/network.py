"""Training steps of vizkit and of its peers, as ratios of medians in one run on two cores.

usage: python benchmarks/network.py [--rounds N] [--seconds S] [--quick]

Each library trains the same networks (`peers/workloads.py`) from the same weights on the same batches, in
float32, in a process of its own, so that neither thread pools nor allocators meet. The processes take turns: in
each round every one trains for a moment while the others sleep, so a busy machine disturbs all alike. Before that
their first losses are compared; the run ends when one differs, for then it would not do the same work. The result
is one table in Markdown. `--quick` takes a step or two of each, to see that everything runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from import_time import milliseconds
from peers.workloads import STEPS, WORKLOADS

TUNED = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**32), "MALLOC_TOP_PAD_": str(2**28)}
# what a column shows -> the module in peers/, and what is set in its environment
PEERS: dict[str, tuple[str, dict[str, str]]] = {
    "PyTorch": ("pytorch", {}),
    "vizkit": ("ours", {}),
    "PyTorch, tuned allocator": ("pytorch", TUNED),
    "Keras on TensorFlow": ("keras_tensorflow", {}),
    "JAX": ("jax_xla", {}),
    "scikit-learn": ("scikit", {}),
    "HIPS autograd": ("hips_autograd", {}),
}
IMPORTS = {
    "PyTorch": "import torch",
    "vizkit": "import vizkit.nn",
    "PyTorch, tuned allocator": "",
    "Keras on TensorFlow": "import os; os.environ['KERAS_BACKEND'] = 'tensorflow'; import keras",
    "JAX": "import jax.numpy",
    "scikit-learn": "import sklearn.neural_network",
    "HIPS autograd": "import autograd.numpy",
}
REFERENCE = "PyTorch"
FAULTS_AIM = 50


class Worker:
    """A process that trains one network with one library whenever it is asked to."""

    def __init__(self, peer: str, workload: str) -> None:
        module, extra = PEERS[peer]
        self.complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 closed in `end`; some libraries chat here
        self.process = subprocess.Popen(
            [sys.executable, "-m", "peers.worker", module, workload],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
            cwd=Path(__file__).parent,
            env=os.environ | extra,
        )
        self.peer, self.times, self.faults, self.megabytes = peer, [], [], 0.0
        self.hello = self._answer()

    def _answer(self) -> Any:
        line = self.process.stdout.readline()
        if not line:
            self.complaints.seek(0)
            raise SystemExit(f"{self.complaints.read()}\n{self.peer} ended with {self.process.wait()}.")
        return json.loads(line)

    def train(self, seconds: float) -> None:
        """Let it train for some time, and take down what it measured."""
        print(seconds, file=self.process.stdin, flush=True)
        answer = self._answer()
        self.times += answer["times"]
        self.faults.append(answer["faults"])
        self.megabytes = answer["megabytes"]

    def end(self) -> None:
        """Let the process end."""
        self.process.stdin.close()
        self.process.wait()
        self.complaints.close()


@contextmanager
def workers(name: str, peers: Sequence[str]) -> Iterator[dict[str, Worker]]:
    """Start a process for each peer that can do this workload, all of which then know their first losses."""
    with ExitStack() as stack:
        started = {}
        for peer in peers:
            worker = started[peer] = Worker(peer, name)
            stack.callback(worker.end)
        check_same_losses(name, {peer: w.hello["losses"] for peer, w in started.items() if "losses" in w.hello})
        yield started


def check_same_losses(name: str, losses: dict[str, list[float]]) -> None:
    """End the run when the peers do not compute the same: the first loss to rounding, the next ones nearly.

    After a step they differ a little: PyTorch adds Adam's ε elsewhere, and its LSTM has two biases.
    """
    expected = next(iter(losses.values()))
    for peer, values in losses.items():
        for value, wanted, tolerance in zip(values, expected, (1e-5, 5e-3, 1e-2), strict=True):
            if not abs(value - wanted) <= tolerance * abs(wanted):
                raise SystemExit(f"Not the same work: in {name} the losses are {losses}; {peer} differs.")


def measure(name: str, peers: Sequence[str], rounds: int, seconds: float) -> dict[str, Worker]:
    """Let the peers take turns at one workload."""
    with workers(name, peers) as started:
        for _ in range(rounds):
            for worker in started.values():
                if "losses" in worker.hello:
                    worker.train(seconds)
                    time.sleep(min(0.05, seconds))  # the threads of one library look for work a while
    return started


def shown(value: float) -> str:
    """Return a number with two digits that count, or more before the point; a very small one with one."""
    digits = 0 if value >= 10 else 1 if value >= 1 else 2
    return f"{value:.{digits}f}" if value >= 0.01 or not value else f"{value:.1g}"


def cell(worker: Worker | None, reference: float) -> str:
    """Return a peer's share of PyTorch's time, or why there is none."""
    if worker is None or not worker.times:
        return "–" if worker is None else worker.hello["missing"]
    return shown(statistics.median(worker.times) / reference)


def row(title: str, first: str, ratios: Sequence[str], must: float | None = None, aim: float | None = None) -> str:
    """Return a line of the table: PyTorch's own number, vizkit's share, what is asked, the others' shares."""
    asked = ["" if number is None else f"{number:g}" for number in (must, aim)]
    return "| " + " | ".join([title, first, f"**{ratios[0]}**", *asked, *ratios[1:]]) + " |"


def time_row(name: str, measured: dict[str, Worker]) -> str:
    """Return the line of a workload's times."""
    workload, reference = WORKLOADS[name], statistics.median(measured[REFERENCE].times)
    ratios = [cell(measured.get(peer), reference) for peer in PEERS if peer != REFERENCE]
    return row(workload.title, f"{shown(1000 * reference)} ms", ratios, workload.must, workload.aim)


def faults_row(name: str, measured: dict[str, Worker]) -> str:
    """Return the line of how many pages a step asks the system for: numbers, no shares."""
    counts = {p: shown(statistics.median(w.faults)) if w.faults else w.hello["missing"] for p, w in measured.items()}
    others = [counts.get(peer, "–") for peer in PEERS if peer != REFERENCE]
    return row(f"Minor page faults of a step of {name}, number", counts[REFERENCE], others, aim=FAULTS_AIM)


def memory_row(name: str, measured: dict[str, Worker]) -> str:
    """Return the line of the most memory that a process had."""
    reference = measured[REFERENCE].megabytes
    ratios = [
        shown(w.megabytes / reference) if (w := measured.get(peer)) and w.times else w.hello["missing"] if w else "–"
        for peer in PEERS
        if peer != REFERENCE
    ]
    return row(f"Peak memory of the process, {name}", f"{shown(reference)} MB", ratios)


def import_row(installed: set[str], runs: int) -> str:
    """Return the line of how long an import takes in a fresh interpreter, NumPy's included."""
    times: dict[str, list[float]] = {peer: [] for peer, statement in IMPORTS.items() if statement and peer in installed}
    for _ in range(runs):
        for peer, found in times.items():
            found.append(milliseconds(IMPORTS[peer]))
    medians = {peer: statistics.median(found) for peer, found in times.items()}
    ratios = [shown(medians[p] / medians[REFERENCE]) if p in medians else "–" for p in PEERS if p != REFERENCE]
    return row("Time to import", f"{shown(medians[REFERENCE])} ms", ratios)


def machine(measured: Sequence[Worker]) -> str:
    """Return what the numbers were measured on."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    versions = sorted({version for worker in measured for version in worker.hello.get("versions", [])})
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores of {models[0]}, {platform.system()}, Python {platform.python_version()}, {', '.join(versions)}"
    )


def take_two_cores() -> None:
    """Use the first two cores with as many threads as each library likes, as the processes started from here will."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    for name in [name for name in os.environ if name.endswith("_NUM_THREADS")]:
        del os.environ[name]


def table(rounds: int, seconds: float, names: Sequence[str]) -> Iterator[str]:
    """Measure, and yield the lines of the table as they become known."""
    heads = ["Training step, float32", "PyTorch", "vizkit", "must", "aim", *list(PEERS)[2:]]
    yield "| " + " | ".join(heads) + " |"
    yield "|---|" + "---:|" * (len(heads) - 1)
    everything = []
    for name in names:
        peers = list(PEERS) if name in STEPS else ["PyTorch", "vizkit"]
        measured = measure(name, peers, rounds, seconds)
        everything += measured.values()
        yield time_row(name, measured)
        if name in ("B128", "C"):
            yield faults_row(name, measured)
            yield memory_row(name, measured)
    yield import_row({worker.peer for worker in everything if worker.times}, max(1, rounds // 2))
    yield ""
    yield "PyTorch's column is its own time, the others are shares of it. Measured on " + machine(everything) + "."


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.15, help="of each turn")
    parser.add_argument("--quick", action="store_true", help="one step or two of each, to see that everything runs")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 0.0
    else:
        take_two_cores()
    for line in table(options.rounds, options.seconds, ["A32", "B32", "C", "D"] if options.quick else list(WORKLOADS)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
