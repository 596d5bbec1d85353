"""Lines, activations and training curves: their numbers against plain NumPy and published values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizkit.errors import ArgumentError, DataError, ShapeError, UnknownNameError
from vizkit.theme import SIZES
from vizkit.trace import ModelDescription, Trace
from vizkit.views.activations import DEFAULT, ActivationsView
from vizkit.views.board import Box, Placement
from vizkit.views.curves import LinesView
from vizkit.views.marks import Curve, Text
from vizkit.views.measure import width
from vizkit.views.picture import Picture
from vizkit.views.training import TrainingView


def boxes(picture: Picture) -> list[tuple[str, Box]]:
    """Where each text stands, by the fonts' own widths: an account of its own, for plots and diagrams."""
    placed = Placement(picture, Box(0, 0, *picture.size))
    found = []
    for mark in picture.marks:
        if isinstance(mark, Text):
            x, y = placed.point(mark.x, mark.y)
            wide, high = width(str(mark.words), SIZES[mark.size], mark.bold), 0.73 * SIZES[mark.size]
            left = x + mark.dx - {"left": 0, "center": wide / 2, "right": wide}[mark.ha]
            low = y + mark.dy - {"bottom": 0, "center": high / 2, "top": high}[mark.va]
            found.append((mark.key, Box(left, low, wide, high)))
    return found


def collisions(picture: Picture) -> list[tuple[str, str]]:
    found = []
    placed = boxes(picture)
    for at, (key, a) in enumerate(placed):
        for other, b in placed[at + 1 :]:
            across = a.left < b.left + b.width and b.left < a.left + a.width
            if across and a.bottom < b.bottom + b.height and b.bottom < a.bottom + a.height:
                found.append((key, other))
    return found


def outside(picture: Picture) -> list[str]:
    wide, high = picture.size
    return [
        key
        for key, box in boxes(picture)
        if box.left < -1 or box.bottom < -1 or box.left + box.width > wide + 1 or box.bottom + box.height > high + 1
    ]


def test_the_lines_of_the_concept_list() -> None:
    found = LinesView.ensure([1, 2], [0, -1]).quantities()
    assert found["line[0]"].tolist() == [[-5, -5], [5, 5]]
    assert found["line[1]"].tolist() == [[-5, -11], [5, 9]]
    assert found["w[1]"] == 2 and found["b[1]"] == -1 and found["bias[1].y"] == -1


@given(pairs=st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=8))
def test_lines_go_where_their_numbers_say_and_labels_keep_apart(pairs: list[tuple[float, float]]) -> None:
    weights, biases = np.array(pairs).T
    view = LinesView.ensure(weights, biases, span=(-2, 3))
    for at, (w, b) in enumerate(pairs):
        np.testing.assert_allclose(view.quantities()[f"line[{at}]"], [[-2, w * -2 + b], [3, w * 3 + b]], atol=1e-12)
    assert collisions(view.picture) == [] and outside(view.picture) == []


def test_one_weight_serves_several_biases_and_scalars_are_one_line() -> None:
    assert LinesView.ensure(2, [0, 1, 2]).weights.tolist() == [2, 2, 2]
    assert [str(t.words) for t in LinesView.ensure(0.5, 1).picture.marks if isinstance(t, Text)] == ["w = 0.5, b = 1"]


def test_bad_lines_are_refused() -> None:
    with pytest.raises(ShapeError, match="2 weights and 3 biases"):
        LinesView.ensure([1, 2], [1, 2, 3])
    with pytest.raises(DataError, match=r"weights must be finite, but number \[1\] is nan"):
        LinesView.ensure([1, np.nan], [0, 0])
    with pytest.raises(ArgumentError, match="from a lower to a higher"):
        LinesView.ensure(1, 0, span=(1, 1))
    with pytest.raises(ArgumentError, match="no biases came"):
        LinesView.ensure([1])


def test_activation_values_of_the_concept_list() -> None:
    found = ActivationsView.ensure("relu", at=(-3, 5)).quantities()
    assert found["relu(5)"] == 5 and found["relu(-3)"] == 0
    sigmoid = ActivationsView.ensure("sigmoid", at=(-5, 0, 5))
    shown = {str(mark.words) for mark in sigmoid.picture.marks if isinstance(mark, Text)}
    assert {"0.0067", "0.5", "0.9933"} <= shown


@pytest.mark.parametrize("gradients", [False, True])
def test_eight_small_plots_are_legible_and_exact(gradients: bool) -> None:
    view = ActivationsView.ensure(gradients=gradients)
    assert collisions(view.picture) == [] and outside(view.picture) == []
    for name in DEFAULT:
        exact = view.curve(name)
        placed = np.concatenate(
            [m.points for m in view.picture.marks if m.key == name or m.key.startswith(f"{name}:0")]
        )
        shape = placed[np.argsort(placed[:, 0], kind="stable")]
        fitted = np.polyfit(exact[:, 1], shape[:, 1], 1) if np.ptp(exact[:, 1]) else (0, shape[0, 1])
        np.testing.assert_allclose(np.polyval(fitted, exact[:, 1]), shape[:, 1], atol=1e-6)


