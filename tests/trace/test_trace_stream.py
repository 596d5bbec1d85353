"""Recording into a file: what is in it at every moment, and that it holds the same as a recording in memory."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_trace_file import content
from trace_strategies import NestedModel

from vizkit.errors import OutputError, TraceFileError, TruncatedTraceError, UnknownNameError
from vizkit.trace import Keep, ModelDescription, Node, Recorder, Trace, load, record, samples

NODE = Node(0, "dense", "Dense")
EVERYTHING = Keep(levels=("layer", "op"))


@pytest.mark.parametrize("encoding", [None, "zlib"])
def test_a_recording_into_a_file_is_that_in_memory(tmp_path, encoding):
    told, streamed = NestedModel(), NestedModel()
    path = tmp_path / "run.vkt"
    with record(told, EVERYTHING) as memory, record(streamed, EVERYTHING, path=path, encoding=encoding) as trace:
        for steps in (1, 2):
            for model in (told, streamed):
                model.train(steps)
                model.recorder.epoch(model.step, {"loss": 0.5 / steps})
            assert content(trace) == content(memory)
    assert content(trace) == content(memory)
    loaded = load(path)
    assert loaded.complete and content(loaded) == content(memory) and loaded.equals(memory)
    assert content(load(path, partial=True)) == content(memory) and load(path, partial=True).complete
    assert load(loaded.save(tmp_path / "again.vkt")).equals(memory)


@pytest.mark.parametrize("size", [1, 400, 30_000])
def test_every_step_is_in_the_file_when_it_ends(tmp_path, size):
    """Small rows, rows that fill a block soon, and rows that are chunks by themselves; another reader sees them all."""
    path, copy = tmp_path / "run.vkt", tmp_path / "copy.vkt"
    model = samples.TinyModel()
    with record(model, path=path):
        recorder = model._recorder
        for step in range(60):
            recorder.forward(step, NODE, (), np.full(size + step % 2, float(step)), {})
            recorder.end(step)
            shutil.copyfile(path, copy)
            with pytest.raises(TruncatedTraceError, match=f"last complete step is {step};"):
                load(copy)
            rest = load(copy, partial=True)
            assert rest.steps == tuple(range(step + 1)) and not rest.complete
            assert [event.output[0] for event in rest.events()] == list(range(step + 1))
    assert load(path).steps == tuple(range(60))


def test_without_being_told_a_step_ends_when_the_next_one_begins(tmp_path):
    model = samples.TinyModel()
    with record(model, path=tmp_path / "run.vkt"):
        model.train(3)
        assert load(tmp_path / "run.vkt", partial=True).steps == (0, 1)
    assert load(tmp_path / "run.vkt").steps == (0, 1, 2)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=25), st.sampled_from([None, "zlib"]))
def test_shapes_that_take_turns(tmp_path_factory, steps, encoding):
    """Steps of several forms, the numbers of the steps with gaps: blocks whose steps interleave."""
    path = tmp_path_factory.mktemp("turns") / "run.vkt"
    expected, model, number = [], samples.TinyModel(), 0
    with record(model, path=path, encoding=encoding) as trace:
        for form, gap in steps:
            number += gap + 1
            expected.append((number, np.full(form, number, "f4")))
            model._recorder.forward(number, NODE, (), expected[-1][1], {})
    for found in (trace, load(path), load(path, partial=True)):
        assert found.steps == tuple(step for step, _ in expected)
        for event, (step, array) in zip(found.events(), expected, strict=True):
            assert event.step == step and np.array_equal(event.output, array)
        if len({len(array) for _, array in expected}) == 1:
            stacked = found.stack("forward", "output")
            assert stacked.steps == found.steps and np.array_equal(stacked.values, [a for _, a in expected])


def test_an_error_in_the_block_leaves_a_whole_file(tmp_path):
    model = samples.TinyModel()
    with pytest.raises(ZeroDivisionError), record(model, path=tmp_path / "run.vkt"):
        model.train(2)
        raise ZeroDivisionError
    assert load(tmp_path / "run.vkt").steps == (0, 1)


def test_what_is_missing_is_in_the_file(tmp_path):
    model = samples.TinyModel()
    with record(model, path=tmp_path / "run.vkt") as trace:
        model._recorder.missing(NODE, "backward", "this backend has no gradient of <b>activations</b>")
        model._recorder.missing(NODE, "backward", "this backend has no gradient of <b>activations</b>")
        model.train(1)
    assert load(tmp_path / "run.vkt").missing() == trace.missing()
    assert trace.missing() == (("dense", "backward", "this backend has no gradient of <b>activations</b>"),)


def test_a_file_that_is_there_is_replaced_and_its_readers_keep_theirs(tmp_path):
    path = samples.tiny_trace(steps=2).save(tmp_path / "run.vkt")
    before = load(path)
    model = samples.TinyModel()
    with record(model, path=path):
        model.train(5)
    assert len(load(path).steps) == 5 and before.equals(samples.tiny_trace(steps=2))


def test_a_folder_that_is_not_there_and_a_wrong_encoding(tmp_path):
    with pytest.raises(OutputError, match="no_folder"), record(samples.TinyModel(), path=tmp_path / "no_folder" / "r"):
        pass
    with (
        pytest.raises(UnknownNameError, match="zlib"),
        record(samples.TinyModel(), path=tmp_path / "r", encoding="zip"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_same_recording_gives_the_same_bytes(tmp_path):
    for name in ("one.vkt", "other.vkt"):
        model = NestedModel()
        with record(model, EVERYTHING, path=tmp_path / name):
            model.train(40)
    assert (tmp_path / "one.vkt").read_bytes() == (tmp_path / "other.vkt").read_bytes()


def test_packed_rows_are_smaller(tmp_path):
    sizes = {}
    for encoding in (None, "zlib"):
        model = samples.TinyModel()
        with record(model, path=tmp_path / "run.vkt", encoding=encoding):
            for step in range(5):
                model._recorder.forward(step, NODE, (), np.zeros(50_000), {})
        sizes[encoding] = (tmp_path / "run.vkt").stat().st_size
        assert load(tmp_path / "run.vkt").stack("forward", "output").values.shape == (5, 50_000)
    assert sizes["zlib"] < sizes[None] / 50


def test_one_array_of_a_large_step_is_read_without_the_rest(tmp_path):
    """What is damaged elsewhere in the step does not matter, so it was not looked at."""
    recorder = Recorder(Trace(ModelDescription("m")), Keep())
    generator = np.random.default_rng(0)
    arrays = {name: generator.normal(size=20_000) for name in ("first", "second", "third")}
    recorder.forward(0, NODE, (), np.zeros(1), arrays)
    path = recorder.trace.save(tmp_path / "run.vkt")
    raw = bytearray(path.read_bytes())
    raw[raw.index(arrays["second"][10_000:10_004].tobytes())] ^= 1
    path.write_bytes(raw)
    trace = load(path)
    assert np.array_equal(trace.stack("forward", "parameters", item="third").values[0], arrays["third"])
    with pytest.raises(TraceFileError, match="page"):
        trace.stack("forward", "parameters", item="second")
