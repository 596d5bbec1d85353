"""One peer at one workload, in a process of its own: trains for a while whenever it is told to.

usage: python -m peers.worker MODULE WORKLOAD, with `benchmarks` as the working directory. On standard input comes
how many seconds to train; a line of JSON with what was measured answers it.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from peers.workloads import WORKLOADS

__all__ = ["make"]


def make(module: str, name: str) -> Callable[[], float] | None:
    """Return a function that takes a training step, each on the next batch; ``None`` when the peer cannot do it."""
    peer, workload = importlib.import_module(f"peers.{module}"), WORKLOADS[name]
    if workload.kind not in peer.KINDS:
        return None
    step = peer.step(workload)
    pairs = itertools.cycle(getattr(peer, "batches", type(workload).batches)(workload))
    return lambda: step(*next(pairs))


def measure(step: Callable[[], float], seconds: float) -> dict[str, Any]:
    """Take steps for some time; return each step's seconds, and what the process has used by then."""
    step()  # what others left in the caches should not count
    before, times = _faults(), []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return {"times": times, "faults": (_faults() - before) / len(times), "megabytes": _peak_memory()}


def _faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def _peak_memory() -> float:
    """Return the most memory that the process ever had, in MB; getrusage would count the parent's too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _versions() -> Iterator[str]:
    for name in ("numpy", "torch", "tensorflow", "keras", "jax", "sklearn", "autograd"):
        if name in sys.modules:
            yield f"{name} {getattr(sys.modules[name], '__version__', '')}".strip()


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes elsewhere
    module, name = sys.argv[1:]
    try:
        step = make(module, name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("peers", "vizkit"):
            raise
        print(json.dumps({"missing": "not installed"}), file=answers, flush=True)
        return
    if step is None:
        print(json.dumps({"missing": "–"}), file=answers, flush=True)
        return
    losses = [step() for _ in range(3)]
    print(json.dumps({"losses": losses, "versions": list(_versions())}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(measure(step, float(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
