"""Backpropagation, told of a small network with its own numbers.

Forward with every value, the residuals, the chain rule for the last bias and for a weight of
the first layer, every derivative, the update, and again until the curve lies on the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vizkit.stories.backprop_backward import all_derivatives, first_weight, last_bias
from vizkit.stories.backprop_forward import forward, overview, residuals
from vizkit.stories.backprop_run import check_trace
from vizkit.stories.backprop_scene import Scene
from vizkit.stories.backprop_update import ending, later_steps, update
from vizkit.stories.story import Story

if TYPE_CHECKING:
    from vizkit.trace import Trace

__all__ = ["backprop"]


def backprop(trace: Trace) -> Story:
    """Return the story of backpropagation for a recorded run.

    Parameters
    ----------
    trace
        A run of a network with one input, two hidden units and one linear output that was trained
        on the sum of squared residuals, with the derivatives of all its parameters.

    Raises
    ------
    ArgumentError
        If the trace is of another network, or lacks what the story shows.
    """
    check_trace(trace)
    scene = Scene(trace)
    beats = (
        *overview(scene),
        *forward(scene),
        *residuals(scene),
        *last_bias(scene),
        *first_weight(scene),
        all_derivatives(scene),
        *update(scene),
        *later_steps(scene),
        *ending(scene),
    )
    return Story(
        name="backprop",
        title="Backpropagation",
        summary="How a network finds out, with the chain rule, which way each of its numbers should change.",
        beats=beats,
    )
