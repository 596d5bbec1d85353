"""The figures about convolutions: the artists show the view's numbers, and everything can be read."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest
from legibility_plots import faults
from letter_o import DIAGONAL, LETTER_O, letter_o_trace, trace_of
from matplotlib.figure import Figure

from vizkit import plots
from vizkit.errors import ArgumentError, ShapeError
from vizkit.stories.convolution import convolution
from vizkit.stories.story import Beat
from vizkit.views.blueprint import BlueprintView
from vizkit.views.convolution import ConvolutionStepView
from vizkit.views.grids import GridView
from vizkit.views.images import FeatureMapsView, KernelsView
from vizkit.views.picture import View

RNG = np.random.default_rng(4)
SCAN = RNG.random((28, 28))
WEIGHTS = RNG.normal(size=(3, 3))
ACTIVE = np.array([[0.0, 1.25, 0.5, 0.0], [2.0, 0.0, 0.0, 0.75], [0.0, 0.25, 3.0, 0.0], [0.5, 0.0, 0.0, 0.0]])
VIEWS: dict[str, View] = {
    "step": ConvolutionStepView.from_arrays(LETTER_O, DIAGONAL, -1, row=2, column=1),
    "step with decimals": ConvolutionStepView.from_arrays(RNG.random((3, 3)), RNG.normal(size=(2, 2)), 0.5),
    "step on a scan": ConvolutionStepView.from_arrays(SCAN, WEIGHTS, 0.1, row=6, column=9),
    "step of a large kernel": ConvolutionStepView.from_arrays(SCAN, RNG.normal(size=(5, 5)), 0.1),
    "step on wide numbers": ConvolutionStepView.from_arrays(SCAN * 255, WEIGHTS, -12.5),
    "signed maps": FeatureMapsView.from_arrays(RNG.normal(size=(6, 6, 16)), RNG.random((8, 8))),
    "one-sided maps": FeatureMapsView.from_arrays(RNG.random((26, 26, 8)), SCAN),
    "one small map": FeatureMapsView.from_arrays(RNG.normal(size=(4, 4, 1)), LETTER_O),
    "kernels": KernelsView.from_arrays(RNG.normal(size=(3, 3, 1, 8))),
    "many kernels": KernelsView.from_arrays(RNG.normal(size=(5, 5, 32)) * 1e-3),
    "grid": GridView.from_arrays([[50, 2], [0, 1234]], title="confusion"),
    "blueprint": BlueprintView(
        LETTER_O, WEIGHTS, -0.31, ACTIVE - 1.5, ACTIVE, np.array([[2.0, 0.75], [0.5, 3.0]]),
        RNG.normal(size=(4, 2)), np.array([0.1, -0.2]), np.array([0.97, 0.03]), ("O", "X"),
    ),
}  # fmt: skip


def assert_agrees(figure: Figure, expected: dict, skipped: str = "weight:") -> None:
    """The numbers on the page are the view's, to the two decimals that texts have at least, or whole."""
    shown = plots.read(figure)
    wanted = {name: value for name, value in expected.items() if not name.startswith(skipped)}
    assert shown.keys() == wanted.keys()
    for name, value in wanted.items():
        slack = 0.0 if np.ndim(value) else 0.5 if abs(value) >= 100 else 0.05 if abs(value) >= 10 else 0.005
        np.testing.assert_allclose(shown[name], value, atol=slack + 1e-9, rtol=0)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("name", VIEWS)
def test_a_figure_shows_the_views_numbers_and_can_be_read(name: str, theme: str) -> None:
    figure = plots.draw(VIEWS[name], theme=theme).figure
    assert faults(figure) == []
    assert_agrees(figure, VIEWS[name].quantities())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("index", "beat"),
    list(enumerate(convolution(letter_o_trace()).beats)),
    ids=lambda value: getattr(value, "name", ""),
)
def test_every_beat_of_the_story_shows_its_numbers_and_can_be_read(index: int, beat: Beat) -> None:
    figure = plots.figure(beat, ("dark", "light")[index % 2])
    assert faults(figure) == []
    assert_agrees(figure, beat.quantities())


def test_each_function_takes_what_its_user_has() -> None:
    images, kernels = RNG.random((2, 8, 8, 1)), RNG.normal(size=(3, 3, 1, 4))
    trace = trace_of(images, kernels, np.zeros(4))
    recorded = next(trace.events("forward", layer="conv")).output
    shown = plots.read(plots.feature_maps(trace, sample=1, layer="conv"))
    np.testing.assert_array_equal(shown["map2"], recorded[1, :, :, 2])
    assert plots.read(plots.feature_maps(recorded[1], images[1, :, :, 0])).keys() == shown.keys()
    assert plots.read(plots.kernels(trace)).keys() == plots.read(plots.kernels(kernels)).keys()
    value = plots.read(plots.convolution_step(trace, row=1, column=2, sample=1, filter=3))["value"]
    assert value == pytest.approx(recorded[1, 1, 2, 3], abs=0.005)


def test_given_axes_are_drawn_on_and_nothing_else() -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4))
    assert plots.convolution_step(LETTER_O, DIAGONAL, bias=-1, ax=left) is left
    assert not right.get_children() or plots.read(right) == {}
    assert plots.read(left)["value"] == 2
    assert figure.axes == [left, right]


def test_bad_input_is_one_clear_error() -> None:
    with pytest.raises(ShapeError, match=r"\(7, 7\)"):
        plots.convolution_step(LETTER_O, np.ones((7, 7)))
    with pytest.raises(ArgumentError, match="needs a kernel"):
        plots.convolution_step(LETTER_O)
    with pytest.raises(ShapeError, match="height, width, map"):
        plots.feature_maps("maps")
    with pytest.raises(ShapeError, match="row, column, filter"):
        plots.kernels([1, 2, 3])
