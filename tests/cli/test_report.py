"""The report of a recorded run: everything that applies, nothing that does not, and why."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from failing import fails
from report_runs import CLASSES, EVERYTHING, IMAGES, RNG, item, named, network, recorded, run_of

import vizkit
from vizkit import nn
from vizkit.cli import main, workers
from vizkit.cli.report_pages import head, sections
from vizkit.cli.report_plan import Plan, plan
from vizkit.cli.report_run import Request, Run, open_run
from vizkit.trace import Keep, LayerDescription, ModelDescription, Node, Recorder, Trace
from vizkit.views.distributions import DistributionsView
from vizkit.views.gradient_flow import GradientFlowView

Captured = pytest.CaptureFixture[str]


# -- what is in it ---------------------------------------------------------------------------------


def test_of_a_whole_run_everything_is_drawn(tmp_path: Path) -> None:
    done = plan(run_of(recorded(), tmp_path))
    assert named(done) == EVERYTHING and done.left_out == ()


def test_what_does_not_apply_is_left_out_with_its_reason(tmp_path: Path) -> None:
    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(3, "relu"), nn.layers.Dense(1)], dtype="float64", seed=0)
    model.compile("sgd", "mean_squared_error")
    with vizkit.record(model, keep=Keep()) as trace:
        model.fit(RNG.normal(size=(8, 2)), np.ones((8, 1)), epochs=2, verbose=0)
    done = plan(run_of(trace, tmp_path))
    assert {"backprop", "network", "curve-1"} < set(named(done))
    assert [title for title, _ in done.left_out] == ["Kernels", "Feature maps", "Convolution"]
    assert all("no Conv2D" in reason for _, reason in done.left_out)


def test_without_training_there_are_no_gradients(tmp_path: Path) -> None:
    model = network()
    with vizkit.record(model, keep=Keep()) as trace:
        model.predict(IMAGES)
    done = plan(run_of(trace, tmp_path))
    assert {"architecture", "kernels-1", "feature-maps-1", "convolution", "distributions-activations"} < set(
        named(done)
    )
    left_out = dict(done.left_out)
    assert set(left_out) == {"Loss", "Gradient flow", "Distributions of gradients", "Backpropagation"}
    assert "backward" in left_out["Gradient flow"] and "no backward events" in left_out["Backpropagation"]


def test_of_statistics_what_needs_no_arrays_is_drawn(tmp_path: Path) -> None:
    run = run_of(recorded(Keep(statistics=True)), tmp_path)
    done = plan(run)
    assert named(done) == [
        "architecture", "curve-1", "curve-2", "gradient-flow", "distributions-weights", "distributions-activations",
        "distributions-gradients",
    ]  # fmt: skip
    assert "Statistics were recorded" in sections(run, done, tmp_path, False)[0].parts[0]


def test_statistics_give_the_sizes_and_nearly_the_histograms_of_the_arrays(tmp_path: Path) -> None:
    whole, told = recorded(), recorded(Keep(statistics=True))
    flows = [GradientFlowView.from_trace(trace).flows for trace in (whole, told)]
    for exact, summary in zip(*flows, strict=True):
        assert exact.layer == summary.layer and not summary.exact
        np.testing.assert_allclose(summary.largest, exact.largest)
        arrays = whole.stack("backward", "parameter_gradients", layer=exact.layer, item="kernel").values
        squares = (arrays.reshape(len(arrays), -1) ** 2).mean(axis=1)
        np.testing.assert_allclose(summary.mean, np.sqrt(squares), rtol=1e-9)
    spreads = [DistributionsView.from_trace(trace, "weights").spreads for trace in (whole, told)]
    for exact, summary in zip(*spreads, strict=True):
        np.testing.assert_allclose(summary.edges, exact.edges)
        np.testing.assert_allclose(summary.counts.sum(axis=1), exact.counts.sum(axis=1))
        apart = np.abs(summary.counts.cumsum(axis=1) - exact.counts.cumsum(axis=1)).max()
        assert apart <= max(2.0, 0.1 * exact.counts.sum(axis=1).max())


def test_a_file_that_was_cut_off_is_reported_up_to_there(tmp_path: Path) -> None:
    model, path = network(), tmp_path / "run.vkt"
    with vizkit.record(model, keep=Keep(), path=path):
        model.fit(IMAGES, CLASSES, batch_size=4, epochs=20, verbose=0)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    run = open_run(Request(path))
    done = plan(run)
    assert "cut off" in run.damage and {"architecture", "gradient-flow", "kernels-1"} < set(named(done))
    assert "partial=True" in item(done, "kernels-1").code
    assert "Only a part of the file" in sections(run, done, tmp_path, False)[0].parts[0]


def test_a_run_without_a_step_has_its_architecture(tmp_path: Path) -> None:
    with vizkit.record(network(), keep=Keep()) as trace:
        pass
    assert named(plan(run_of(trace, tmp_path))) == ["architecture"]


def test_a_run_that_left_the_finite_numbers_is_reported(tmp_path: Path) -> None:
    model = network()
    model.layers[-1].kernel.assign(np.full((6, 3), np.nan))
    with vizkit.record(model, keep=Keep()) as trace:
        model.predict(IMAGES)
    done = plan(run_of(trace, tmp_path))
    assert {"architecture", "kernels-1", "distributions-weights"} <= set(named(done))
    assert [spread.layer for spread in item(done, "distributions-weights").view.spreads] == ["conv", "hidden"]


def test_of_a_layer_with_many_kernels_the_strongest_are_shown_and_that_is_said(tmp_path: Path) -> None:
    model = nn.Sequential([nn.Input((6, 6, 3)), nn.layers.Conv2D(40, 3)], seed=0)
    with vizkit.record(model, keep=Keep()) as trace:
        model.predict(RNG.normal(size=(1, 6, 6, 3)))
    done = plan(run_of(trace, tmp_path))
    kernels, maps = item(done, "kernels-1"), item(done, "feature-maps-1")
    weights = np.abs(trace.event("forward", layer="conv2d", step=0).parameters["kernel"])
    channel = int(weights.mean(axis=(0, 1, 3)).argmax())
    sizes = weights[:, :, channel].mean(axis=(0, 1))
    assert kernels.view.numbers == tuple(sorted(np.argsort(-sizes, kind="stable")[:32].tolist()))
    assert f"input channel {channel}, the strongest of 3" in kernels.summary
    assert "the 32 strongest of 40 kernels" in kernels.summary and "the 32 strongest of 40 maps" in maps.summary


def test_of_many_convolutions_some_are_drawn_and_one_can_be_asked_for(tmp_path: Path) -> None:
    layers = [nn.layers.Conv2D(2, 3, padding="same", name=f"c{number}") for number in range(6)]
    model = nn.Sequential([nn.Input((6, 6, 1)), *layers], seed=0)
    with vizkit.record(model, keep=Keep()) as trace:
        model.predict(RNG.normal(size=(1, 6, 6, 1)))
    titles = [each.title for each in plan(run_of(trace, tmp_path)).items if each.name.startswith("kernels")]
    assert titles == ["Kernels of layer c0", "Kernels of layer c2", "Kernels of layer c3", "Kernels of layer c5"]
    asked = plan(run_of(trace, tmp_path, layer="c4"))
    assert [each.title for each in asked.items if each.section == "images"] == [
        "Kernels of layer c4", "Feature maps of layer c4", "Convolution of layer c4",
    ]  # fmt: skip


def test_the_sample_and_step_that_are_asked_for_are_shown(tmp_path: Path) -> None:
    trace = recorded()
    run = run_of(trace, tmp_path, sample=2, step=3)
    done = plan(run)
    event = trace.event("forward", layer="conv", step=3)
    np.testing.assert_array_equal(item(done, "feature-maps-1").view.maps, event.output[2])
    assert "sample=2" in item(done, "backprop").code and "step=3" in item(done, "convolution").code
    assert "sample 2 at step 3" in sections(run, done, tmp_path, False)[0].parts[0]


def test_what_the_trace_says_is_missing_is_said_with_its_reason(tmp_path: Path) -> None:
    recorder = Recorder(Trace(ModelDescription("m")), Keep())
    recorder.missing("<b>lstm</b>", "backward", "The backend gives <i>none</i>.")
    run = Run(recorder.trace, Request(tmp_path / "run.vkt"))
    last = sections(run, Plan((), ()), tmp_path, False)[-1]
    assert last.title == "What is not here"
    assert "backward of &lt;b&gt;lstm&lt;/b&gt;" in last.parts[0] and "gives &lt;i&gt;none&lt;/i&gt;." in last.parts[0]


def test_no_more_is_loaded_than_a_picture_needs(tmp_path: Path) -> None:
    nodes = [Node(at, f"d{at}", "Dense") for at in range(4)]
    shapes = {"kernel": (300, 300)}
    described = tuple(LayerDescription(node, {}, (None, 300), (None, 300), shapes) for node in nodes)
    recorder = Recorder(Trace(ModelDescription("wide", described)), Keep())
    weights, x = RNG.normal(size=(300, 300)), RNG.normal(size=(2, 300))
    for step in range(12):
        for node in nodes:
            recorder.forward(step, node, (x,), x, {"kernel": weights})
        for node in reversed(nodes):
            recorder.backward(step, node, x, (x,), {"kernel": weights * (step + 1)})
    path = recorder.trace.save(tmp_path / "run.vkt")
    size = path.stat().st_size
    tracemalloc.start()
    done = plan(open_run(Request(path)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {"gradient-flow", "distributions-weights"} < set(named(done))
    assert size > 60e6 and peak < size / 10


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sample", 4), "samples 0 to 3 were recorded, but sample 4"),
        (("--step", 99), "there are 8 steps from 0 to 7; the nearest is 7"),
        (("--layer", "konv"), "Did you mean 'conv'"),
        (("--sample", "-1"), "whole number from 0 up"),
        (("--jobs", "0"), "whole number from 1 up"),
    ],
)
def test_what_the_run_has_not_is_one_clear_error(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, words: tuple, said: str
) -> None:
    path = recorded().save(tmp_path / "run.vkt")
    monkeypatch.setattr(workers, "run", lambda *_: pytest.fail("the long work began before the words were checked"))
    assert said in fails(capsys, "report", path, "-o", tmp_path / "report", *words)
    assert not (tmp_path / "report").exists()


def test_a_part_of_a_file_is_said_to_be_one(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recorded(epochs=1).save(tmp_path / "run.vkt")
    monkeypatch.setattr(workers, "run", lambda *_: None)
    assert main(["report", str(path), "-o", str(tmp_path / "whole")]) == 0
    assert capsys.readouterr().err == ""
    path.write_bytes(path.read_bytes()[:-30])
    assert main(["report", str(path), "-o", str(tmp_path / "part")]) == 0
    err = capsys.readouterr().err
    assert err.startswith("vizkit: Only a part of the file could be read: run.vkt is cut off") and err.count("\n") == 1


def test_a_file_that_is_no_trace_is_one_clear_error(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "a.vkt").write_text("no trace", encoding="utf-8")
    assert "is not a trace" in fails(capsys, "report", tmp_path / "a.vkt", "-o", tmp_path / "out")
    assert "cannot be read" in fails(capsys, "report", tmp_path / "b.vkt", "-o", tmp_path / "out")
    (tmp_path / "file").write_text("", encoding="utf-8")
    path = recorded(epochs=1).save(tmp_path / "run.vkt")
    assert "cannot be" in fails(capsys, "report", path, "-o", tmp_path / "file" / "out")


# -- the pages ---------------------------------------------------------------------------------------


def test_what_stands_on_top_is_the_models_name(tmp_path: Path) -> None:
    assert head(run_of(recorded(epochs=1), tmp_path)).heading == "small"


def test_videos_are_made_when_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    asked: list[tuple[str, str]] = []

    def stand_in(tasks: Any, jobs: int, make: Any, hear: Any) -> None:
        for task in tasks:
            for name, folder in task.places:
                asked.append((name, task.quality))
                folder.mkdir(parents=True)
                (folder / "video.vtt").write_text("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHello.\n", encoding="utf-8")
                hear(name, 1.0)

    monkeypatch.setattr(workers, "run", stand_in)
    path = recorded(Keep(steps=4)).save(tmp_path / "run.vkt")
    assert main(["report", str(path), "-o", str(tmp_path / "out"), "--videos", "-ql"]) == 0
    assert sorted(name for name, _ in asked) == sorted(EVERYTHING) and {quality for _, quality in asked} == {"ql"}
    text = (tmp_path / "out" / "exhibits" / "backprop" / "index.html").read_text(encoding="utf-8")
    assert '<video controls preload="metadata"' in text and "Hello." in text
    figure = (tmp_path / "out" / "exhibits" / "architecture" / "index.html").read_text(encoding="utf-8")
    assert "<video" not in figure
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert index.count("figure · video · steps") == 2
