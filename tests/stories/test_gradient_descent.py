"""The story of gradient descent: every number against the dosage network in plain NumPy."""

from __future__ import annotations

import re

import descent_run as run
import numpy as np
import pytest

from vizkit.errors import DataError, ShapeError
from vizkit.stories.gradient_descent import gradient_descent
from vizkit.stories.story import Story


@pytest.fixture(scope="module")
def story() -> Story:
    return gradient_descent(run.trace(), run.curve(), run.fits())


def test_its_length_and_captions(story: Story) -> None:
    assert 14 <= len(story.beats) <= 18
    assert all(len(str(beat.caption)) <= 110 and str(beat.caption).strip() for beat in story.beats)
    assert all(beat.equation is not None for beat in story.beats)


def test_the_published_numbers_are_told(story: Story) -> None:
    text = story.to_markdown()
    for shown in (
        "20.42",
        "−15.66",
        "−6.26",
        "−2.50",
        "−1.00",
        "−0.40",
        "1.57",
        "2.19",
        "2.44",
        "2.54",
        "2.58",
        "2.61",
    ):
        assert shown in text
    assert "1.57 → 0.63 → 0.25 → 0.10 → 0.04" in text


def expected(name: str) -> float | None:
    """What a number of the story must be, by the oracle alone."""
    values = run.biases(14)
    found = re.fullmatch(r"(?:caption|equation)/(b_3|SSR|slope|step|rate × slope)\[(\d+)\]", name)
    if found is None:
        return None
    at = int(found[2])
    step = values[at + 1] - values[at]
    told = {"b_3": values[at], "SSR": run.ssr(values[at]), "slope": run.slope(values[at]), "step": step}
    return {**told, "rate × slope": -step}[found[1]]


def test_every_number_said_is_the_oracle_s(story: Story) -> None:
    checked = 0
    for beat in story.beats:
        for name, value in beat.quantities().items():
            if (right := expected(name)) is not None:
                assert value == pytest.approx(right, rel=1e-9, abs=1e-12), (beat.name, name)
                checked += 1
    assert checked > 40


def test_the_fit_beside_it_is_that_of_the_step(story: Story) -> None:
    values = run.biases(12)
    steps = {"residuals": 0, "slope-1": 1, "step-2": 2, "closer-3": 3, "closer-4": 4, "fitted": 11}
    for name, step in steps.items():
        found = story.beat(name).quantities()
        np.testing.assert_allclose(found["fit/curve"][:, 1], run.model(run.GRID, values[step]), rtol=1e-12)
        left = run.EFFECTS - run.model(run.DOSAGES, values[step])
        np.testing.assert_allclose([found[f"fit/residual[{at}]"] for at in range(3)], left, rtol=1e-9)


def test_the_point_of_each_beat_stands_on_the_curve(story: Story) -> None:
    for beat in story.beats:
        found = beat.quantities()
        if "descent/point.x" in found:
            assert found["descent/point.y"] == pytest.approx(run.ssr(found["descent/point.x"]), rel=1e-12)


def test_an_equation_that_its_rounded_numbers_do_not_give_says_about(story: Story) -> None:
    pattern = re.compile(r"new b₃ = (\S+) − \((\S+)\) ([=≈]) (\S+)")
    seen = set()
    for old, taken, sign, new in pattern.findall(story.to_markdown().replace("−0", "-0").replace("(−", "(-")):
        exact = round(float(old) - float(taken), 9) == float(new)
        assert (sign == "=") == exact, (old, taken, sign, new)
        seen.add(sign)
    assert seen == {"=", "≈"}


def test_a_short_run_and_missing_fits_are_refused() -> None:
    with pytest.raises(DataError, match="at least 6 steps, but the trace holds 3"):
        gradient_descent(run.trace(3), run.curve(), run.fits(3))
    with pytest.raises(ShapeError, match="12 steps has a curve of outputs, but 5 came"):
        gradient_descent(run.trace(), run.curve(), run.fits(5))
    with pytest.raises(DataError, match="points near its bottom"):
        gradient_descent(run.trace(), ([-1, 0, 5], [1, 2, 3]), run.fits())


def test_a_coarse_curve_is_refused_not_drawn_wrong() -> None:
    values = np.linspace(-1, 5, 5)
    with pytest.raises(DataError, match="points near its bottom"):
        gradient_descent(run.trace(), (values, [run.ssr(b) for b in values]), run.fits())


def test_the_parameter_and_the_axes_are_called_as_asked() -> None:
    told = gradient_descent(run.trace(), run.curve(), run.fits(), parameter="w_1", names=("dose", "cure"))
    text = told.to_markdown()
    assert "w₁" in text and "b₃" not in text
    pictures = [panel.view.picture for beat in told.beats for panel in beat.board.panels]
    assert {(picture.x.label, picture.y.label) for picture in pictures} == {("w₁", "SSR"), ("dose", "cure")}
