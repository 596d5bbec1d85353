"""The network's figure: what is read back from the artists is what the view shows."""

from __future__ import annotations

import dosage_run
import numpy as np
import pytest
from legibility_plots import faults
from matplotlib.figure import Figure

import vizkit
from vizkit import nn, plots
from vizkit.errors import ArgumentError
from vizkit.plots.read import strokes
from vizkit.views.network import NetworkView


@pytest.fixture(scope="module")
def trace():
    return dosage_run.trained(2)


def agree(ax, shown):
    """Compare the numbers on the axes, to the digits written, and the edges, by width and colour, with a view's."""
    read, edges = plots.read(ax), strokes(ax)
    assert read.keys() | edges.keys() == shown.keys()
    for name, value in read.items():
        assert value == pytest.approx(shown[name], abs=0.005), name
    if edges:
        widths = sorted(edges, key=lambda key: edges[key][0])
        assert widths == sorted(edges, key=lambda key: abs(shown[key]))
        assert len({(colour, shown[key] < 0) for key, (_, colour) in edges.items()}) == 2


def test_the_artists_hold_the_views_numbers(trace):
    ax = plots.network(trace, step=1, sample=2, gradients=True, ax=Figure(figsize=(11, 6)).subplots(), theme="light")
    agree(ax, NetworkView.from_trace(trace, 1, 2, gradients=True).quantities())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_figure_can_be_read(trace, theme):
    assert faults(plots.figure(NetworkView.from_trace(trace, gradients=True), theme)) == []


def test_a_convolutional_network_is_drawn_from_its_trace():
    model = nn.networks.letters_cnn()
    x, y = np.random.default_rng(0).normal(size=(2, 6, 6, 1)), np.arange(2)
    with vizkit.record(model) as trace:
        model.fit(x, y, epochs=1, batch_size=2, verbose=0)
    ax = plots.network(trace, ax=Figure(figsize=(11, 6)).subplots(), theme="dark")
    read = plots.read(ax)
    agree(ax, NetworkView.from_trace(trace).quantities())
    assert (read["shape[0][0]"], read["shape[1][0]"]) == (6, 4)
    assert faults(plots.figure(NetworkView.from_trace(trace), "dark")) == []


def test_the_digits_network_is_drawn_from_its_trace():
    model = nn.networks.digits_cnn()
    with vizkit.record(model) as trace:
        model.fit(np.random.default_rng(0).random((4, 8, 8, 1)), np.arange(4), epochs=1, batch_size=4, verbose=0)
    view = NetworkView.from_trace(trace)
    assert faults(plots.figure(view, "light")) == []
    assert {"shape[1][2]", "value[7][9]", "ce"} <= view.quantities().keys()


def test_bad_input_is_one_clear_error(trace):
    with pytest.raises(ArgumentError, match="from a trace"):
        plots.network("dosage")
    with pytest.raises(ArgumentError, match=r"samples are numbered .* but 7"):
        plots.network(trace, sample=7)
