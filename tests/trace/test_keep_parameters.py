"""What Keep(parameters=...) leaves out: parameters, their gradients and updates, at some steps and nothing else."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trace_strategies import NestedModel

from vizkit import nn
from vizkit.errors import TraceQueryError
from vizkit.trace import ForwardEvent, Keep, StatisticsEvent, UpdateEvent, load, record
from vizkit.trace.compare import same_value

MAPPINGS = {"forward": 2, "backward": 2}  # which field after step and node holds parameters or their gradients
STEPS = 7


@given(st.integers(1, 4) | st.sets(st.integers(0, 9)), st.booleans())
def test_only_parameters_are_left_out_and_only_at_other_steps(chosen, called):
    wanted = set(range(0, STEPS, chosen)) if isinstance(chosen, int) else chosen
    model = NestedModel()
    with record(model, Keep(parameters=(lambda step: step in wanted) if called else chosen)) as trace:
        model.train(STEPS)
    expected = []
    for kind, node, step, told in model.told:
        if node.level == "op" or (kind == "update" and step not in wanted):
            continue
        if step not in wanted and kind in MAPPINGS:
            told = tuple({} if at == MAPPINGS[kind] else field for at, field in enumerate(told))
        expected.append((kind, node, step, told))
    rows = list(trace.log.rows)
    assert [(row.kind, row.node, row.step) for row in rows] == [told[:3] for told in expected]
    assert all(same_value(row.read(), told[3]) for row, told in zip(rows, expected, strict=True))


def network():
    model = nn.Sequential([nn.layers.Dense(8, "relu"), nn.layers.Dense(2, "softmax")], seed=1)
    model(np.zeros((1, 4)))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def train(model):
    x = np.random.default_rng(0).normal(size=(22, 4))
    model.fit(x, (x[:, 0] > 0).astype(int), batch_size=4, epochs=3, verbose=0)


@pytest.mark.parametrize("in_file", [False, True])
@pytest.mark.parametrize("statistics", [False, True])
def test_repeated_steps_leave_out_the_same(tmp_path, in_file, statistics):
    """Steps that are recorded by copying memory hold what a recording of everything holds, or nothing."""
    path = tmp_path / "run.vkt" if in_file else None
    with record(whole := network(), Keep(statistics=statistics)) as full:
        train(whole)
    with record(model := network(), Keep(parameters=5, statistics=statistics), path=path) as trace:
        train(model)
        templates = [found.template for found in model._recording.steps.plans.values()]
    assert len(templates) == 2  # for whole batches and for the last ones
    trace = load(path) if in_file else trace
    assert trace.steps == full.steps == tuple(range(18))
    assert trace.parameter_steps == (0, 5, 10, 15) and full.parameter_steps == full.steps
    for step in trace.steps:
        expected = [without(event) for event in full.events(step=step)] if step % 5 else [*full.events(step=step)]
        found = list(trace.events(step=step))
        assert [type(event) for event in found] == [type(event) for event in expected if event]
        for mine, other in zip(found, filter(None, expected), strict=True):
            assert (mine.step, mine.node) == (other.step, other.node)
            assert all(same_value(getattr(mine, f.name), getattr(other, f.name)) for f in fields(mine)[2:])


def without(event):
    """Return an event without parameters; None where nothing is left."""
    owned = {"parameters", "parameter_gradients"}
    if isinstance(event, StatisticsEvent):
        return None if event.of == "update" or event.quantity in owned else event
    left_out = {field.name: {} for field in fields(event) if field.name in owned}
    return None if isinstance(event, UpdateEvent) else replace(event, **left_out)


def test_what_is_kept_can_be_stacked_and_what_is_not_is_said():
    with record(model := network(), Keep(parameters=5)) as trace:
        train(model)
    kernel = trace.parameter("dense", "kernel")
    assert kernel.steps == (0, 5, 10, 15) and kernel.axes == ("step", "features", "units")
    whole = [step for step in trace.steps if step % 6 < 5]
    assert trace.stack("forward", "output", layer="dense", step=whole).shape == (len(whole), 4, 8)
    for step, values in zip(kernel.steps, kernel.values, strict=True):
        assert np.array_equal(values, trace.event(ForwardEvent, layer="dense", step=step).parameters["kernel"])
    with pytest.raises(TraceQueryError, match=r"no parameters at these steps; trace.missing\(\)"):
        trace.stack("forward", "parameters", layer="dense", item="kernel", step=[6, 7])
    assert trace.parameter_steps == (0, 5, 10, 15)
    parameters = trace.event(ForwardEvent, layer="dense", step=7).parameters
    assert dict(parameters) == {} and parameters.get("kernel", 3) == 3 and "kernel" not in parameters
    with pytest.raises(TraceQueryError, match=r"no 'kernel' .* none; trace.missing\(\)"):
        _ = parameters["kernel"]
    (said,) = trace.missing()
    assert said.kind == "parameters" and "every 5th step" in said.reason


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (21, "every 21st"),
        (2, "every 2nd"),
        (3, "every 3rd"),
        (11, "every 11th"),
        ([3], "chosen"),
        ("logarithmic", "ever"),
    ],
)
def test_missing_says_which_steps_have_parameters(chosen, said):
    with record(NestedModel(), Keep(parameters=chosen)) as trace:
        pass
    assert said in trace.missing()[0].reason


@pytest.mark.parametrize("each", [Keep(), Keep(parameters=1), Keep(steps=1, parameters=1)])
def test_parameters_of_each_step_are_nothing_to_tell_of(each):
    model = NestedModel()
    with record(model, each) as trace:
        model.train(STEPS)
    assert trace.missing() == () and trace.parameter_steps == trace.steps == tuple(range(STEPS))


def test_a_budget_counts_the_largest_row():
    """Rows with and without parameters take turns: the bound holds all the same."""
    keep = Keep(parameters=4, max_bytes=20_000)
    with pytest.warns(RuntimeWarning, match="max_bytes"), record(model := network(), keep) as trace:
        for _ in range(10):
            train(model)
    assert sum(block.count * block.form.stride for block in trace.log.whole_blocks()) <= 20_000
    assert any(trace.events(UpdateEvent))
