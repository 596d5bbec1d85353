"""Figures and stories of PyTorch's and Keras's traces show the numbers that vizkit's own trace of the network shows."""

from __future__ import annotations

from functools import cache

import agreement_keras
import agreement_torch
import agreement_vizkit
import keras
import numpy as np
import pytest
from matplotlib import pyplot
from shown import differences, drawn_weights, texts_of, texts_of_beat

from vizkit import plots, stories
from vizkit.views.distributions import DistributionsView
from vizkit.views.images import FeatureMapsView, KernelsView
from vizkit.views.network import NetworkView
from vizkit.views.training import TrainingView

# name of the figure -> the network it is drawn of, and how its view is made; plots' function of the name does the same
FIGURES = {
    "feature_maps": ("cnn", FeatureMapsView.ensure, {}),
    "kernels": ("cnn", KernelsView.ensure, {"channel": 1}),
    "network": ("mlp", NetworkView.ensure, {"gradients": True}),
    "training_curves": ("mlp", TrainingView.ensure, {}),
    "distributions": ("cnn", DistributionsView.ensure, {}),
}
STORIES = {"backprop": "dosage", "convolution": "letter"}
FRAMEWORKS = {"vizkit": agreement_vizkit, "torch": agreement_torch, "keras": agreement_keras}
DTYPE = "float32"


@pytest.fixture(autouse=True, scope="module")
def keras_as_it_was():
    """Keras's default type is one for the process."""
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


@cache
def trace(framework, network):
    return FRAMEWORKS[framework].trace(network, DTYPE)


def close(mine, theirs):
    assert mine.keys() == theirs.keys()
    for key, value in mine.items():
        np.testing.assert_allclose(value, theirs[key], rtol=1e-4, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("framework", ["torch", "keras"])
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shows_what_the_framework_computed(name, framework):
    network, ensure, options = FIGURES[name]
    view = ensure(trace(framework, network), **options)
    texts = texts_of(view.picture)
    shown = drawn_weights(view.picture) - set(texts)
    expected = {key: value for key, value in view.quantities().items() if key not in shown}
    ax = getattr(plots, name)(trace(framework, network), **options)
    assert list(differences(expected, plots.read(ax), texts, arrays=1e-12)) == []
    if name != "training_curves":  # a loop of one's own has no epochs, so its curve is over steps
        close(view.quantities(), ensure(trace("vizkit", network), **options).quantities())
    pyplot.close("all")


def test_the_curve_of_a_loop_is_the_loss_of_each_step():
    view = TrainingView.ensure(trace("torch", "mlp"))
    np.testing.assert_array_equal(view.training, [event.value for event in trace("torch", "mlp").events("loss")])


@pytest.mark.parametrize("framework", ["torch", "keras"])
@pytest.mark.parametrize("name", STORIES)
def test_a_story_tells_what_the_framework_computed(name, framework):
    tell = getattr(stories, name)
    story, ours = (tell(trace(each, STORIES[name])) for each in (framework, "vizkit"))
    assert [beat.name for beat in story.beats] == [beat.name for beat in ours.beats]
    for mine, theirs in zip(story.beats, ours.beats, strict=True):
        close(mine.quantities(), theirs.quantities())
    for beat in story.beats[:: max(1, len(story.beats) // 4)]:
        texts = texts_of_beat(beat)
        expected = {k: v for k, v in beat.quantities().items() if k not in drawn_weights(beat) - set(texts)}
        assert list(differences(expected, plots.read(plots.figure(beat)), texts, arrays=1e-12)) == []
    pyplot.close("all")
