"""Lines, activations, curves and every beat of the descent can be read in both themes."""

from __future__ import annotations

import descent_run as run
import pytest
from legibility_plots import faults

from vizkit import plots
from vizkit.stories.gradient_descent import gradient_descent
from vizkit.views.activations import ActivationsView
from vizkit.views.curves import LinesView
from vizkit.views.fit import FitView
from vizkit.views.picture import View
from vizkit.views.ssr import SsrView
from vizkit.views.training import TrainingView

HISTORY = {"accuracy": [0.3, 0.8, 0.95, 0.97], "val_accuracy": [0.35, 0.8, 0.91, 0.9]}
VIEWS = {
    "lines": lambda: LinesView.ensure([1, 1, 1.1, -0.5, 2, -2, 0], [0, 0.5, 0.2, -1, 3, 2, 0]),
    "activations": lambda: ActivationsView.ensure(),
    "gradients": lambda: ActivationsView.ensure(gradients=True, at=(0,)),
    "together": lambda: ActivationsView.ensure(["relu", "sigmoid", "tanh"], together=True, at=(0,), gradients=True),
    "ssr": lambda: SsrView.ensure(*run.curve(), run.trace()),
    "fit": lambda: FitView.from_trace(run.trace(), run.fits()),
    "training": lambda: TrainingView.ensure(HISTORY, "accuracy"),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_can_be_read(name: str, theme: str) -> None:
    view: View = VIEWS[name]()
    assert faults(plots.figure(view, theme)) == []


STORY = gradient_descent(run.trace(), run.curve(), run.fits())


@pytest.mark.parametrize("at", range(len(STORY.beats)), ids=lambda at: STORY.beats[at].name)
def test_a_beat_can_be_read(at: int) -> None:
    assert faults(plots.figure(STORY.beats[at], ("light", "dark")[at % 2], title=STORY.title)) == []
