"""The U-curve and the fit against the dosage network in plain NumPy."""

from __future__ import annotations

import descent_run as run
import numpy as np
import pytest

from vizkit.errors import ArgumentError, DataError, ShapeError, TraceQueryError
from vizkit.trace.samples import tiny_trace
from vizkit.views.descent import Descent
from vizkit.views.fit import FitView
from vizkit.views.ssr import SsrView


def test_the_oracle_gives_the_published_numbers() -> None:
    assert [round(run.ssr(b), 2) for b in range(5)] == [20.42, 7.77, 1.11, 0.46, 5.80]
    assert [round(b, 2) for b in run.biases(7)] == [0, 1.57, 2.19, 2.44, 2.54, 2.58, 2.60]
    assert [round(run.slope(b), 2) for b in run.biases(5)] == [-15.66, -6.26, -2.50, -1.00, -0.40]


def test_the_descent_of_a_trace() -> None:
    way = Descent.ensure(run.trace(8))
    np.testing.assert_allclose(way.values, run.biases(8), rtol=1e-14)
    np.testing.assert_allclose(way.losses, [run.ssr(b) for b in run.biases(8)], rtol=1e-14)
    np.testing.assert_allclose(way.after, run.biases(9)[1:], rtol=1e-14)
    np.testing.assert_allclose(way.step_sizes(), [-0.1 * run.slope(b) for b in run.biases(8)], rtol=1e-12)


def test_the_curve_shows_its_numbers() -> None:
    view = SsrView.ensure(range(5), run.ssr, run.trace(7))
    found = view.quantities()
    np.testing.assert_allclose(found["curve"], [[b, run.ssr(b)] for b in range(5)], rtol=1e-14)
    assert found["slope[0]"] == pytest.approx(run.slope(0.0), rel=1e-14)
    assert found["point.x"] == pytest.approx(run.biases(7)[-1]) and found["point:1.y"] == pytest.approx(3.27, abs=5e-3)


@pytest.mark.parametrize("step", range(5))
def test_a_tangent_touches_the_curve_with_its_slope(step: int) -> None:
    at = run.biases(7)[step]
    found = SsrView.ensure(*run.curve(), run.trace(7), visited=step + 1, tangent=step, arrow=step).quantities()
    (x0, y0), (x1, y1) = found["tangent"]
    reach = 1e-6
    numeric = (run.ssr(at + reach) - run.ssr(at - reach)) / (2 * reach)
    assert (y1 - y0) / (x1 - x0) == pytest.approx(numeric, rel=1e-5)
    assert np.interp(at, [x0, x1], [y0, y1]) == pytest.approx(run.ssr(at))
    assert found[f"step[{step}]"] == pytest.approx(run.biases(7)[step + 1] - at)


def test_unsorted_values_make_the_same_curve() -> None:
    one, two = SsrView.ensure([0, 1, 2], [4, 1, 0]), SsrView.ensure([2, 0, 1], [0, 4, 1])
    np.testing.assert_array_equal(one.quantities()["curve"], two.quantities()["curve"])


def test_bad_curves_are_refused() -> None:
    with pytest.raises(ShapeError, match="3 values and 2 losses"):
        SsrView.ensure([0, 1, 2], [1, 2])
    with pytest.raises(DataError, match="different values"):
        SsrView.ensure([1, 1], [2, 2])
    with pytest.raises(DataError, match="losses must be finite"):
        SsrView.ensure([1, 2], [np.nan, 2])
    with pytest.raises(ArgumentError, match="tangent stands at a step"):
        SsrView.ensure([0, 1], [1, 2], tangent=0)
    with pytest.raises(TraceQueryError, match="dense/bias, dense/kernel"):
        SsrView.ensure([0, 1], [1, 2], tiny_trace())
    with pytest.raises(ShapeError, match=r"\[2, 2, 1\]"):
        Descent.ensure(([1, 2], [1, 2], [1]))


def test_residuals_of_a_trace_are_those_of_its_samples() -> None:
    view = FitView.from_trace(run.trace(4), run.fits(4), [0, 2])
    expected = run.EFFECTS - run.model(run.DOSAGES, run.biases(4)[2])
    np.testing.assert_allclose(view.residuals(), expected, rtol=1e-13)
    found = view.quantities()
    np.testing.assert_allclose([found[f"residual[{at}]"] for at in range(3)], expected, rtol=1e-13)
    np.testing.assert_allclose(found["curve:0"][:, 1], run.model(run.GRID, 0.0), rtol=1e-14)
    np.testing.assert_allclose(found["curve"][:, 1], run.model(run.GRID, run.biases(4)[2]), rtol=1e-14)


def test_a_callable_is_computed_at_the_samples_themselves() -> None:
    x, y = np.array([0.1, 0.37, 0.9]), np.array([1.0, 2.0, 0.5])
    view = FitView.ensure((x, y), lambda at: 2 * at + 1)
    np.testing.assert_allclose(view.residuals(), y - (2 * x + 1), atol=1e-15)


def test_samples_off_the_grid_have_no_invented_residuals() -> None:
    assert FitView.from_arrays(([0.3], [1.0]), ([0, 1], [0, 1])).residuals().size == 0


def test_chosen_steps_divide_the_way() -> None:
    assert FitView.from_arrays(([0], [0]), ([0, 1], [[k, k] for k in range(10)])).steps == (0, 3, 6, 9)
    assert FitView.from_arrays(([0], [0]), ([0, 1], [[k, k] for k in range(10)]), steps=[-1, 2]).steps == (2, 9)


def test_bad_fits_are_refused() -> None:
    with pytest.raises(ShapeError, match="equally many, but 2 and 1"):
        FitView.from_arrays(([0, 1], [1]), ([0, 1], [0, 1]))
    with pytest.raises(ShapeError, match=r"shape \(steps, 2\) or \(2,\), but shape \(1, 3\)"):
        FitView.from_arrays(([0], [1]), ([0, 1], [[0, 1, 2]]))
    with pytest.raises(ArgumentError, match="between 0 and 0"):
        FitView.from_arrays(([0], [1]), ([0, 1], [0, 1]), steps=[3])
    with pytest.raises(ArgumentError, match="grid must ascend"):
        FitView.from_arrays(([0], [1]), ([1, 0], [0, 1]))
    with pytest.raises(ArgumentError, match="a trace or a view"):
        FitView.ensure(3)
