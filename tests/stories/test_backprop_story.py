"""The backpropagation story against PyTorch, finite differences and the published numbers."""

from __future__ import annotations

from itertools import pairwise

import dosage_run
import numpy as np
import pytest
from legibility_plots import faults

import vizkit
from vizkit import nn, plots
from vizkit.errors import ArgumentError, ShapeError
from vizkit.stories.backprop import backprop
from vizkit.stories.backprop_run import PARAMETERS, read_state, read_update
from vizkit.stories.backprop_terms import Terms
from vizkit.trace import Keep, Trace
from vizkit.views.formula import to_plain
from vizkit.views.marks import Cell, Disc, Text


def record(steps=10, **options):
    """Record the dosage network while only its last bias learns."""
    x, y = nn.data.dosage()
    model = nn.networks.dosage_network(only_final_bias=True)
    with vizkit.record(model, **options) as trace:
        model.fit(x, y, epochs=steps, batch_size=3, verbose=0)
    return trace


@pytest.fixture(scope="module")
def trace():
    return record()


@pytest.fixture(scope="module")
def story(trace):
    return backprop(trace)


def equation(story, name):
    return to_plain(story.beat(name).equation)


# Numbers --------------------------------------------------------------------------------


def test_all_seven_derivatives_agree_with_finite_differences(story):
    shown = story.beat("all-derivatives").board.quantities()
    for name, expected in dosage_run.derivatives(dosage_run.START).items():
        assert shown[f"network/d {name}"] == pytest.approx(expected, rel=1e-6)


def test_all_seven_derivatives_agree_with_pytorch(trace):
    torch = pytest.importorskip("torch")
    p = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in dosage_run.START.items()}
    x, y = (torch.tensor(values, dtype=torch.float64) for values in ([0.0, 0.5, 1.0], [0.0, 1.0, 0.0]))
    upper = p["w3"] * torch.nn.functional.softplus(p["w1"] * x + p["b1"])
    lower = p["w4"] * torch.nn.functional.softplus(p["w2"] * x + p["b2"])
    ((y - upper - lower - p["b3"]) ** 2).sum().backward()
    state = read_state(trace, 0)
    for name in PARAMETERS:
        assert state.gradients[name] == pytest.approx(p[name].grad.item(), rel=1e-10)


def test_the_factors_of_each_chain_multiply_to_the_recorded_derivative(trace):
    for step in trace.steps:
        state = read_state(trace, step)
        each = [Terms(state, sample) for sample in range(3)]
        for path in (0, 1):
            whole = sum(terms.by_weight(path).value for terms in each)
            assert whole == pytest.approx(state.gradients[f"w{path + 1}"], rel=1e-12)
            assert sum(t.by_sum(path).value for t in each) == pytest.approx(state.gradients[f"b{path + 1}"], rel=1e-12)
            second = sum(terms.by_output.value * terms.active(path).value for terms in each)
            assert second == pytest.approx(state.gradients[f"w{path + 3}"], rel=1e-12)
        assert sum(terms.by_output.value for terms in each) == pytest.approx(state.gradients["b3"], rel=1e-12)


def test_the_published_numbers_are_on_screen(story):
    assert equation(story, "ssr").endswith("= 20.42")
    assert equation(story, "bias-sum").endswith("= −15.66")
    assert equation(story, "update") == "b₃ = 0.00 − 0.1 × (−15.66) = 1.57"
    assert equation(story, "step-1") == "b₃ = 1.57 − 0.1 × (−6.26) = 2.19"
    assert equation(story, "step-2") == "b₃ = 2.19 − 0.1 × (−2.50) = 2.44"
    assert equation(story, "more-steps").startswith("b₃ = 0.00 → 1.57 → 2.19 → 2.44 → 2.54 → 2.58 → 2.60")
    assert str(story.beat("closing").caption).startswith("At a last bias of 2.61")


def test_forward_shows_every_value_of_the_followed_sample(story):
    p, x = dosage_run.START, 0.5
    z = [p["w1"] * x + p["b1"], p["w2"] * x + p["b2"]]
    a = [dosage_run.softplus(value) for value in z]
    expected = {
        "times-weight/product[0]": p["w1"] * x,
        "plus-bias/sum[0]": z[0],
        "activation/unit[0]": a[0],
        "lower-path/sum[1]": z[1],
        "lower-path/unit[1]": a[1],
        "second-weights/share[0]": p["w3"] * a[0],
        "second-weights/share[1]": p["w4"] * a[1],
        "output/predicted": dosage_run.predict(p, x),
    }
    for place, value in expected.items():
        beat, name = place.split("/")
        assert story.beat(beat).equation.quantities()[name] == pytest.approx(value, rel=1e-12), place


