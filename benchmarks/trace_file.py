"""The trace file beside other containers: writing whole steps, reading one layer at one step, a long run.

usage: python benchmarks/trace_file.py [--rounds N] [--steps N] [--quick]

Each container writes the same arrays, a step at a time, from the same memory to the same disk; they take turns,
and the medians of the rounds are shown with the ratio to our own. Then arrays are read at random: one layer
at one step. Last, the dosage network trains for many steps into a file, in processes of their own that say how
much memory they took. What a container leaves out is said with its name. The peers need h5py, pyarrow and
safetensors; one that is not installed is left out.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from vizkit.trace import Keep, Node, load, record, samples

LAYERS = 20
SIZES = {"400 bytes": 400, "1 MB": 10**6, "18 MB": 18 * 10**6}
READS = 200
Arrays = dict[str, np.ndarray]
Reader = Callable[[int, str], np.ndarray]


def step_arrays(nbytes: int) -> Arrays:
    """Return the arrays of a step: several layers, all of them pieces of one memory."""
    memory = np.random.default_rng(0).normal(size=nbytes // 4).astype(np.float32)
    return {f"layer_{at}": part for at, part in enumerate(np.array_split(memory, LAYERS))}


@contextmanager
def vizkit_file(path: Path, arrays: Arrays) -> Iterator[Callable[[int], None]]:
    """Our own file: a template copies the memory, every page of 32 KiB has a checksum."""
    nodes = [Node(at + 2, name, "Dense") for at, name in enumerate(arrays)]
    model = samples.TinyModel()
    with record(model, Keep(), path=path):
        template = model._recorder.template(
            [("forward", node, ((), array, {})) for node, array in zip(nodes, arrays.values(), strict=True)]
        )

        def write(step: int) -> None:
            template.begin(step)
            template.end()

        yield write


def vizkit_reader(path: Path) -> Reader:
    trace = load(path)
    return lambda step, name: trace.event("forward", step=step, layer=name).output


@contextmanager
def npz_files(path: Path, arrays: Arrays) -> Iterator[Callable[[int], None]]:
    """NumPy's npz, a file for each step; zip's checksums."""
    path.mkdir()
    yield lambda step: np.savez(path / f"{step}.npz", **arrays)


def npz_reader(path: Path) -> Reader:
    def read(step: int, name: str) -> np.ndarray:
        with np.load(path / f"{step}.npz") as archive:
            return archive[name]

    return read


@contextmanager
def safetensors_files(path: Path, arrays: Arrays) -> Iterator[Callable[[int], None]]:
    """safetensors, a file for each step; no checksums."""
    from safetensors.numpy import save_file

    path.mkdir()
    yield lambda step: save_file(arrays, path / f"{step}.safetensors")


def safetensors_reader(path: Path) -> Reader:
    from safetensors import safe_open

    def read(step: int, name: str) -> np.ndarray:
        with safe_open(path / f"{step}.safetensors", framework="numpy") as file:
            return file.get_tensor(name)

    return read


@contextmanager
def arrow_file(path: Path, arrays: Arrays) -> Iterator[Callable[[int], None]]:
    """Arrow's IPC file, a record batch of one row for each step; no checksums."""
    import pyarrow

    columns = [pyarrow.large_list(pyarrow.float32())] * len(arrays)
    schema = pyarrow.schema(list(zip(arrays, columns, strict=True)))
    whole = [pyarrow.array([0, array.size], pyarrow.int64()) for array in arrays.values()]
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_file(sink, schema) as writer:

        def write(step: int) -> None:
            pairs = zip(whole, arrays.values(), strict=True)
            lists = [pyarrow.LargeListArray.from_arrays(ends, pyarrow.array(array)) for ends, array in pairs]
            writer.write_batch(pyarrow.record_batch(lists, schema=schema))

        yield write


def arrow_reader(path: Path) -> Reader:
    import pyarrow

    file = pyarrow.ipc.open_file(pyarrow.memory_map(str(path)))
    return lambda step, name: file.get_batch(step).column(name).values.to_numpy()


@contextmanager
def hdf5_file(path: Path, arrays: Arrays) -> Iterator[Callable[[int], None]]:
    """HDF5, a group for each step, without checksums and without flushing."""
    import h5py

    with h5py.File(path, "w") as file:

        def write(step: int) -> None:
            group = file.create_group(str(step))
            for name, array in arrays.items():
                group.create_dataset(name, data=array)

        yield write


def hdf5_reader(path: Path) -> Reader:
    import h5py

    file = h5py.File(path)
    return lambda step, name: file[str(step)][name][...]


CONTAINERS: dict[str, tuple[Any, Any]] = {
    "vizkit": (vizkit_file, vizkit_reader),
    "Arrow IPC": (arrow_file, arrow_reader),
    "safetensors": (safetensors_files, safetensors_reader),
    "npz": (npz_files, npz_reader),
    "HDF5": (hdf5_file, hdf5_reader),
}


def remove(path: Path) -> None:
    """Remove a file, or a folder of files."""
    for child in path.iterdir() if path.is_dir() else ():
        child.unlink()
    path.rmdir() if path.is_dir() else path.unlink()


