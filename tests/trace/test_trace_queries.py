"""What can be asked of a trace, against the list of everything that was told."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trace_strategies import NESTED, NestedModel

import vizkit.trace
from vizkit.errors import TraceQueryError, UnknownNameError
from vizkit.trace import (
    BackwardEvent,
    ForwardEvent,
    Keep,
    LossEvent,
    ModelDescription,
    NamedArray,
    Node,
    Recorder,
    Trace,
    UpdateEvent,
    load,
    record,
    samples,
)

STEPS = 4
CLASSES = {"forward": ForwardEvent, "loss": LossEvent, "backward": BackwardEvent, "update": UpdateEvent}


@pytest.fixture(scope="module")
def nested():
    model = NestedModel()
    with record(model, Keep(levels=("layer", "op"))) as trace:
        model.train(STEPS)
    return model, trace


@pytest.fixture(scope="module", params=["in memory", "from a file"])
def trace(request, nested, tmp_path_factory):
    if request.param == "in memory":
        return nested[1]
    return load(nested[1].save(tmp_path_factory.mktemp("queries") / "run.vkt"))


@given(st.data())
def test_events_equal_plain_filtering(nested, data):
    model, trace = nested
    kind = data.draw(st.none() | st.sampled_from(sorted(CLASSES)))
    name = data.draw(st.none() | st.sampled_from(["block", "dense", "conv", "matmul", "loss"]))
    step = data.draw(st.none() | st.integers(0, STEPS))
    level = data.draw(st.none() | st.sampled_from(["layer", "op"]))
    inside = {"block": {"matmul"}, "dense": {"matmul"}, "matmul": {"matmul"}}.get(name, set())
    expected = [
        (told_kind, node, at)
        for told_kind, node, at, _ in model.told
        if kind in (None, told_kind)
        and step in (None, at)
        and level in (None, node.level)
        and (name is None or (node.name in inside if level == "op" else node == NESTED[name]))
    ]
    layer = data.draw(st.sampled_from([NESTED[name], NESTED[name].name, NESTED[name].index])) if name else None
    asked = data.draw(st.sampled_from([kind, CLASSES[kind]])) if kind else None
    found = list(trace.events(asked, layer=layer, step=step, level=level))
    names = {cls: name for name, cls in CLASSES.items()}
    assert [(names[type(event)], event.node, event.step) for event in found] == expected


def test_event_gives_exactly_one(trace):
    event = trace.event(ForwardEvent, layer="conv_1", step=2)
    assert (event.node, event.step) == (NESTED["conv"], 2)
    loss = trace.event("loss", step=3)
    assert (loss.value, loss.name) == (3.0, "mean_squared_error")
    assert trace.event("update", layer="dense", step=0, parameter="bias").before.shape == (2,)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"kind": "forward", "layer": "dense", "step": 99}, "no forward event of 'dense' at step 99.*steps 0 to 3"),
        ({"kind": "forward", "step": 0}, "4 forward events at step 0; say which"),
        ({"kind": "update", "layer": "dense", "step": 0}, "2 update events of 'dense' at step 0"),
        ({"kind": "loss", "layer": "dense", "step": 0}, "no loss event of 'dense'.*such events of loss"),
        (
            {"kind": "update", "layer": "dense", "step": 0, "parameter": "scale"},
            "no update event of 'dense' for 'scale'",
        ),
    ],
)
def test_event_says_what_there_is_instead(trace, asked, said):
    with pytest.raises(TraceQueryError, match=said):
        trace.event(**asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"layer": "dence"}, "'dense'"),
        ({"layer": 77}, "77"),
        ({"layer": Node(88, "x", "Dense")}, "88"),
        ({"level": "layers"}, "'layer'"),
        ({"kind": "forwards"}, "'forward'"),
        ({"kind": int}, "int"),
    ],
)
def test_unknown_names_come_with_the_nearest_right_one(trace, asked, said):
    with pytest.raises(UnknownNameError, match=said):
        list(trace.events(**asked))


@pytest.mark.parametrize(
    ("kind", "quantity", "layer", "item", "axes"),
    [
        ("forward", "output", "dense", None, ("step", "batch", "units")),
        ("forward", "inputs", "dense", None, ("step", "batch", "features")),
        ("forward", "inputs", "dense", 0, ("step", "batch", "features")),
        ("forward", "parameters", "dense", "kernel", ("step", "features", "units")),
        ("forward", "parameters", "conv_1", None, ("step", "features", "units")),
        ("backward", "parameter_gradients", "dense", "bias", ("step", "units")),
        ("backward", "output_gradient", "conv_1", None, ("step", "batch", "units")),
        ("update", "after", "dense", "kernel", ("step", "features", "units")),
        ("update", "learning_rate", "dense", "kernel", ("step",)),
        ("loss", "value", None, None, ("step",)),
        ("loss", "samples", None, None, ("step", "batch")),
        ("forward", "output", "matmul", None, ("step", "axis_0", "axis_1")),
    ],
)
def test_stack_equals_stacking_by_hand(nested, trace, kind, quantity, layer, item, axes):
    position = CLASSES[kind].__slots__.index(quantity) - 2
    rows = []
    for told_kind, node, _, fields in nested[0].told:
        if told_kind == kind and layer in (None, node.name) and (kind != "update" or fields[0] == item):
            value = fields[position]
            if isinstance(value, (tuple, dict)):
                value = (
                    value[item]
                    if item is not None
                    else next(iter(value.values() if isinstance(value, dict) else value))
                )
            rows.append(value)
    stacked = trace.stack(kind, quantity, layer=layer, item=item)
    assert stacked.axes == axes and stacked.steps == tuple(range(STEPS))
    assert np.array_equal(stacked.values, np.stack(rows)) and not stacked.values.flags.writeable
    some = trace.stack(kind, quantity, layer=layer, item=item, step=[1, 3])
    assert np.array_equal(some.values, np.stack(rows)[[1, 3]]) and some.steps == (1, 3)
    one = trace.stack(kind, quantity, layer=layer, item=item, step=2)
    assert one.axes == axes[1:] and np.array_equal(one.values, rows[2]) and one.steps == ()


@pytest.mark.parametrize(
    ("kind", "quantity", "asked", "error", "said"),
    [
        ("forward", "outputs", {"layer": "dense"}, UnknownNameError, "'output'"),
        ("forward", "step", {"layer": "dense"}, UnknownNameError, "'step'"),
        ("update", "parameter", {"layer": "dense", "item": "bias"}, UnknownNameError, "'parameter'"),
        ("forward", "output", {}, TraceQueryError, "say which with layer=.*'dense'"),
        ("forward", "parameters", {"layer": "dense"}, TraceQueryError, "'kernel', 'bias'"),
        ("forward", "parameters", {"layer": "block"}, TraceQueryError, "no parameters"),
        ("forward", "parameters", {"layer": "dense", "item": "kernal"}, UnknownNameError, "'kernel'"),
        ("forward", "inputs", {"layer": "dense", "item": 1}, UnknownNameError, "1"),
        ("forward", "output", {"layer": "dense", "item": 1}, TraceQueryError, "item=1"),
        ("update", "after", {"layer": "dense"}, TraceQueryError, "kernel, bias"),
        ("update", "after", {"layer": "dense", "item": "bais"}, UnknownNameError, "'bias'"),
        ("loss", "value", {"layer": "dense"}, TraceQueryError, "no loss event"),
        ("loss", "value", {"step": [98, 99]}, TraceQueryError, "no loss event"),
    ],
)
def test_stack_says_what_is_wrong(trace, kind, quantity, asked, error, said):
    with pytest.raises(error, match=said):
        trace.stack(kind, quantity, **asked)


def test_stack_refuses_shapes_that_change():
    recorder = vizkit.trace.Recorder(Trace(ModelDescription("m")), Keep())
    for step, batch in enumerate((4, 4, 2)):
        recorder.forward(step, Node(0, "dense", "Dense"), (), np.ones((batch, 3)), {})
    with pytest.raises(TraceQueryError, match=r"\(4, 3\) at step 0 but \(2, 3\) at step 2"):
        recorder.trace.stack("forward", "output")
    assert recorder.trace.stack("forward", "output", step=range(2)).shape == (2, 4, 3)


def test_stack_refuses_a_layer_that_is_called_twice_in_a_step():
    recorder = vizkit.trace.Recorder(Trace(ModelDescription("m")), Keep())
    for step in (0, 0, 1):
        recorder.forward(step, Node(0, "dense", "Dense"), (), np.ones(3), {})
    with pytest.raises(TraceQueryError, match=r"3 in 2 steps"):
        recorder.trace.stack("forward", "output")


def test_images_and_kernels_have_their_axes():
    recorder = vizkit.trace.Recorder(Trace(ModelDescription("m")), Keep())
    arrays = {"kernel": np.ones((3, 3, 1, 8)), "bias": np.ones(8), "other": np.ones((2, 2))}
    recorder.forward(0, Node(0, "conv", "Conv2D"), (np.ones((4, 6, 6, 1)),), np.ones((4, 4, 4, 8)), arrays)
    trace = recorder.trace
    assert trace.stack("forward", "inputs").axes == ("step", "batch", "height", "width", "channels")
    assert trace.parameter("conv", "kernel").axes == ("step", "height", "width", "channels", "filters")
    assert trace.parameter("conv", "bias").axes == ("step", "filters")
    assert trace.parameter("conv", "other").axes == ("step", "axis_0", "axis_1")


def test_parameter_is_the_value_before_each_step():
    forward = samples.tiny_trace().parameter("dense", "kernel").values
    updates = samples.tiny_trace(keep=Keep(kinds="update")).parameter("dense", "kernel").values
    assert forward.ravel().tolist() == updates.ravel().tolist() == [1.0, 2.0, 2.140625]


def test_nodes_layers_and_sizes(trace):
    assert trace.nodes == tuple(NESTED.values())
    assert [layer.name for layer in trace.layers] == ["block", "dense", "conv_1"]
    assert trace.steps == tuple(range(STEPS)) and len(trace) == 12 * STEPS == len(list(trace))
    assert repr(trace) == f"<Trace of 'nested': 4 steps, 48 events, {trace.nbytes:,} bytes>"
    assert bool(Trace(ModelDescription("empty")))


def test_layers_of_a_model_without_description():
    recorder = vizkit.trace.Recorder(Trace(ModelDescription("m")), Keep())
    recorder.forward(0, Node(3, "a", "Dense"), (), np.ones(1), {})
    recorder.loss(0, Node(4, "loss", "loss"), np.ones(1), np.ones(1), 1.0, np.ones(1))
    assert [layer.name for layer in recorder.trace.layers] == ["a"]


def test_named_array():
    named = NamedArray(np.zeros((2, 3)), ("step", "units"), (0, 5))
    assert np.asarray(named).shape == named.shape == (2, 3) and len(named) == 2
    assert repr(named) == "<NamedArray (step 2, units 3) float64>"
    with pytest.raises(UnknownNameError, match="'units'"):
        named.axis("unit")


def test_importing_the_trace_loads_numpy_and_the_standard_library_only():
    code = "import sys, vizkit.trace; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-S", "-c", _with_path(code)], capture_output=True, text=True, check=True)
    foreign = {
        name for name in loaded.stdout.split() if name not in sys.stdlib_module_names and not name.startswith("_")
    }
    assert foreign <= {"numpy", "vizkit"}


def _with_path(code):
    return f"import sys; sys.path[:] = {sys.path!r}; {code}"


def test_public_names_are_sorted_and_there():
    assert vizkit.trace.__all__ == sorted(vizkit.trace.__all__)
    assert all(hasattr(vizkit.trace, name) for name in vizkit.trace.__all__)


def test_a_step_is_found_beside_a_block_that_stayed_empty():
    """Rows of a megabyte fill a block each; a step that begins like another one opens a block and leaves it empty."""
    recorder, large = Recorder(Trace(ModelDescription("m")), Keep()), np.ones(1 << 18)
    for step in range(3):
        recorder.forward(step, Node(0, "a", "A"), (large,), large, {})
        if step != 1:
            recorder.backward(step, Node(0, "a", "A"), large, (large,), {})
        recorder.end(step)
    assert [len(list(recorder.trace.events(step=step))) for step in range(3)] == [2, 1, 2]