def test_every_sample_goes_forward(story):
    for beat, x in (("sample-1", 0.0), ("output", 0.5), ("sample-3", 1.0)):
        shown = story.beat(beat)
        assert shown.equation.quantities()["predicted"] == pytest.approx(dosage_run.predict(dosage_run.START, x))
        assert shown.board.quantities()["network/value[0][0]"] == x


def test_the_curve_is_the_sum_of_its_paths(story):
    shown = story.beat("sum").board.quantities()
    curve, paths = shown["fit/curve"], [shown[f"fit/path:{index}"] for index in (0, 1)]
    assert np.allclose(curve[:, 1], paths[0][:, 1] + paths[1][:, 1], rtol=0, atol=1e-12)
    assert np.allclose(curve[:, 1], [dosage_run.predict(dosage_run.START, x) for x in curve[:, 0]], atol=1e-12)


def test_residuals_are_observed_minus_predicted_at_each_step(trace, story):
    for beat, step in (("residuals", 0), ("raised", 1), ("step-2", 2), ("closing", 9)):
        bias = read_state(trace, step).values["b3"]
        shown = story.beat(beat).board.quantities()
        for index, (x, y) in enumerate(zip((0, 0.5, 1), (0, 1, 0), strict=True)):
            expected = y - dosage_run.predict({**dosage_run.START, "b3": bias}, x)
            assert shown[f"fit/residual[{index}]"] == pytest.approx(expected, abs=1e-12)
            assert shown[f"fit/residual:{index}"] == pytest.approx(expected, abs=1e-12)


def test_each_parameter_has_its_chain(story):
    for name, beat in (
        ("b3", "bias-sum"), ("w1", "weight-sum"), ("w3", "second-weights-back"), ("w4", "second-weights-back"),
        ("b1", "first-biases-back"), ("b2", "first-biases-back"), ("w2", "lower-first-weight-back"),
    ):  # fmt: skip
        shown = story.beat(beat)
        expected = dosage_run.derivatives(dosage_run.START)[name]
        assert shown.equation.quantities()[f"d {name}"] == pytest.approx(expected, rel=1e-6)
        assert f"d SSR / d {name[0]}{'₀₁₂₃₄'[int(name[1])]} = " in to_plain(shown.equation)


def test_the_second_factor_is_one(story):
    assert equation(story, "by-bias") == "d ŷ / d b₃ = 1"


def test_the_updates_are_those_of_the_run(trace):
    by_hand = dosage_run.trained(10)
    for step in trace.steps:
        ours, theirs = read_update(trace, step), read_update(by_hand, step)
        assert [ours.before, ours.after, ours.gradient, ours.rate] == pytest.approx(
            [theirs.before, theirs.after, theirs.gradient, theirs.rate], rel=1e-9
        )


# The telling ----------------------------------------------------------------------------


def test_the_phases_come_in_order_and_are_always_named(story):
    phases = [beat.place.split(" ")[0] for beat in story.beats]
    order = list(dict.fromkeys(phases))
    assert order == ["overview", "forward", "residuals", "backward", "update"]
    assert 24 <= len(story.beats) <= 36


def test_captions_are_one_short_sentence(story):
    for beat in story.beats:
        said = str(beat.caption)
        assert len(said) <= 95, beat.name
        assert said[-1] in ".?" and ". " not in said, beat.name


def test_gradients_run_backward_in_their_colour_and_nothing_else_does(story):
    told = [(beat.place.startswith("backward"), pulse) for beat in story.beats for pulse in beat.motion]
    assert {back for back, _ in told} == {True, False}
    for back, pulse in told:
        assert pulse.backward == (pulse.role == "gradient") == back, pulse


def test_the_gradient_travels_from_right_to_left(story):
    names = ["weight-question", "through-weight", "through-activation", "through-input"]
    xs = []
    for name in names:
        network = story.beat(name).board.panels[0].view.picture
        xs.append(next(mark.x for mark in network.marks if mark.key == "gradient"))
    assert all(before > after for before, after in pairwise(xs))


def test_what_stays_does_not_jump_between_beats(story):
    """Weights, biases, units and axes stand at one place through the whole story."""
    fixed = {}
    for beat in story.beats:
        network, fit = (panel.view.picture for panel in beat.board.panels)
        for mark in network.marks:
            if isinstance(mark, Text | Disc | Cell) and mark.key.startswith(
                ("unit:", "edge:", "bias:", "title:", "loss")
            ):
                if mark.key.endswith(":gradient"):
                    continue
                assert fixed.setdefault(mark.key, (mark.x, mark.y)) == (mark.x, mark.y), (beat.name, mark.key)
        assert fixed.setdefault("fit", (fit.bounds, fit.margins)) == (fit.bounds, fit.margins)


