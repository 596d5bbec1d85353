"""What Keep keeps, against filtering everything in plain Python."""

from __future__ import annotations

from fnmatch import fnmatch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trace_strategies import NestedModel

from vizkit.errors import ArgumentError, NotBuiltError, UnknownNameError
from vizkit.trace import ForwardEvent, Keep, LayerDescription, ModelDescription, Node, record
from vizkit.trace.compare import same_value

STEPS = 7
PARENTS = {"dense": ["block"], "matmul": ["dense", "block"]}
KINDS = ["forward", "loss", "backward", "update"]


def expected(told, steps, layers, kinds, levels):
    """The same selection, slowly."""
    for kind, node, step, fields in told:
        kept = steps is None or step in steps
        kept = kept and (kinds is None or kind in kinds)
        if kind != "loss":
            family = [node.name, *PARENTS.get(node.name, [])]
            kept = kept and node.level in levels
            kept = kept and (layers is None or any(fnmatch(name, pattern) for name in family for pattern in layers))
        if kept:
            yield kind, node, step, fields


@given(
    steps=st.none() | st.integers(1, 4) | st.sets(st.integers(0, 9)),
    layers=st.none() | st.sets(st.sampled_from(["block", "dense", "conv*", "d?nse", "*"]), min_size=1),
    kinds=st.none() | st.sets(st.sampled_from(KINDS)),
    levels=st.sets(st.sampled_from(["layer", "op"])),
    called=st.booleans(),
)
def test_selection_equals_plain_filtering(steps, layers, kinds, levels, called):
    wanted = set(range(0, STEPS, steps)) if isinstance(steps, int) else steps
    given_steps = (lambda step: step in wanted) if called and wanted is not None else steps
    model = NestedModel()
    with record(model, Keep(given_steps, layers, kinds, levels)) as trace:
        model.train(STEPS)
    rows = list(expected(model.told, wanted, layers, kinds, levels))
    assert [(row.kind, row.node, row.step) for row in trace.log.rows] == [row[:3] for row in rows]
    assert all(same_value(row.read(), told[3]) for row, told in zip(trace.log.rows, rows, strict=True))


@given(st.integers(1, 6) | st.lists(st.integers(0, 6), max_size=4))
def test_samples_are_rows_of_the_batch_and_parameters_stay_whole(samples):
    rows = range(samples) if isinstance(samples, int) else samples
    rows = [row for row in rows if row < NestedModel.batch]
    model = NestedModel()
    with record(model, Keep(samples=samples, levels=("layer", "op"))) as trace:
        model.train(1)
    for event, (_, node, _, fields) in zip(
        trace.events("forward"), [t for t in model.told if t[0] == "forward"], strict=True
    ):
        part = slice(None) if node.level == "op" else rows
        assert np.array_equal(event.inputs[0], fields[0][0][part]) and np.array_equal(event.output, fields[1][part])
        assert all(np.array_equal(event.parameters[name], fields[2][name]) for name in fields[2])
    told = next(t[3] for t in model.told if t[0] == "loss")
    loss = trace.event("loss", step=0)
    for name, array in zip(("prediction", "target"), told[:2], strict=True):
        assert np.array_equal(getattr(loss, name), array[rows])
    assert loss.value == told[2] and np.array_equal(loss.samples, told[3][rows])
    gradient = trace.event("backward", layer="dense", step=0).parameter_gradients["kernel"]
    assert gradient.shape == (3, 2)


def test_one_name_one_kind_and_classes_are_accepted():
    keep = Keep(layers="dense", kinds=ForwardEvent, levels="op")
    assert (keep.layers, keep.kinds, keep.levels) == (("dense",), ("forward",), ("op",))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"steps": 0}, "0"),
        ({"steps": -2}, "-2"),
        ({"steps": True}, "True"),
        ({"steps": 1.5}, "1.5"),
        ({"steps": "10"}, "'10'"),
        ({"steps": [1, "x"]}, "'x'"),
        ({"layers": 3}, "3"),
        ({"layers": ["dense", 3]}, "3"),
        ({"kinds": 3}, "3"),
        ({"levels": None}, "None"),
        ({"samples": 0}, "0"),
        ({"samples": [-1]}, "-1"),
        ({"samples": "first"}, "'first'"),
        ({"parameters": 0}, "parameters .* 0"),
        ({"parameters": "ten"}, "parameters .* 'ten'"),
        ({"parameters": [1, -1]}, "parameters .* -1"),
        ({"last": 0}, "last .* 0"),
        ({"last": 2.0}, "last .* 2.0"),
        ({"last": 2, "max_bytes": 10}, "last=2.* max_bytes=10"),
    ],
)
def test_bad_values_are_named(arguments, said):
    with pytest.raises(ArgumentError, match=said):
        Keep(**arguments)


def test_unknown_names_come_with_the_nearest():
    with pytest.raises(UnknownNameError, match="'forward'"):
        Keep(kinds="foward")
    with pytest.raises(UnknownNameError, match="'layer'"):
        Keep(levels="layers")
    model = NestedModel()
    with pytest.raises(UnknownNameError, match="Did you mean 'dense'"), record(model, Keep(layers="dence")):
        pass
    assert model.recorder is None


@pytest.mark.parametrize(
    "keep",
    [
        *(Keep(), Keep(steps=3), Keep(samples=2), Keep(kinds="loss"), Keep(kinds=("forward", "update"))),
        *(Keep(parameters=3), Keep(parameters=[]), Keep(last=2), Keep(parameters=[4], last=3), Keep(last=100)),
    ],
)
def test_the_estimate_is_what_a_recording_takes(keep):
    from vizkit.trace import samples

    model = samples.TinyModel()
    estimated = keep.estimate(model, batch=2, steps=STEPS)
    with record(model, keep) as trace:
        model.train(STEPS)
    assert estimated == trace.nbytes


def test_the_estimate_takes_a_batch_or_its_length_and_refuses_what_it_cannot_know():
    model = NestedModel()
    assert Keep().estimate(model, np.zeros((4, 3))) == Keep().estimate(model, 4)
    with pytest.raises(ArgumentError, match="'op'"):
        Keep(levels="op").estimate(model, 4)
    with pytest.raises(ArgumentError, match="-1"):
        Keep().estimate(model, -1)
    with pytest.raises(ArgumentError, match="object"):
        Keep().estimate(object(), 4)
    unbuilt = ModelDescription("m", (LayerDescription(Node(0, "d", "Dense"), {}, (None, None), (None, 2)),))
    with pytest.raises(NotBuiltError, match="'m'"):
        Keep().estimate(unbuilt, 4)