def measured(container: str, path: Path, arrays: Arrays, steps: int) -> tuple[float, float, float]:
    """Return MB/s of writing by the clock and by the processor's time, and microseconds of reading one array."""
    writing, reading = CONTAINERS[container]
    began, computed = time.perf_counter(), time.process_time()
    with writing(path, arrays) as write:
        for step in range(steps):
            write(step)
    seconds, computing = time.perf_counter() - began, time.process_time() - computed
    read, chance, times = reading(path), random.Random(0), []
    for _ in range(READS):
        step, name = chance.randrange(steps), f"layer_{chance.randrange(LAYERS)}"
        began = time.perf_counter()
        found = read(step, name)
        times.append(time.perf_counter() - began)
        assert found.size == arrays[name].size and found.flat[-1] == arrays[name][-1]
    remove(path)
    megabytes = steps * sum(array.nbytes for array in arrays.values()) / 1e6
    return megabytes / seconds, megabytes / computing, statistics.median(times) * 1e6


def installed() -> list[str]:
    """Return the containers whose libraries are there."""
    import importlib.util

    needs = {"Arrow IPC": "pyarrow", "safetensors": "safetensors", "HDF5": "h5py"}
    return [name for name in CONTAINERS if name not in needs or importlib.util.find_spec(needs[name])]


def compare(rounds: int, *, quick: bool) -> None:
    """Print the tables of writing and reading."""
    names = installed()
    for label, size in SIZES.items():
        arrays = step_arrays(size)
        steps = 5 if quick else {400: 2_000, 10**6: 200}.get(size, 12)
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(rounds):
                for name in names:
                    found[name].append(measured(name, Path(folder) / "run", arrays, steps))
        print(f"\n{steps} steps of {label}, {LAYERS} arrays each, medians of {rounds} rounds (best in brackets)\n")
        print("| container | writing, MB/s | MB/s of processor time | of ours | one array at one step, µs |")
        print(f"|{'---|' * 5}")
        ours = statistics.median(speed for speed, *_ in found["vizkit"])
        for name in names:
            speeds, computed, times = zip(*found[name], strict=True)
            speed = statistics.median(speeds)
            shown = f"{speed:,.1f} ({max(speeds):,.1f}) | {statistics.median(computed):,.1f} | {speed / ours:.2f}"
            print(f"| {name} | {shown} | {statistics.median(times):.0f} ({min(times):.0f}) |")


def dosage_run(path: Path, steps: int) -> None:
    """Train the dosage network into a file; print what it took. Run in a process of its own."""
    import resource

    from vizkit import nn

    network = nn.networks.dosage_network()
    x, y = np.array([[0.0], [0.5], [1.0]]), np.array([[0.0], [1.0], [0.0]])
    network.fit(x, y, batch_size=3, epochs=steps, shuffle=False, verbose=0)  # what training alone takes is no news
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    with record(network, path=path) as trace:
        network.fit(x, y, batch_size=3, epochs=steps, shuffle=False, verbose=0)
    seconds = time.perf_counter() - began
    took = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    size = path.stat().st_size
    print(json.dumps({"events": len(trace), "seconds": seconds, "bytes": size, "kilobytes": took}))


def dosage_read(path: Path) -> None:
    """Load the run and stack one quantity; print what it took. Run in a process of its own."""
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    trace = load(path)
    loaded = time.perf_counter()
    stacked = trace.stack("forward", "output", layer=trace.layers[0])
    ended = time.perf_counter()
    took = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    seconds = {"load": loaded - began, "stack": ended - loaded}
    print(json.dumps({**seconds, "shape": stacked.shape, "kilobytes": took, "result": stacked.values.nbytes}))


def long_run(steps: int) -> None:
    """Print what a long recording of the dosage network takes, and one of a tenth of its steps."""
    head = "| steps | events/s, trained | bytes/event | recorder's memory, MB | load, ms | stack, ms | reader's, MB |"
    print(f"\nThe dosage network, every value of every step, into a file\n\n{head}\n|{'---|' * 7}")
    for count in (steps // 10, steps):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.vkt"
            write, read = (
                json.loads(
                    subprocess.run(
                        [sys.executable, __file__, mode, str(path), str(count)], check=True, capture_output=True
                    ).stdout
                )
                for mode in ("--dosage-run", "--dosage-read")
            )
        speed, each = write["events"] / write["seconds"], write["bytes"] / write["events"]
        print(
            f"| {count:,} | {speed:,.0f} | {each:.1f} | {write['kilobytes'] / 1024:.1f} | {read['load'] * 1e3:.1f} "
            f"| {read['stack'] * 1e3:.1f} | {read['kilobytes'] / 1024:.1f} ({read['result'] / 2**20:.1f} the result) |"
        )


def main() -> None:
    """Read the options and print all tables."""
    if sys.argv[1:2] == ["--dosage-run"]:
        return dosage_run(Path(sys.argv[2]), int(sys.argv[3]))
    if sys.argv[1:2] == ["--dosage-read"]:
        return dosage_read(Path(sys.argv[2]))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100_000, help="of the dosage network (default: 100,000)")
    parser.add_argument("--quick", action="store_true", help="a moment of each, to see that everything runs")
    options = parser.parse_args()
    compare(1 if options.quick else options.rounds, quick=options.quick)
    long_run(100 if options.quick else options.steps)
    return None


if __name__ == "__main__":
    main()