def test_markdown_holds_the_chain(story):
    text = story.to_markdown()
    assert "## Backward · step 0 · the last bias" in text
    assert "d SSR / d w₁ = 0.00 + 1.78 + 5.56 = 7.34" in text


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_beat_can_be_read(story, theme):
    found = {beat.name: faults(plots.figure(beat, theme=theme, title=story.title)) for beat in story.beats}
    assert {name: fault for name, fault in found.items() if fault} == {}


# Other runs -----------------------------------------------------------------------------


def test_a_run_by_hand_tells_the_same_story():
    ours, theirs = (backprop(run) for run in (record(5), dosage_run.trained(5)))
    assert ours.to_markdown() == theirs.to_markdown()


def test_given_fits_are_drawn(trace):
    grid = np.linspace(0, 1, 11)
    p = dosage_run.START
    biases = [read_state(trace, step).values["b3"] for step in trace.steps]
    outputs = np.array([[dosage_run.predict({**p, "b3": bias}, x) for x in grid] for bias in biases])
    drawn = backprop(trace, (grid, outputs)).beat("closing").board.quantities()["fit/curve"]
    assert drawn.tolist() == np.column_stack([grid, outputs[-1]]).tolist()
    assert backprop(trace, (grid, outputs[..., None])).beats
    with pytest.raises(ShapeError, match=r"\(10, 11\), but \(9, 11\) came"):
        backprop(trace, (grid, outputs[:-1]))


def test_another_network_of_the_same_shape_has_its_own_story():
    model = nn.Sequential([nn.Input((1,)), nn.layers.Dense(2, "tanh"), nn.layers.Dense(1)], dtype="float64", seed=3)
    model.compile(nn.optimizers.SGD(0.01), "sum_squared_residuals")
    x = np.linspace(-1, 1, 4)[:, None]
    with vizkit.record(model) as trace:
        model.fit(x, 1 - x**2, epochs=4, batch_size=4, verbose=0)
    story = backprop(trace)
    assert "tanh(z₁)" in equation(story, "activation")
    state = read_state(trace, 0)
    assert state.x.tolist() == sorted(state.x), "a shuffled batch is told in order"
    assert np.allclose(state.target, 1 - state.x**2)
    assert story.beat("all-derivatives").board.quantities()["network/d w2"] == state.gradients["w2"]


def test_large_numbers_still_find_room():
    model = nn.Sequential([nn.Input((1,)), nn.layers.Dense(2, "tanh"), nn.layers.Dense(1)], dtype="float64", seed=1)
    model.compile(nn.optimizers.SGD(1e-4), "sum_squared_residuals")
    with vizkit.record(model) as trace:
        model.fit(np.array([[-2.0], [3.0]]), np.array([[900.0], [-300.0]]), epochs=3, batch_size=2, verbose=0)
    story = backprop(trace)
    assert "network/gradient" in story.beat("bias-sum").keys
    assert abs(story.beat("bias-sum").board.quantities()["network/d b3"]) > 1000


def trained(layers, loss="sum_squared_residuals", features=1, **options):
    model = nn.Sequential([nn.Input((features,)), *layers], dtype="float64", seed=0)
    model.compile(nn.optimizers.SGD(0.01), loss)
    with vizkit.record(model, **options) as trace:
        model.fit(np.ones((2, features)), np.zeros((2, 1)), epochs=2, batch_size=2, verbose=0)
    return trace


@pytest.mark.parametrize(
    "make",
    [
        lambda: trained([nn.layers.Dense(3, "softplus"), nn.layers.Dense(1)]),
        lambda: trained([nn.layers.Dense(2, "softplus"), nn.layers.Dense(1)], features=2),
        lambda: trained([nn.layers.Dense(1)]),
        lambda: trained([nn.layers.Dense(2, "tanh"), nn.layers.Dense(1, "tanh")]),
        lambda: trained([nn.layers.Dense(2), nn.layers.Dense(1)], "mean_squared_error"),
    ],
)
def test_of_any_other_dense_network_one_sample_is_followed(make):
    assert backprop(make()).beats[0].name == "network"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: record(2, keep=Keep(kinds=("forward", "loss"))), "no backward events"),
        (lambda: Trace(dosage_run.description()), "no backward events"),
        (lambda: nn.networks.dosage_network(), "told of a trace, but a Sequential"),
    ],
)
def test_a_trace_without_training_is_one_clear_error(make, said):
    with pytest.raises(ArgumentError, match=said):
        backprop(make())
