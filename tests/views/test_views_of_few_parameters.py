"""Views of a recording that has parameters at some steps only: they show those, or say what is not there."""

from __future__ import annotations

import numpy as np
import pytest

import vizkit
from vizkit import nn, plots
from vizkit.errors import TraceQueryError
from vizkit.nn import layers as L
from vizkit.stories.chain import chain
from vizkit.views.convolution_recorded import RecordedConvolution
from vizkit.views.distributions import DistributionsView
from vizkit.views.gradient_flow import GradientFlowView
from vizkit.views.images import KernelsView


@pytest.fixture(scope="module")
def trace():
    model = nn.Sequential([L.Conv2D(3, 3, activation="relu"), L.Flatten(), L.Dense(2, "softmax")], seed=2)
    model.compile("adam", "sparse_categorical_crossentropy")
    with vizkit.record(model, vizkit.Keep(samples=1, parameters=40)) as trace:
        model.fit(*nn.data.letters(), epochs=16, batch_size=3, verbose=0)
    return trace


def test_views_over_the_steps_take_those_with_parameters(trace):
    assert trace.steps[-1] > 90 and trace.parameter_steps == (0, 40, 80)
    for what in ("weights", "gradients"):
        assert {spread.steps for spread in DistributionsView.from_trace(trace, what).spreads} == {(0, 40, 80)}
    assert len(DistributionsView.from_trace(trace, "activations").spreads[0].steps) > 3
    assert {tuple(flow.steps) for flow in GradientFlowView.from_trace(trace).flows} == {(0, 40, 80)}


def test_views_of_one_step_take_the_last_with_parameters(trace):
    kernel = trace.event("forward", layer="conv2d", step=80).parameters["kernel"]
    assert np.array_equal(KernelsView.from_trace(trace).kernels, kernel[:, :, 0])
    plots.feature_maps(trace)


def test_a_step_without_parameters_is_refused_in_words(trace):
    for make in (KernelsView.from_trace, RecordedConvolution.of):
        with pytest.raises(TraceQueryError, match=r"no 'kernel' .*missing\(\)"):
            make(trace, step=7)
    chain(trace)
    with pytest.raises(TraceQueryError, match=r"no 'kernel' .*missing\(\)"):
        chain(trace, step=7)
