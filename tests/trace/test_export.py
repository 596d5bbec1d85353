"""What is exported, read back by the libraries of the formats, against the trace."""

from __future__ import annotations

import sys
import zipfile

import numpy as np
import pytest
from trace_strategies import NestedModel

from vizkit.errors import MissingExtraError, OutputError, UnknownNameError
from vizkit.trace import Keep, ModelDescription, Node, Recorder, Trace, load, record, samples


@pytest.fixture(scope="module")
def trace():
    model = NestedModel()
    with record(model, Keep(levels=("layer", "op"))) as trace:
        model.train(4)
    return trace


def read_npz(path):
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive)
    return {name: (arrays[f"{name}/steps"], values) for name, values in arrays.items() if not name.endswith("/steps")}


def read_safetensors(path):
    numpy_format = pytest.importorskip("safetensors.numpy")
    arrays = numpy_format.load_file(path)
    return {name: (arrays[f"{name}/steps"], values) for name, values in arrays.items() if not name.endswith("/steps")}


def read_arrow(path):
    pyarrow = pytest.importorskip("pyarrow")
    with pyarrow.memory_map(str(path)) as source:
        rows = pyarrow.ipc.open_file(source).read_all().to_pylist()
    found = {}
    for row in rows:
        steps, values = found.setdefault(row["name"], ([], []))
        steps.append(row["step"])
        values.append(np.frombuffer(row["values"], row["dtype"]).reshape(row["shape"]))
    return {name: (np.array(steps), np.array(values)) for name, (steps, values) in found.items()}


READERS = {".npz": read_npz, ".safetensors": read_safetensors, ".arrow": read_arrow}


@pytest.mark.parametrize("suffix", READERS)
def test_every_number_comes_back(tmp_path, trace, suffix):
    found = READERS[suffix](trace.export(tmp_path / f"run{suffix}"))
    count = 0
    for event in trace.events():
        kind = type(event).__name__.removesuffix("Event").lower()
        for quantity in event.__slots__[2:]:
            value = getattr(event, quantity)
            if isinstance(value, str):
                continue
            owner = [event.parameter] if kind == "update" else []
            several = isinstance(value, tuple) or hasattr(value, "items")
            items = dict(enumerate(value)) if isinstance(value, tuple) else value if several else {"": value}
            for item, array in items.items():
                label = [kind, event.node.name, *owner, quantity, *([str(item)] if several else [])]
                steps, values = found["/".join(label)]
                assert np.array_equal(values[steps.tolist().index(event.step)], array), label
                count += 1
    assert count == sum(len(steps) for steps, _ in found.values())


@pytest.mark.parametrize("suffix", READERS)
def test_shapes_that_change_and_layers_that_are_called_twice(tmp_path, suffix):
    recorder = Recorder(Trace(ModelDescription("m")), Keep(levels=("layer", "op")))
    node = Node(0, "n", "Dense")
    for step, lengths in enumerate([(2, 2), (2, 2), (3, 2), (2, 2)]):
        for length in lengths:
            recorder.forward(step, node, (), np.full(length, 10 * step + length, "c8"), {})
    found = READERS[suffix](recorder.trace.export(tmp_path / f"run{suffix}"))
    assert sorted(len(steps) for steps, _ in found.values()) == [1, 3, 4]
    assert sum(values.size for _, values in found.values()) == 17 * (2 if suffix == ".safetensors" else 1)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_the_same_trace_gives_the_same_bytes(tmp_path, trace, suffix):
    loaded = load(trace.save(tmp_path / "run.vkt"))
    files = [found.export(tmp_path / f"{number}{suffix}").read_bytes() for number, found in enumerate((trace, loaded))]
    assert files[0] == files[1]


def test_statistics_are_exported(tmp_path):
    model = samples.TinyModel()
    with record(model, Keep(statistics=True)) as trace:
        model.train(2)
    found = read_npz(trace.export(tmp_path / "run.npz"))
    assert found["statistics/dense/forward/output/moments"][1].shape == (2, 3)


def test_names_of_layers_do_not_escape_the_archive(tmp_path):
    recorder = Recorder(Trace(ModelDescription("m")), Keep())
    names = ["../../outside", "/absolute", "..\\..\\windows", "nul\0l", "<script>"]
    for index, name in enumerate(names):
        recorder.forward(0, Node(index, name, "Dense"), (), np.full(1, index), {})
    path = recorder.trace.export(tmp_path / "run.npz")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "out")
        entries = archive.namelist()
    assert not any(".." in entry.split("/") or entry.startswith("/") or "\\" in entry for entry in entries)
    assert sorted(child.name for child in tmp_path.iterdir()) == ["out", "run.npz"]
    values = [values[0, 0] for _, values in read_npz(path).values()]
    assert sorted(values) == [0, 1, 2, 3, 4]


def test_another_suffix_a_missing_folder_and_a_missing_library(tmp_path, trace, monkeypatch):
    with pytest.raises(UnknownNameError, match=r"\.npz"):
        trace.export(tmp_path / "run.csv")
    with pytest.raises(OutputError, match="no_folder"):
        trace.export(tmp_path / "no_folder" / "run.npz")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for suffix in ("arrow", "safetensors"):
        with pytest.raises(MissingExtraError, match=rf"vizkit\[{suffix}\]"):
            trace.export(tmp_path / f"run.{suffix}")
    assert list(tmp_path.iterdir()) == []
