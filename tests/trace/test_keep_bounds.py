"""What bounds a recording: statistics in place of arrays, a budget of bytes, few steps, record's own choice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from trace_strategies import NestedModel

from vizkit.errors import ArgumentError
from vizkit.trace import Keep, LayerDescription, ModelDescription, Node, Recorder, Trace, load, record, samples
from vizkit.trace.recorder import early
from vizkit.trace.statistics import BINS, summarise

DENSE = Node(0, "dense", "Dense")
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6)
numbers = st.floats(-1e6, 1e6, width=32) | st.sampled_from([np.nan, np.inf, -np.inf])


@given(
    st.sampled_from(["f4", "f8"]).flatmap(
        lambda dtype: hnp.arrays(
            dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6), elements=numbers
        )
    )
)
def test_a_summary_is_what_numpy_says_of_the_finite_numbers(array):
    summary = summarise(array)
    finite = array[np.isfinite(array)].astype("f8")
    assert summary.shape.tolist() == list(array.shape) and summary.moments[0] == finite.size == summary.histogram.sum()
    if not finite.size:
        assert np.isnan(summary.extremes).all() and np.isnan(summary.moments[1:]).all()
        return
    assert summary.extremes.tolist() == [finite.min(), finite.max()]
    scale = np.abs(finite).max() + 1e-30
    assert summary.moments[1] == pytest.approx(finite.mean(), abs=1e-6 * scale)
    assert summary.moments[2] == pytest.approx(finite.std(), rel=1e-4, abs=2e-6 * scale)


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1.0, 1e20, 1e30])
def test_tiny_and_huge_numbers_have_a_deviation(scale):
    array = (np.random.default_rng(0).normal(size=1000) * scale).astype("f4")
    assert summarise(array).moments[2] == pytest.approx(array.astype("f8").std(), rel=1e-5)


@given(hnp.arrays("f8", st.integers(2, 200), elements=st.integers(-50, 50).map(float)))
def test_the_histogram_is_that_of_numpy(array):
    if array.min() < array.max():
        expected, edges = np.histogram(array, BINS)
        inner = np.abs(array[:, None] - edges[1:-1]).min() > 1e-9 * np.ptp(array)
        found = summarise(array).histogram
        assert np.array_equal(found, expected) if inner else found.sum() == expected.sum()


@pytest.mark.parametrize("dtype", ["b1", "i1", "u8", "f2", "c8", "c16"])
def test_numbers_of_every_type_are_summarised(dtype):
    array = np.array([0, 1, 1, 1]).astype(dtype)
    summary = summarise(array)
    assert summary.moments[:2].tolist() == [4, 0.75] and summary.extremes.tolist() == [0, 1]


def test_a_histogram_of_a_large_array_counts_evenly_spaced_numbers():
    assert 8_000 < summarise(np.arange(100_000.0)).histogram.sum() <= 1 << 14
    counts = summarise(np.arange(100_000.0)).histogram
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("in_file", [False, True])
def test_statistics_stand_in_the_place_of_the_arrays(tmp_path, in_file):
    told, summarised = NestedModel(), NestedModel()
    path = tmp_path / "run.vkt" if in_file else None
    with record(told) as full, record(summarised, Keep(statistics=True), path=path) as trace:
        told.train(3)
        summarised.train(3)
    trace = load(path) if in_file else trace
    assert {type(event).__name__ for event in trace.events()} == {"LossEvent", "StatisticsEvent"}
    assert trace.stack("loss", "value").values.tolist() == full.stack("loss", "value").values.tolist()
    found = [event for event in trace.events("statistics", layer="dense", step=1)]
    names = [(event.of, event.quantity, event.item) for event in found]
    assert names == [
        *[("forward", "inputs", "0"), ("forward", "output", ""), ("forward", "parameters", "kernel")],
        ("forward", "parameters", "bias"),
        *[("backward", "output_gradient", ""), ("backward", "input_gradients", "0")],
        *[("backward", "parameter_gradients", "kernel"), ("backward", "parameter_gradients", "bias")],
        *[("update", quantity, item) for item in ("kernel", "bias") for quantity in ("before", "after", "gradient")],
    ]
    array = full.event("forward", layer="dense", step=1).parameters["kernel"]
    assert found[2].moments[1] == pytest.approx(array.mean()) and found[2].extremes[1] == array.max()
    assert found[2].shape.tolist() == [3, 2]


def test_a_template_with_statistics_takes_the_early_ones_early():
    recorder = Recorder(Trace(ModelDescription("m")), Keep(statistics=True, steps=2))
    weights, output = np.zeros(3), np.zeros(3)
    template = recorder.template([("forward", DENSE, ((), output, {"kernel": early(weights)}))])
    kept = []
    for step in range(4):
        if template.begin(step):
            weights += 1
            output += 10
            template.end()
            kept.append(step)
    assert kept == [0, 2]
    means = [(event.quantity, event.step, event.moments[1]) for event in recorder.trace.events("statistics")]
    assert means == [("output", 0, 10.0), ("parameters", 0, 0.0), ("output", 2, 20.0), ("parameters", 2, 1.0)]


@pytest.mark.parametrize("keep", [Keep(statistics=True), Keep(statistics=True, kinds=("forward", "loss"), samples=1)])
def test_the_estimate_of_statistics_is_what_they_take(keep):
    model = samples.TinyModel()
    with record(model, keep) as trace:
        model.train(4)
    assert trace.nbytes == keep.estimate(model, batch=2, steps=4)


def test_logarithmic_steps():
    keep = Keep(steps="logarithmic")
    kept = [step for step in range(2000) if keep.step(step)]
    assert kept[:12] == [0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20] and {100, 1000, 1259} <= set(kept)
    with pytest.raises(ArgumentError, match="'logarithmic'"):
        Keep(steps="log")


@pytest.mark.parametrize("in_file", [False, True])
def test_a_budget_thins_the_recording_and_says_so(tmp_path, in_file):
    path, model = tmp_path / "run.vkt", samples.TinyModel()
    keep = Keep(max_bytes=40_000, steps=2)
    with (
        pytest.warns(RuntimeWarning, match="max_bytes=40,000"),
        record(model, keep, path=path if in_file else None) as trace,
    ):
        model.train(3000)
    trace = load(path) if in_file else trace
    steps = np.array(trace.steps)
    assert len(steps) * 200 < 40_000 < (len(steps) + 40) * 300  # the budget is used, and not exceeded
    assert (steps % 2 == 0).all() and steps[:10].tolist() == list(range(0, 20, 2)) and steps[-1] > 500
    gaps = np.diff(steps)
    assert gaps[0] == 2 and gaps[-1] >= 16 and (np.diff(gaps) >= 0).all()
    said = [missing.reason for missing in trace.missing() if missing.kind == "steps"]
    assert len(said) >= 4 and "one of 2 steps" in said[0]
    reached = int(said[0].split()[2])
    assert np.diff(steps[steps < reached]).max() == 2


def test_the_estimate_never_exceeds_the_budget():
    model = samples.TinyModel()
    assert Keep(max_bytes=1000).estimate(model, batch=2, steps=10**5) == 1000
    assert Keep(max_bytes=1000).estimate(model, batch=2, steps=1) == 216


@pytest.mark.parametrize(("width", "kept"), [(4, 64), (2000, 1), (None, 1)])
def test_record_chooses_one_sample_where_everything_would_be_large(tmp_path, width, kept):
    """In a file and without Keep only: a small step is kept whole, a large or unknown one with its first sample."""

    class Wide(samples.TinyModel):
        def _description(self):
            layer = LayerDescription(DENSE, {}, (None, width), (None, width), {"kernel": (4, 4)})
            return ModelDescription("wide", (layer,))

    def outputs(**options):
        model = Wide()
        with record(model, **options) as trace:
            for step in (0, 7):
                if model._recorder.wants("forward", DENSE, step):
                    fields = (np.ones((64, 5)),), np.ones((64, 5)), {"kernel": np.ones((4, 4))}
                    model._recorder.forward(step, DENSE, *fields)
        return trace

    chosen = outputs(path=tmp_path / "run.vkt")
    assert chosen.event("forward", step=0).output.shape == (kept, 5)
    assert chosen.event("forward", step=0).parameters["kernel"].shape == (4, 4)
    assert bool(chosen.event("forward", step=7).parameters) == (kept > 1)
    said = {missing.kind: missing.reason for missing in load(tmp_path / "run.vkt").missing()}
    assert set(said) == (set() if kept > 1 else {"samples", "parameters"})
    assert kept > 1 or ("keep=Keep()" in said["samples"] and "ever fewer steps" in said["parameters"])
    for options in ({"path": tmp_path / "run.vkt", "keep": Keep()}, {}):
        assert outputs(**options).event("forward", step=0).output.shape == (64, 5)


@pytest.mark.parametrize(
    ("arguments", "said"), [({"max_bytes": 0}, "0"), ({"max_bytes": 1.5}, "1.5"), ({"statistics": 1}, "True or False")]
)
def test_bad_bounds_are_named(arguments, said):
    with pytest.raises(ArgumentError, match=said):
        Keep(**arguments)
