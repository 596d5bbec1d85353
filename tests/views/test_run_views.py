"""Pictures of a whole run: architecture, distributions, gradient flow, the loss by step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import vizkit
from vizkit import nn
from vizkit.errors import ArgumentError, DataError, TraceQueryError, UnknownNameError
from vizkit.nn.blocks import ResidualBlock
from vizkit.trace import ForwardEvent, Keep, LayerDescription, ModelDescription, Node, Recorder, Trace
from vizkit.views.architecture import ArchitectureView
from vizkit.views.architecture_flow import Link, Row
from vizkit.views.distributions import DistributionsView, Spread, bin_edges
from vizkit.views.gradient_flow import Flow, GradientFlowView
from vizkit.views.naming import fitted, share_room, telling_ends
from vizkit.views.recorded import spaced
from vizkit.views.training import TrainingView

finite = st.floats(-1e6, 1e6, allow_subnormal=False)


def texts(view):
    return [str(mark.words) for mark in view.picture.marks if getattr(mark, "words", None) is not None]


@pytest.fixture(scope="module")
def trained():
    """A small network trained with a plain record of every step."""
    x = np.random.default_rng(0).normal(size=(32, 3))
    model = nn.Sequential(
        [nn.Input((3,)), nn.layers.Dense(5, "tanh"), nn.layers.Dense(1)], dtype="float64", name="small", seed=0
    )
    model.compile(nn.optimizers.SGD(0.05), "mean_squared_error")
    with vizkit.record(model) as trace:
        model.fit(x, x[:, :1] * x[:, 1:2], batch_size=16, epochs=6, shuffle=False, verbose=0)
    return trace


# -- architecture ------------------------------------------------------------------------------------


def test_the_numbers_of_parameters_are_those_of_the_published_network() -> None:
    layers = [nn.Input((784,)), nn.layers.Dense(128, "relu"), nn.layers.Dense(64, "relu"), nn.layers.Dense(10)]
    view = ArchitectureView.ensure(nn.Sequential(layers))
    counts = [view.quantities()[f"parameters[{at}]"] for at in range(3)]
    assert counts == [100_480, 8_256, 650]
    assert view.quantities()["parameters"] == 109_386
    assert {"784", "128", "64", "10", "109,386"} <= set(texts(view))


def recorded_residual(shortcut: bool):
    block = ResidualBlock(4, strides=2 if shortcut else 1)
    model = nn.Sequential([nn.Input((6, 6, 1)), nn.layers.Conv2D(4, 3, padding="same"), block, nn.layers.Flatten()])
    with vizkit.record(model) as trace:
        model.predict(np.random.default_rng(1).normal(size=(2, 6, 6, 1)))
    return trace


def test_the_way_around_a_residual_block_is_found() -> None:
    view = ArchitectureView.from_trace(recorded_residual(shortcut=False))
    names = [row.name.rpartition("/")[2] for row in view.rows]
    add = names.index("add")
    into = {link.source for link in view.links if link.target == add}
    assert into == {0, names.index("second_norm")}
    assert [row.group for row in view.rows][1] and not any(row.group for row in view.rows[2:])


def test_a_layer_in_the_way_around_is_a_link_of_its_own() -> None:
    view = ArchitectureView.from_trace(recorded_residual(shortcut=True))
    names = [row.name.rpartition("/")[2] for row in view.rows]
    sources = {names[link.source] for link in view.links if link.target == names.index("add")}
    assert sources == {"shortcut", "second_norm"}
    assert Link(0, names.index("shortcut")) in view.links and Link(0, names.index("first")) in view.links


def with_events(outputs: dict[str, tuple], kinds: str = "Dense") -> Trace:
    """A trace of layers whose inputs and outputs are given; a source without sums as layers of their own."""
    nodes = {name: Node(at, name, kinds) for at, name in enumerate(outputs)}
    described = tuple(LayerDescription(node, {}, (None, 2), (None, 2), {}) for node in nodes.values())
    recorder = Recorder(Trace(ModelDescription("given", described)), Keep())
    for name, (inputs, output) in outputs.items():
        recorder.forward(0, nodes[name], (np.array(inputs, dtype=float),), np.array(output, dtype=float), {})
    recorder.close()
    return recorder.trace


def test_an_addition_that_is_no_layer_is_found_by_its_numbers() -> None:
    start, one, two = [[1.0, 2.0]], [[0.5, -3.0]], [[2.0, 1.0]]
    trace = with_events({"a": (start, one), "b": (one, two), "c": ([[2.5, -2.0]], [[9.0, 9.0]])})
    view = ArchitectureView.from_trace(trace)
    assert [row.kind for row in view.rows] == ["Dense", "Dense", "+", "Dense"]
    assert set(view.links) == {Link(-1, 0), Link(0, 1), Link(1, 2), Link(0, 2), Link(2, 3)}


def test_the_ways_around_two_blocks_of_pytorch_are_found() -> None:
    torch = pytest.importorskip("torch")

    class Block(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)

        def forward(self, x):
            return torch.relu(x + self.b(torch.relu(self.a(x))))

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), Block(), Block(), torch.nn.Linear(4, 2))
    with vizkit.record(model) as trace, torch.no_grad():
        model(torch.randn(5, 3))
    view = ArchitectureView.from_trace(trace)
    kinds = [row.kind for row in view.rows]
    assert kinds == ["Dense", "Block", "Dense", "Dense", "+", "Block", "Dense", "Dense", "+", "Dense"]
    assert set(view.links) == {
        Link(-1, 0), Link(0, 2), Link(2, 3, "relu"), Link(3, 4), Link(0, 4), Link(4, 6, "relu"), Link(6, 7, "relu"),
        Link(7, 8), Link(4, 8), Link(8, 9, "relu"),
    }  # fmt: skip


def test_what_is_not_known_is_drawn_dashed_in_the_order_of_the_layers() -> None:
    trace = with_events({"a": ([[1.0, 2.0]], [[3.0, 4.0]]), "b": ([[7.0, 7.5]], [[1.0, 1.5]])})
    view = ArchitectureView.from_trace(trace)
    assert view.links[1] == Link(0, 1, "order")
    assert [mark.dashed for mark in view.picture.marks if mark.key == "way:0:1"] == [True]


def test_layers_within_layers_are_folded_before_anything_is_left_out() -> None:
    trace = recorded_residual(shortcut=False)
    folded = ArchitectureView.from_trace(trace, most=4)
    assert [row.kind for row in folded.rows] == ["Conv2D", "ResidualBlock", "Flatten"]
    assert folded.parameters == ArchitectureView.from_trace(trace).parameters
    assert set(folded.links) == {Link(-1, 0), Link(0, 1), Link(1, 2)}


def test_of_a_very_deep_network_the_middle_is_left_out_and_counted() -> None:
    layers = [nn.layers.Dense(3, name=f"d{number}") for number in range(40)]
    view = ArchitectureView.ensure(nn.Sequential([nn.Input((3,)), *layers]), most=10)
    assert [row.name for row in view.rows] == [f"d{n}" for n in (0, 1, 2, 3, 4, 35, 36, 37, 38, 39)]
    assert view.parameters == 40 * 12 and view.more == (30, 360)
    assert "… 30 more layers" in texts(view)


def test_a_trace_without_layers_has_no_architecture() -> None:
    with pytest.raises(ArgumentError, match="describes none"):
        ArchitectureView.from_trace(Trace(ModelDescription("empty")))
    with pytest.raises(ArgumentError, match="int"):
        ArchitectureView.ensure(3)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_any_text_can_be_a_layers_name(names) -> None:
    rows = tuple(Row(name, name, (2, None), 7) for name in names)
    view = ArchitectureView(rows, (), (3,))
    assert view.quantities()["parameters"] == 7 * len(names)


# -- distributions -----------------------------------------------------------------------------------


@given(arrays(np.float64, (3, 40), elements=finite))
def test_every_number_lies_in_one_bin_and_the_ends_are_the_extremes(values) -> None:
    spread = Spread.of("layer", dict(enumerate(values)))
    assert (spread.counts.sum(axis=1) == 40).all() and spread.lost == 0
    if values.max() - values.min() > 1e-9 * np.abs(values).max():
        assert (spread.edges[0], spread.edges[-1]) == (values.min(), values.max())
        for row, counts in zip(values, spread.counts, strict=True):
            inside = [((row >= a) & (row < b)).sum() for a, b in zip(spread.edges[:-1], spread.edges[1:], strict=True)]
            inside[-1] += (row == spread.edges[-1]).sum()
            assert counts.tolist() == inside


def test_what_is_not_finite_is_counted_and_said() -> None:
    spread = Spread.of("broken", {0: [1.0, np.nan, 2.0], 1: [np.inf, 1.5, 1.0]})
    assert spread.lost == 2 and spread.counts.sum() == 4
    assert "2 not finite" in texts(DistributionsView((spread,)))
    with pytest.raises(DataError, match="'broken' has no finite"):
        Spread.of("broken", {0: [np.nan]})


@pytest.mark.parametrize(("what", "kind", "field"), [
    ("weights", "forward", "parameters"), ("gradients", "backward", "parameter_gradients"),
    ("activations", "forward", "output"),
])  # fmt: skip
def test_the_histograms_are_numpys_of_the_recorded_arrays(trained, what, kind, field) -> None:
    view = DistributionsView.from_trace(trained, what)
    assert [spread.layer for spread in view.spreads] == ["dense", "dense_1"]
    for spread in view.spreads:
        assert spread.steps == (0, 2, 3, 5, 6, 8, 9, 11)
        item = None if field == "output" else "kernel"
        every = trained.stack(kind, field, layer=spread.layer, step=spread.steps, item=item).values
        edges = np.linspace(every.min(), every.max(), 26)
        expected = [np.histogram(values, edges)[0] for values in every]
        np.testing.assert_array_equal(spread.counts, expected)


def test_the_outline_stands_on_its_step_and_is_as_high_as_the_counts(trained) -> None:
    view = DistributionsView.from_trace(trained, "weights")
    outline = view.quantities()["0:3:outline"]
    counts = view.spreads[0].counts[3]
    heights = outline[1:-1:2, 1] - outline[0, 1]
    np.testing.assert_allclose(heights / heights.max(), counts / counts.max())


def test_layers_and_a_step_can_be_chosen(trained) -> None:
    view = DistributionsView.from_trace(trained, "weights", layers=["dense_1"], step=4)
    assert [(spread.layer, spread.steps) for spread in view.spreads] == [("dense_1", (4,))]
    with pytest.raises(TraceQueryError, match="dense_7"):
        DistributionsView.from_trace(trained, "weights", layers=["dense_7"])
    with pytest.raises(UnknownNameError, match="Did you mean 'weights'"):
        DistributionsView.from_trace(trained, "weight")


def test_equal_numbers_have_a_range_too() -> None:
    assert bin_edges(0, 0, 1).tolist() == [-0.5 * 1.0, 0.5]
    assert Spread.of("zeros", {0: np.zeros(9)}).counts.sum() == 9


# -- gradient flow -----------------------------------------------------------------------------------


def test_the_flow_is_measured_on_the_recorded_gradients(trained) -> None:
    view = GradientFlowView.from_trace(trained)
    for flow in view.flows:
        sizes = np.abs(trained.stack("backward", "parameter_gradients", layer=flow.layer, item="kernel").values)
        sizes = sizes.reshape(len(sizes), -1)
        np.testing.assert_allclose(flow.largest, sizes.max(axis=1))
        np.testing.assert_allclose(flow.mean, sizes.mean(axis=1))
        np.testing.assert_allclose(flow.smallest, sizes.min(axis=1))
    drawn = view.quantities()["mean[1]"]
    np.testing.assert_allclose(drawn[:, 1], view.flows[1].mean)
    assert (drawn[:, 0] > 1).all() and (drawn[:, 0] < 2).all()


def test_a_size_of_zero_has_no_place_on_the_scale() -> None:
    view = GradientFlowView.ensure({"dead": [[0.0, 0.0], [0.0, 0.0]], "alive": [[0.0, 2.0], [0.5, 1.0]]})
    assert not any(name.endswith("[0]") for name in view.quantities())
    assert view.quantities()["smallest[1]"][0].tolist()[1] == 0.5
    with pytest.raises(DataError, match="exactly zero"):
        _ = GradientFlowView.ensure({"dead": [[0.0, 0.0]]}).picture


def test_a_curve_that_ends_early_is_named_where_it_ends() -> None:
    first = np.full((4, 2), 0.1)
    last = np.column_stack([np.full(4, 0.1), np.zeros(4)])
    view = GradientFlowView.ensure({"a": first * [1, 0.01], "b": last, "c": last})
    marks = {mark.key: mark for mark in view.picture.marks}
    label, line = marks["smallest[0]:label"], marks["smallest[0]"]
    assert view.gaps and label.ha == "left" and (label.x, label.y) == tuple(line.points[-1]) and label.dx < 40
    assert marks["mean[2]:label"].dx > 40, "what reaches the end is named at the right of the axes"


def test_a_step_that_left_the_finite_numbers_is_left_out() -> None:
    assert Flow.of("a", {0: [1.0, -2.0], 1: [np.nan, 1.0], 2: [4.0, 0.0]}).steps == (0, 2)


def test_a_trace_without_backward_events_has_no_flow(trained) -> None:
    with pytest.raises(TraceQueryError, match="no finite gradients"):
        GradientFlowView.from_trace(recorded_residual(shortcut=False))
    with pytest.raises(ArgumentError, match="record"):
        GradientFlowView.ensure([1.0])


# -- the loss by step --------------------------------------------------------------------------------


def test_without_epochs_the_loss_is_drawn_step_by_step(trained) -> None:
    bare = Trace(trained.model, trained.log)
    by_epoch = TrainingView.ensure(bare)
    assert by_epoch.steps is None and len(by_epoch.training) == 6
    x = np.random.default_rng(0).normal(size=(8, 1))
    model = nn.Sequential([nn.Input((1,)), nn.layers.Dense(1)], seed=0)
    model.compile("sgd", "mean_squared_error")
    with vizkit.record(model, keep=Keep(steps=2)) as trace:
        model.fit(x, 3 * x, batch_size=1, epochs=1, verbose=0)
    view = TrainingView.ensure(trace)
    assert view.steps.tolist() == [0, 2, 4, 6]
    np.testing.assert_allclose(view.training, trace.stack("loss", "value").values)
    assert view.picture.x.label == "step" and view.best_epoch in view.steps


# -- what they share ---------------------------------------------------------------------------------


@given(st.integers(1, 200), st.integers(1, 20))
def test_spaced_items_are_in_order_and_hold_both_ends(count, most) -> None:
    found = spaced(range(count), most)
    assert len(found) == min(count, most) and list(found) == sorted(set(found))
    assert found[-1] == count - 1 and (found[0] == 0 or most == 1)


@given(st.text(max_size=60), st.floats(60, 900))
def test_a_fitted_name_fits(name, room) -> None:
    from vizkit.views.labels import label_width

    assert label_width(fitted(name, room)) <= room


@given(st.lists(st.text("ab_/层", min_size=1, max_size=30), min_size=2, max_size=8, unique=True))
def test_names_that_share_a_room_stay_apart(names) -> None:
    assert len(set(share_room(tuple(names), 240))) == len(names)


@given(st.lists(st.text("ab1_/", min_size=1, max_size=12), min_size=1, max_size=8, unique=True))
def test_the_telling_ends_of_names_stay_apart(names) -> None:
    ends = telling_ends(tuple(names))
    assert len(set(ends)) == len(names)
    assert all(name.endswith(end) and end for name, end in zip(names, ends, strict=True))


def test_a_name_is_told_from_those_that_are_not_shown() -> None:
    every = [f"layer{stage}/{block}/conv{number}" for stage in (1, 2) for block in (0, 1) for number in (1, 2)]
    assert telling_ends(("layer1/0/conv1", "fc"), every) == ("layer1/0/conv1", "fc")
    assert telling_ends(("features/3", "head"), ("classifier/3",)) == ("features/3", "head")


def test_a_gradient_flow_is_as_wide_as_its_names_ask_for() -> None:
    names = [f"stage{at}/0/conv" for at in range(6)]
    view = GradientFlowView.ensure({name: np.full((2, 3), 0.1) for name in names})
    assert view.picture.x.texts == tuple(names) and 1820 < view.picture.size[0] <= 2400
    assert GradientFlowView.ensure({"a": np.full((2, 3), 0.1)}).picture.size[0] == 1820


def test_a_forward_event_is_read_once_for_a_step(trained) -> None:
    from vizkit.views.recorded import values_at

    node = trained.layers[0]
    event = trained.event(ForwardEvent, layer=node, step=3)
    np.testing.assert_array_equal(values_at(trained, "weights", node, 3), event.parameters["kernel"].ravel())
    np.testing.assert_array_equal(values_at(trained, "activations", node, 3), event.output.ravel())
    assert values_at(trained, "weights", node, 99) is None
