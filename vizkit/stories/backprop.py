"""Backpropagation, told of a small network with its own numbers.

Forward with every value, the residuals, the chain rule for the last bias and for a weight of
the first layer, every derivative, the update, and again until the curve lies on the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vizkit.errors import ArgumentError, ShapeError
from vizkit.stories.backprop_backward import all_derivatives, first_weight, last_bias, other_parameters
from vizkit.stories.backprop_forward import forward, overview, residuals
from vizkit.stories.backprop_run import check_trace, is_lesson, read_state
from vizkit.stories.backprop_scene import Scene
from vizkit.stories.backprop_update import ending, later_steps, update
from vizkit.stories.chain import chain
from vizkit.stories.story import Story
from vizkit.typing import ArrayLike, Float

if TYPE_CHECKING:
    from vizkit.trace import Trace

__all__ = ["backprop"]


def backprop(
    trace: Trace,
    fits: tuple[ArrayLike, ArrayLike] | None = None,
    *,
    step: int | None = None,
    sample: int | None = None,
) -> Story:
    """Return the story of backpropagation for a recorded run.

    Of a network with one input, two hidden units and one linear output, trained on the sum of squared
    residuals, it is the lesson: with the network's curve over the data, from the first step to the last. Of
    any other, and where a step or sample is chosen, one sample is followed through one step: through the
    dense layers at the end of the network, back to the first layer that is something else, at most four.

    Parameters
    ----------
    trace
        A run that was recorded forward and backward, with its loss.
    fits
        Of the lesson: where the network's curve is drawn, shape (points,), and its outputs there at each
        recorded step, shape (steps, points). Without, they are formed from the recorded parameters.
    step
        The step that is told; the first with backward events when None.
    sample
        Which of the recorded samples is followed; the first when None.

    Raises
    ------
    ShapeError
        If the fits are not one curve for each recorded step.
    ArgumentError
        If the network does not end in dense layers, or the trace lacks what the story shows.
    """
    if fits is None and (step is not None or sample is not None or not is_lesson(trace)):
        return chain(trace, step, sample)
    check_trace(trace)
    scene = Scene(trace, _curves(trace, fits))
    beats = (
        *overview(scene),
        *forward(scene),
        *residuals(scene),
        *last_bias(scene),
        *first_weight(scene),
        *other_parameters(scene),
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
        poster="bias-sum",
    )


def _curves(trace: Trace, fits: tuple[ArrayLike, ArrayLike] | None) -> tuple[Float["points"], Float["steps points"]]:
    """Return the grid and the curve of each step: as given, or from the recorded parameters."""
    if fits is None:
        states = [read_state(trace, step) for step in trace.steps]
        grid = np.linspace(states[0].x.min(), states[0].x.max(), 61)
        return grid, np.array([state.curve(grid) for state in states])
    if not isinstance(fits, tuple | list) or len(fits) != 2:
        raise ArgumentError(f"The fits are a pair (grid, outputs of each step), but {fits!r:.60} was given.")
    grid, outputs = np.asarray(fits[0], dtype=float).ravel(), np.asarray(fits[1], dtype=float)
    if outputs.size != len(trace.steps) * grid.size:
        raise ShapeError(
            f"The fits are outputs of shape (steps, points), here ({len(trace.steps)}, {grid.size}),"
            f" but {outputs.shape} came."
        )
    return grid, outputs.reshape(len(trace.steps), grid.size)
