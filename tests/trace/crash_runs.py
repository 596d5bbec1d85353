"""Writers that are killed at a random moment, or whose disk is full; run as a script by test_trace_crash.

Each writer is a process of its own, forked from this one, and says in shared memory which step it has
ended. What is in its file afterwards is compared with that and with what the numbers of a step must be.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

from vizkit.errors import OutputError, TraceFileError
from vizkit.trace import Keep, Node, load, record, samples
from vizkit.trace.recorder import early

NODE = Node(0, "dense", "Dense")
SIZES = {"small": 20, "middle": 3_000, "large": 30_000, "turns": 20, "template": 50, "packed": 500}


def output(kind: str, step: int) -> np.ndarray:
    """What a step must hold."""
    size = SIZES[kind] + (step % 3 if kind == "turns" else 0)
    return np.arange(size, dtype="f8") + step


def write(kind: str, path: Path, ended: mmap.mmap, steps: int) -> None:
    model = samples.TinyModel()
    with record(model, Keep(), path=path, encoding="zlib" if kind == "packed" else None):
        recorder = model._recorder
        array = output(kind, 0).copy()
        template = recorder.template([("forward", NODE, ((early(array),), array, {}))])
        for step in range(steps):
            if kind == "template":
                template.begin(step)
                array[...] = output(kind, step)
                template.end()
            else:
                recorder.forward(step, NODE, (), output(kind, step), {})
                recorder.end(step)
            ended[:8] = (step + 1).to_bytes(8, "little")


def child(kind: str, path: Path, ended: mmap.mmap, most: int | None) -> int:
    """Fork a writer; with `most`, its files may have so many bytes."""
    pid = os.fork()
    if pid:
        return pid
    try:
        if most is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        write(kind, path, ended, 10**6 if most is None else 3_000)
    except OutputError as error:
        os._exit(7 if "vizkit.load(path, partial=True)" in str(error) and str(path) in str(error) else 8)
    except BaseException:
        traceback.print_exc()
        os._exit(9)
    os._exit(0)


def check(kind: str, path: Path, ended: int) -> int:
    """Hold what can be read against what was written; return how many steps there are."""
    try:
        trace = load(path, partial=True)
    except TraceFileError:
        assert ended == 0 and (not path.exists() or path.stat().st_size < 16), (kind, ended)
        return 0
    steps = len(trace.steps)
    assert not trace.complete and trace.steps == tuple(range(steps)), (kind, trace.steps[-5:])
    assert steps in (ended, ended + 1) or (kind == "packed" and steps <= ended + 1), (kind, steps, ended)
    faults = [missing.reason for missing in trace.missing()]
    assert len(faults) == 1 and "cut off" in faults[0], faults
    for event in trace.events():
        assert np.array_equal(event.output, output(kind, event.step)), (kind, event.step)
    return steps


def killed(folder: Path, count: int, chance: random.Random) -> list[int]:
    found = []
    for number in range(count):
        kind = sorted(SIZES)[number % len(SIZES)]
        path, ended = folder / f"{number}.vkt", mmap.mmap(-1, 8)
        pid = child(kind, path, ended, None)
        time.sleep(chance.choice([0.001, 0.004, 0.02]) * chance.random())
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        found.append(check(kind, path, int.from_bytes(ended[:8], "little")))
        path.unlink(missing_ok=True)
    return found


def full(folder: Path, chance: random.Random) -> list[int]:
    found = []
    for number, kind in enumerate(sorted(SIZES) * 3):
        path, ended = folder / f"full{number}.vkt", mmap.mmap(-1, 8)
        pid = child(kind, path, ended, chance.randrange(2_000, 400_000))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code == 7, (kind, code)
        found.append(check(kind, path, int.from_bytes(ended[:8], "little")))
        path.unlink()
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    where, moments = Path(sys.argv[1]), int(sys.argv[2])
    print(json.dumps({"killed": killed(where, moments, random.Random(1)), "full": full(where, random.Random(2))}))