def test_gradients_of_small_plots_share_one_scale() -> None:
    picture = ActivationsView.ensure(["sigmoid", "tanh"], gradients=True).picture
    rise = {m.key: np.ptp(m.points[:, 1]) for m in picture.marks if m.key in ("sigmoid", "tanh")}
    x = np.linspace(-5, 5, 401)
    steep = np.ptp(1 - np.tanh(x) ** 2) / np.ptp(np.exp(-x) / (1 + np.exp(-x)) ** 2)
    assert rise["tanh"] / rise["sigmoid"] == pytest.approx(steep, rel=1e-6)


def test_a_gradient_that_jumps_is_not_joined() -> None:
    found = ActivationsView.ensure("relu", gradients=True).quantities()
    assert set(found["relu:0"][:, 1]) == {0.0} and set(found["relu"][:, 1]) == {1.0}


def test_a_callable_has_a_numerical_gradient() -> None:
    view = ActivationsView.ensure(np.sin, gradients=True)
    exact = view.curve("sin")
    np.testing.assert_allclose(exact[:, 1], np.cos(exact[:, 0]), atol=5e-10)


def test_bad_activations_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'sigmoid'"):
        ActivationsView.ensure(["relu", "sigmoyd"])
    with pytest.raises(ArgumentError, match="each once"):
        ActivationsView.ensure(["relu", "relu"])
    with pytest.raises(DataError, match="'log' is not finite at -5"), np.errstate(all="ignore"):
        ActivationsView.ensure(np.log)


class History:
    def __init__(self) -> None:
        self.history = {"loss": [2.0, 1.0, 0.5], "val_loss": [2.0, 1.25, 1.5], "accuracy": [0.5, 0.9, 0.8]}


def test_training_curves_of_a_history() -> None:
    view = TrainingView.ensure(History())
    found = view.quantities()
    assert found["loss"].tolist() == [[1, 2], [2, 1], [3, 0.5]]
    assert found["val_loss"][:, 1].tolist() == [2, 1.25, 1.5]
    assert (found["best loss"], found["best epoch"]) == (1.25, 2)
    assert TrainingView.ensure(History(), "accuracy").quantities()["best epoch"] == 2
    assert collisions(view.picture) == [] and outside(view.picture) == []


def test_one_epoch_is_enough() -> None:
    assert TrainingView.ensure({"loss": [3.0]}).quantities()["loss"].tolist() == [[1, 3]]


def test_bad_histories_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'accuracy'"):
        TrainingView.ensure(History(), "acuracy")
    with pytest.raises(DataError, match=r"val_loss must be finite, but number \[1\]"):
        TrainingView.ensure({"loss": [1, 2], "val_loss": [1, np.inf]})
    with pytest.raises(ShapeError, match="3 and 2 came"):
        TrainingView.ensure({"loss": [1, 2, 3], "val_loss": [1, 2]})
    with pytest.raises(DataError, match="history is empty"):
        TrainingView.ensure({})
    with pytest.raises(ArgumentError, match="a list was given"):
        TrainingView.ensure([1, 2])
    without = Trace(ModelDescription("tiny"))
    with pytest.raises(DataError, match=r"the trace holds none; trace\.loss\(value\) marks"):
        TrainingView.ensure(without)
    with pytest.raises(DataError, match="at least one epoch"):
        TrainingView.ensure(without, "accuracy")


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
@pytest.mark.parametrize("epochs", [1, 2, 3, 12])
def test_epochs_are_whole_and_the_best_is_said_off_the_curves(metric: str, epochs: int) -> None:
    rising = np.linspace(0.2, 0.6, epochs)
    values = rising if metric == "accuracy" else 3 - rising
    picture = TrainingView.ensure({metric: values - 0.05, f"val_{metric}": values}, metric).picture
    assert [str(int(tick)) for tick in picture.x.ticks] == list(picture.x.texts)
    placed, box = Placement(picture, Box(0, 0, *picture.size)), dict(boxes(picture))["best:label"]
    for line in (mark.points for mark in picture.marks if isinstance(mark, Curve)):
        xs, ys = np.array([placed.point(*at) for at in line]).T
        dense = np.linspace(xs.min(), xs.max(), 2000)
        under = (box.left <= dense) & (dense <= box.left + box.width)
        heights = np.interp(dense[under], xs, ys)
        assert not ((box.bottom <= heights) & (heights <= box.bottom + box.height)).any(), "no line runs behind it"
