"""The same weights and batches in vizkit, PyTorch and Keras give the same trace, event by event."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from itertools import combinations
from pathlib import Path

import agreement_torch
import agreement_vizkit
import numpy as np
import pytest
from agreement_runs import NETWORKS, RATE, STEPS, shapes

from vizkit.trace import BackwardEvent, ForwardEvent, LossEvent, UpdateEvent, load

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
NARROW = "keras on torch"  # there Keras multiplies matrices of float64 in float32
FRAMEWORKS = ("vizkit", "torch", "keras on tensorflow", "keras on torch")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Run Keras once for each backend, each in a process of its own: a process has one backend."""
    script, found, running = Path(__file__).with_name("agreement_keras.py"), {}, []
    tests = {"PYTHONPATH": str(script.parents[1])}
    for backend in ("tensorflow", "torch"):
        folder = found[f"keras on {backend}"] = tmp_path_factory.mktemp(backend)
        running.append(
            subprocess.Popen(
                [sys.executable, str(script), str(folder)],
                env=os.environ | tests | {"KERAS_BACKEND": backend},
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for process in running:
        _, said = process.communicate()
        assert process.returncode == 0, said
    return found


@cache
def in_process(framework, network, dtype):
    return {"vizkit": agreement_vizkit, "torch": agreement_torch}[framework].trace(network, dtype)


def read(framework, network, dtype, folders):
    if framework in folders:
        return load(folders[framework] / f"{network}-{dtype}.vkt")
    return in_process(framework, network, dtype)


def numbers(trace):
    """Return all arrays of a trace by what they are; a parameter is named by its whole path."""
    found = {}
    for event in trace.events():
        at = (event.step, event.node.name)
        match event:
            case ForwardEvent():
                found[*at, "output"] = event.output
                found[*at, "input"] = event.inputs[0]
                for name, value in event.parameters.items():
                    found[event.step, f"{event.node.name}/{name}", "value"] = value
            case LossEvent():
                found |= {(*at, name): getattr(event, name) for name in ("prediction", "target", "samples", "value")}
            case BackwardEvent():
                found[*at, "output gradient"] = event.output_gradient
                if event.input_gradients:  # attention's inputs are one in PyTorch, so their shares are added up
                    found[*at, "input gradient"] = sum(event.input_gradients)
                for name, value in event.parameter_gradients.items():
                    found[event.step, f"{event.node.name}/{name}", "gradient"] = value
            case UpdateEvent():
                path = f"{event.node.name}/{event.parameter}"
                for name in ("before", "after", "gradient", "learning_rate"):
                    found[event.step, path, f"update {name}"] = getattr(event, name)
    return found


def may_be_missing(key):
    """Say what one framework alone tells, and why."""
    _, name, what = key
    inside = name.startswith("a1/")  # PyTorch's attention is one module, whose parameters have the same paths
    return (
        (inside and what in ("input", "output", "input gradient", "output gradient"))
        or name == "r1/recurrent_bias"  # PyTorch's second bias, here zero and frozen
        or ("/moving_" in name and what == "gradient")  # vizkit says by zeros that they have none
    )


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("network", NETWORKS)
def test_event_by_event(network, dtype, folders):
    found = {name: numbers(read(name, network, dtype, folders)) for name in FRAMEWORKS}
    for one, other in combinations(FRAMEWORKS, 2):
        mine, theirs = found[one], found[other]
        odd = {key for key in mine.keys() ^ theirs.keys() if not may_be_missing(key)}
        assert not odd, f"{one} and {other}"
        for key in mine.keys() & theirs.keys():
            if key[2] == "value" and key[1].endswith("moving_variance") and key[0]:
                continue  # held by the test below
            a, b = np.asarray(mine[key]), np.asarray(theirs[key])
            assert a.shape == b.shape, f"{key} of {one} and {other}"
            tolerance = TOLERANCE["float32" if NARROW in (one, other) else dtype]
            close = np.allclose(a, b, rtol=tolerance, atol=tolerance)
            assert close, f"{key} of {one} and {other} differ by {np.abs(a - b).max()}"


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_parameter_is_there_with_its_gradient_and_update(network, dtype, folders):
    for framework in FRAMEWORKS:
        found = numbers(read(framework, network, dtype, folders))
        for layer, named in shapes(network).items():
            for name, shape in named.items():
                for step in range(STEPS):
                    assert found[step, f"{layer}/{name}", "value"].shape == shape
                    assert found[step, f"{layer}/{name}", "value"].dtype == dtype
                    if name.startswith("moving"):
                        continue
                    gradient = found[step, f"{layer}/{name}", "gradient"]
                    before, after = (found[step, f"{layer}/{name}", f"update {when}"] for when in ("before", "after"))
                    assert np.abs(gradient).max() > 0 or name == "bias"  # a bias before normalisation has none
                    np.testing.assert_allclose(after, before - RATE * gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_the_order_of_events_and_the_kinds_are_the_same(network, folders):
    traces = [read(name, network, "float64", folders) for name in FRAMEWORKS]
    common = set.intersection(*({node.name for node in trace.log.nodes.values()} for trace in traces))
    assert len(common) >= 4
    told = [
        [
            (type(event).__name__, event.node.name, event.node.kind, event.step, getattr(event, "parameter", ""))
            for event in trace.events()
            if event.node.name in common and not event.node.name.startswith("a1")
        ]
        for trace in traces
    ]
    assert all(each == told[0] for each in told[1:])
    assert len({trace.model.loss for trace in traces}) == 1


@pytest.mark.slow
def test_moving_variances_differ_as_the_frameworks_document(folders):
    """PyTorch moves towards the unbiased variance of a batch, n / (n - 1) times the one that Keras moves towards."""
    found = {name: numbers(read(name, "cnn", "float64", folders)) for name in FRAMEWORKS}
    n = 4 * 8 * 8
    steps = {
        name: each[1, "b1/moving_variance", "value"] - 0.99 * each[0, "b1/moving_variance", "value"]
        for name, each in found.items()
    }
    for name in FRAMEWORKS:
        factor = n / (n - 1) if name == "torch" else 1
        np.testing.assert_allclose(steps[name], steps["vizkit"] * factor, rtol=1e-5 if name == NARROW else 1e-10)
