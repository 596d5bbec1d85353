"""Keep(last=n): the last steps in memory that does not grow, beside a recording of everything."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trace_strategies import NestedModel

from vizkit.errors import ArgumentError, TraceQueryError
from vizkit.trace import ForwardEvent, Keep, LayerDescription, ModelDescription, Node, Recorder, Trace, load, record
from vizkit.trace.compare import same_value

DENSE = Node(0, "dense", "Dense")


@given(
    last=st.integers(1, 9),
    steps=st.lists(st.tuples(st.integers(1, 3), st.sampled_from([2, 3000, 300_000])), max_size=30),
    asked=st.integers(0, 30),
)
def test_the_last_steps_are_those_of_a_recording_of_everything(last, steps, asked):
    """Steps of several forms, small and large, with numbers left out, asked in between and at the end."""
    limited = Recorder(Trace(ModelDescription("m")), Keep(last=last))
    whole = Recorder(Trace(ModelDescription("m")), Keep())
    step, numbers = 0, np.random.default_rng(0)
    for count, (gap, width) in enumerate(steps):
        step += gap
        fields = ((numbers.random((1, width)),), numbers.random((1, 2)), {})
        for recorder in (limited, whole):
            recorder.forward(step, DENSE, *fields)
        if count == asked:
            same(limited.trace, whole.trace, last)
    limited.close()
    whole.close()
    same(limited.trace, whole.trace, last)


def same(trace, full, last):
    expected = full.steps[-last:]
    assert trace.steps == expected and len(trace) == len(expected)
    rows = [row for row in full.log.rows if row.step in expected]
    assert [row.step for row in trace.log.rows] == [row.step for row in rows]
    assert all(same_value(a.read(), b.read()) for a, b in zip(trace.log.rows, rows, strict=True))
    assert {missing.kind for missing in trace.missing()} == ({"steps"} if len(full.steps) > last else set())
    for step in full.steps:
        assert len(list(trace.events(step=step))) == (step in expected)
    outputs = trace.stack("forward", "output") if expected else None
    assert outputs is None or outputs.steps == expected


@pytest.mark.parametrize("width", [3, 30_000])
def test_numbers_that_somebody_holds_stay_as_they_are(width):
    recorder = Recorder(Trace(ModelDescription("m")), Keep(last=2))
    held = []
    for step in range(40):
        recorder.forward(step, DENSE, (), np.full((1, width), step, "f8"), {})
        if step % 7 == 3:
            held += [recorder.trace.event(ForwardEvent, step=step), recorder.trace.stack("forward", "output")]
    assert all((event.output == event.step).all() for event in held[::2])
    assert all((stack.values[:, 0, 0] == stack.steps).all() for stack in held[1::2])


def test_an_iteration_whose_steps_were_dropped_says_so():
    recorder = Recorder(Trace(ModelDescription("m")), Keep(last=2))
    tell = lambda step: recorder.forward(step, DENSE, (), np.zeros((1, 30_000)), {})  # noqa: E731
    for step in range(4):
        tell(step)
    events = recorder.trace.log.rows
    first = next(events)
    for step in range(4, 20):
        tell(step)
    with pytest.raises(TraceQueryError, match="dropped"):
        first.event()


def test_the_memory_does_not_grow():
    recorder = Recorder(Trace(ModelDescription("m")), Keep(last=3))
    tell = lambda step: recorder.forward(step, DENSE, (), np.zeros((1, 50_000)), {})  # noqa: E731
    for step in range(10):
        tell(step)
    tracemalloc.start()
    for step in range(10, 200):
        tell(step)
        if step % 50 == 0:
            recorder.trace.event(ForwardEvent, step=step)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3_000_000  # a step has 400,000 bytes, all together 76,000,000


def test_epochs_stay_and_a_saved_trace_holds_the_last_steps(tmp_path):
    model = NestedModel()
    with record(model, Keep(last=3)) as trace:
        for epoch in range(4):
            model.train(5)
            model.recorder.epoch(epoch, {"loss": 1.0 / (1 + epoch)})
    assert trace.steps == (17, 18, 19) and trace.history["loss"].tolist() == [1, 1 / 2, 1 / 3, 1 / 4]
    assert "last 3 steps" in trace.missing()[0].reason
    assert load(trace.save(tmp_path / "run.vkt")).equals(trace)


def test_a_file_keeps_what_it_holds(tmp_path):
    path = tmp_path / "run.vkt"
    with pytest.raises(ArgumentError, match=r"Keep\(last=5\)"), record(NestedModel(), Keep(last=5), path=path):
        pass
    assert not path.exists()


def test_the_estimate_counts_the_last_steps():
    layer = LayerDescription(DENSE, {}, (None, 4), (None, 2), {"kernel": (4, 2)})
    model, keep = ModelDescription("m", (layer,)), Keep(kinds="forward", last=3)
    assert keep.estimate(model, 8, steps=100) == 3 * keep.estimate(model, 8) == keep.estimate(model, 8, steps=3)
