"""The plot functions of lines and curves: what matplotlib's artists hold is what the views say."""

from __future__ import annotations

import descent_run as run
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vizkit import plots
from vizkit.errors import VizkitError


def axes() -> Axes:
    return Figure(figsize=(9, 6)).subplots()


def line(ax: Axes, key: str) -> np.ndarray:
    return next(artist for artist in ax.lines if artist.get_gid() == key).get_xydata()


def texts(ax: Axes) -> set[str]:
    return {text.get_text() for text in ax.texts}


def test_weight_bias_lines() -> None:
    ax = plots.weight_bias_lines([1, 2], [0, -1], ax=axes())
    np.testing.assert_array_equal(line(ax, "line[1]"), [[-5, -11], [5, 9]])
    assert "w₂ = 2, b₂ = −1" in texts(ax)


def test_activation_curves_and_gradients() -> None:
    drawn = line(plots.activation_curves("tanh", ax=axes()), "tanh")
    np.testing.assert_allclose(drawn[:, 1], np.tanh(drawn[:, 0]), rtol=1e-14)
    drawn = line(plots.activation_gradients("tanh", ax=axes()), "tanh")
    np.testing.assert_allclose(drawn[:, 1], 1 - np.tanh(drawn[:, 0]) ** 2, rtol=1e-9, atol=1e-12)


def test_ssr_curve_with_its_descent() -> None:
    ax = plots.ssr_curve(*run.curve(), descent=run.trace(7), ax=axes())
    np.testing.assert_allclose(line(ax, "curve")[:, 1], run.curve()[1], rtol=1e-14)
    np.testing.assert_allclose(line(ax, "point:1"), [[run.biases(2)[1], run.ssr(run.biases(2)[1])]])
    assert {"slope −15.66", "slope −6.26", "slope −2.50"} <= texts(ax)


def test_fit_curve_of_given_steps() -> None:
    ax = plots.fit_curve((run.DOSAGES, run.EFFECTS), run.fits(7), steps=[0, 6], names=("dosage", "effect"), ax=axes())
    np.testing.assert_allclose(line(ax, "curve:0")[:, 1], run.model(run.GRID, 0.0), rtol=1e-14)
    assert {"step 0", "step 6"} <= texts(ax) and (ax.get_xlabel(), ax.get_ylabel()) == ("dosage", "effect")


def test_training_curves() -> None:
    ax = plots.training_curves({"loss": [3, 2, 1], "val_loss": [3, 1.5, 2]}, ax=axes())
    assert line(ax, "val_loss").tolist() == [[1, 3], [2, 1.5], [3, 2]]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_they_stand_beside_other_axes_of_the_user(theme: str) -> None:
    figure = Figure(figsize=(12, 5))
    left, right = figure.subplots(1, 2)
    assert plots.weight_bias_lines(1, 0, ax=left, theme=theme) is left
    assert plots.activation_curves("relu", ax=right, theme=theme) is right
    assert len(figure.axes) == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.weight_bias_lines([1, 2], [np.nan, 0], ax=axes()),
        lambda: plots.activation_curves("tanhh", ax=axes()),
        lambda: plots.ssr_curve([0, 1], ax=axes()),
        lambda: plots.fit_curve(([0], [1]), ax=axes()),
        lambda: plots.training_curves({}, ax=axes()),
    ],
)
def test_bad_input_is_one_error_of_vizkit(call) -> None:
    with pytest.raises(VizkitError):
        call()
