"""The two panels of the backpropagation story: the network at the left, its curve over the data at the right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from vizkit.stories.backprop_run import State, Step, read_state, read_update
from vizkit.stories.backprop_terms import Terms
from vizkit.trace.events import UpdateEvent
from vizkit.typing import Float
from vizkit.views.board import Board, board
from vizkit.views.network import NetworkView, Note
from vizkit.views.network_paths import PathsView
from vizkit.views.text import Quantity, words

if TYPE_CHECKING:
    from vizkit.trace import Trace

__all__ = ["FIRST_EDGES", "FORWARD", "LOSS_EDGE", "SECOND_EDGES", "Scene", "lit", "note"]

NETWORK, FIT = 1120.0, 640.0  # widths of the panels
LOSS_EDGE = "network/loss:edge:0"
FIRST_EDGES = ("network/edge:1:0:0", "network/edge:1:0:1")
SECOND_EDGES = ("network/edge:2:0:0", "network/edge:2:1:0")
FORWARD = ("unit:*",)  # what is known after the forward pass and before the loss


@dataclass(frozen=True, eq=False)
class Scene:
    """The run that a story is told of, and the boards that show it.

    ``fits`` holds where curves are drawn and the network's outputs there at each recorded step.
    """

    trace: Trace
    fits: tuple[Float["points"], Float["steps points"]]

    @cached_property
    def start(self) -> State:
        """The first recorded step."""
        return self.state(0)

    def state(self, index: int) -> State:
        """Return the recorded step of this position; −1 is the last."""
        return read_state(self.trace, self.trace.steps[index])

    def update(self, index: int) -> Step:
        """Return the update of the last bias at the recorded step of this position."""
        return read_update(self.trace, self.trace.steps[index])

    @property
    def alone(self) -> bool:
        """Whether the last bias is the only parameter that learns."""
        return len(list(self.trace.events(UpdateEvent, step=self.start.step))) == 1

    @cached_property
    def sample(self) -> int:
        """The sample that is followed through the network: the middle one."""
        return len(self.start.x) // 2

    @cached_property
    def terms(self) -> Terms:
        """The numbers of the followed sample at the first step."""
        return Terms(self.start, self.sample)

    def network(self, state: State, sample: int | None = None, **options: Any) -> NetworkView:
        """Return the network at a step, for the followed sample unless another is named."""
        chosen = self.sample if sample is None else sample
        options = {"target": "observed", "size": (NETWORK, 576.0)} | options
        row = int(state.order[chosen])
        titles = ("dosage", state.activation, "predicted")
        return NetworkView.from_trace(self.trace, state.step, row, titles=titles, **options)

    @property
    def grid(self) -> Float["points"]:
        """Where curves are drawn, shape (points,)."""
        return self.fits[0]

    @cached_property
    def span(self) -> tuple[float, float]:
        """The lowest and the highest number that any plot of the story shows."""
        paths = [self.start.path(path, self.grid) for path in (0, 1)]
        numbers = np.concatenate([*paths, self.fits[1].ravel(), self.start.target])
        return float(numbers.min()), float(numbers.max())

    def fit(
        self,
        state: State,
        *,
        curve: bool = False,
        paths: bool = False,
        residuals: bool = False,
        computed: tuple[int, ...] = (),
    ) -> PathsView:
        """Return the plot of a step with what is to be seen: the curve, each path's share, residuals, points."""
        low, high = self.span
        index = self.trace.steps.index(state.step)
        pad = 0.04 * (self.grid[-1] - self.grid[0])
        return PathsView(
            x=state.x,
            y=state.target,
            grid=self.grid,
            curves=self.fits[1][index : index + curve],
            steps=(state.step,) if curve else (),
            predictions=state.predicted if residuals else None,
            names=("dosage", "effect"),
            bounds=(self.grid[0] - pad, self.grid[-1] + pad, low - 0.1 * (high - low), high + 0.24 * (high - low)),
            size=(FIT, 576.0),
            outputs=state.predicted,
            computed=computed,
            paths=np.array([state.path(path, self.grid) for path in (0, 1)][: 2 * paths]),
        )

    def board(self, network: NetworkView, fit: PathsView) -> Board:
        """Return the two panels side by side."""
        return board(network=(network, NETWORK), fit=(fit, FIT))


def note(key: str, at: str, number: Quantity, role: str) -> Note:
    """Return a number at a place of the network."""
    return Note(key=key, at=at, words=words(number), role=role)


def lit(*keys: str) -> tuple[str, ...]:
    """Return patterns of the network's marks as a beat wants them.

    Examples
    --------
    >>> lit("unit:0:*", "loss")
    ('network/unit:0:*', 'network/loss')
    """
    return tuple(f"network/{key}" for key in keys)
