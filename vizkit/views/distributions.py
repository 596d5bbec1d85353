"""Distributions by layer and step: a small histogram for each step, one below the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DataError, TraceQueryError
from vizkit.trace import Node, StatisticsEvent, Trace
from vizkit.typing import ArrayLike, Float
from vizkit.views.distributions_layout import Panels
from vizkit.views.grids import canvas
from vizkit.views.marks import Mark
from vizkit.views.naming import telling_ends
from vizkit.views.picture import Picture, View
from vizkit.views.recorded import check_what, layers_with, only_trace, spaced, statistics_at, steps_with, values_at

__all__ = ["DistributionsView", "Spread"]

BINS = 25
LAYERS = 6  # panels that can be read on one page
STEPS = {1: 8, 2: 5}  # histograms in a panel, by the number of rows of panels


@dataclass(frozen=True, eq=False)
class Spread:
    """How one layer's numbers are spread at some steps.

    Attributes
    ----------
    layer
        The layer's name.
    steps
        The steps' numbers.
    edges
        Shape (bins + 1,): the ends of the bins, the same at every step.
    counts
        Shape (steps, bins): how many numbers lie in each bin; of recorded histograms, whose bins are others,
        the share of each that falls into a bin.
    lost
        How many numbers were NaN or infinite and lie in none.
    """

    layer: str
    steps: tuple[int, ...]
    edges: Float["edge"]
    counts: Float["step bin"]
    lost: int = 0

    @classmethod
    def of(cls, layer: str, values: Mapping[int, ArrayLike], bins: int = BINS) -> Spread:
        """Count numbers by step, those of each of shape (...).

        Raises
        ------
        DataError
            If no number is finite.

        Examples
        --------
        >>> Spread.of("dense", {0: [0.0, 1.0, 1.0], 5: [0.5, 2.0]}, bins=2).counts.tolist()
        [[1.0, 2.0], [1.0, 1.0]]
        """
        found = cls.read(layer, tuple(values), values.__getitem__, bins)
        if found is None:
            raise DataError(f"A distribution needs numbers, but layer {layer!r} has no finite one.")
        return found

    @classmethod
    def read(
        cls, layer: str, steps: Sequence[int], at: Callable[[int], ArrayLike | None], bins: int = BINS
    ) -> Spread | None:
        """Count numbers that are read step by step, twice, so that those of one step are in memory at a time.

        Parameters
        ----------
        layer
            The layer's name.
        steps
            The steps.
        at
            Returns the numbers of a step, of shape (...), or None when there are none.
        bins
            How many bins there are.

        Returns
        -------
        Spread or None
            None when no step has a finite number.
        """
        ends = {step: found for step in steps if (found := _ends(at(step))) is not None}
        finite = np.array([(low, high) for low, high, _ in ends.values() if low <= high])
        if not finite.size:
            return None
        edges = bin_edges(float(finite.min()), float(finite.max()), bins)
        counts = np.array([np.histogram(_finite(at(step)), edges)[0] for step in ends], dtype=float)
        return cls(layer, tuple(ends), edges, counts, sum(lost for _, _, lost in ends.values()))

    @classmethod
    def of_statistics(cls, layer: str, events: Mapping[int, Sequence[StatisticsEvent]], bins: int = BINS) -> Spread:
        """Join the histograms that were recorded in place of the numbers, by step.

        Each bin's numbers count as spread evenly over it.

        Raises
        ------
        DataError
            If no number was finite.
        """
        some = {step: [e for e in found if e.moments[0] > 0] for step, found in events.items()}
        ends = np.array([event.extremes for found in some.values() for event in found])
        if not ends.size:
            raise DataError(f"A distribution needs numbers, but layer {layer!r} has no finite one.")
        edges = bin_edges(float(ends.min()), float(ends.max()), bins)
        counts = np.array([sum((_shared(e, edges) for e in found), np.zeros(bins)) for found in some.values()])
        lost = sum(int(e.shape.prod() - e.moments[0]) for found in events.values() for e in found)
        return cls(layer, tuple(some), edges, counts, lost)


def _finite(values: ArrayLike) -> Float["value"]:
    """Return the finite ones of numbers of any shape, on one axis."""
    flat = np.ravel(np.asarray(values, dtype=float))
    return flat if np.isfinite(flat).all() else flat[np.isfinite(flat)]


def _ends(values: ArrayLike | None) -> tuple[float, float, int] | None:
    """Return the smallest and the largest finite number, and how many are not; NaN where none is."""
    if values is None:
        return None
    kept = _finite(values)
    low, high = (float(kept.min()), float(kept.max())) if kept.size else (np.nan, np.nan)
    return low, high, int(np.size(values)) - kept.size


def _shared(event: StatisticsEvent, edges: Float["edge"]) -> Float["bin"]:
    """Return how many of the numbers behind a recorded histogram fall between edges, shape (bins,)."""
    low, high = event.extremes
    own = np.linspace(low, high, event.histogram.size + 1)
    if high <= low:
        return np.histogram([low], edges)[0] * event.moments[0]
    below = np.concatenate([[0.0], np.cumsum(event.histogram)]) / max(event.histogram.sum(), 1)
    return np.diff(np.interp(edges, own, below)) * event.moments[0]


def bin_edges(low: float, high: float, bins: int = BINS) -> Float["edge"]:
    """Return the ends of equal bins over a range, shape (bins + 1,); one value has a range around it.

    Examples
    --------
    >>> bin_edges(0, 1, 2).tolist(), bin_edges(3, 3, 1).tolist()
    ([0.0, 0.5, 1.0], [2.5, 3.5])
    """
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        half = 0.5 * (abs(high) if 0 < abs(high) < 1 else 1.0)
        low, high = low - half, high + half
    return np.linspace(low, high, bins + 1)


@dataclass(frozen=True, eq=False)
class DistributionsView(View):
    """How the numbers of each layer are spread, and how that changes from step to step.

    Each histogram is as high as its fullest bin; the bins of one layer are the same at all steps.

    Attributes
    ----------
    spreads
        One for each layer.
    what
        ``"weights"``, ``"activations"`` or ``"gradients"``.
    among
        The names of all layers of the model, from which those shown are told.

    Examples
    --------
    >>> view = DistributionsView.ensure({"dense": [[0.0, 1.0, 1.0], [0.5, 2.0, 2.0]]}, what="activations")
    >>> view.spreads[0].steps
    (0, 1)
    """

    spreads: tuple[Spread, ...]
    what: str = "weights"
    among: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_what(self.what)
        if not 1 <= len(self.spreads) <= LAYERS:
            raise ArgumentError(f"From 1 to {LAYERS} layers are drawn side by side, but {len(self.spreads)} came.")

    @classmethod
    def from_arrays(cls, layers: Mapping[str, ArrayLike], what: str = "weights") -> DistributionsView:
        """Make the view of arrays of shape (steps, ...) by the layers' names."""
        most = _steps(len(layers))
        found = {name: np.asarray(values, dtype=float) for name, values in layers.items()}
        if small := [name for name, values in found.items() if values.ndim < 2 or not values.size]:
            raise ArgumentError(
                f"Each layer has an array of shape (steps, ...), but {small[0]!r} has {found[small[0]].shape}."
            )
        return cls(
            tuple(
                Spread.of(name, {step: values[step] for step in spaced(range(len(values)), most)})
                for name, values in found.items()
            ),
            what,
        )

    @classmethod
    def from_trace(
        cls, trace: Trace, what: str = "weights", *, layers: Iterable[str] | None = None, step: int | None = None
    ) -> DistributionsView:
        """Make the view of a recorded run.

        Parameters
        ----------
        trace
            The run.
        what
            ``"weights"``, ``"activations"`` or ``"gradients"``.
        layers
            Which layers; without, all that have them, of many six at even distances.
        step
            The one step that is drawn; without, several at even distances.

        Raises
        ------
        TraceQueryError
            If the trace holds none.
        """
        check_what(what)
        wanted = None if layers is None else set(layers)
        nodes = [node for node in layers_with(trace, what) if wanted is None or node.name in wanted]
        if not nodes:
            raise TraceQueryError(f"The trace holds no {what}{'' if wanted is None else f' of {sorted(wanted)}'}.")
        chosen = spaced(nodes, LAYERS)
        steps = (step,) if step is not None else steps_with(trace, what)
        spreads = []
        for node in chosen:
            spread = _read(trace, what, node, spaced(steps, _steps(len(chosen))))
            if spread is not None:
                spreads.append(spread)
        if not spreads:
            raise TraceQueryError(f"The trace holds no finite {what} at the steps {steps!r:.60}.")
        return cls(tuple(spreads), what, tuple(node.name for node in trace.layers))

    @classmethod
    def ensure(cls, data: Any, what: str = "weights", **options: Any) -> DistributionsView:
        """Return a view from itself, from a trace, or from a mapping of arrays of shape (steps, ...)."""
        if isinstance(data, cls):
            return data
        if isinstance(data, Mapping):
            return cls.from_arrays(data, what, **options)
        return cls.from_trace(only_trace(data, "A distribution"), what, **options)

    def draw(self) -> Picture:
        """Draw a panel for each layer."""
        panels = Panels(len(self.spreads), max(len(spread.steps) for spread in self.spreads))
        marks: list[Mark] = []
        names = telling_ends(tuple(spread.layer for spread in self.spreads), self.among)
        for at, (spread, name) in enumerate(zip(self.spreads, names, strict=True)):
            marks += panels.panel(at, spread, name, self.what)
        return canvas(marks, panels.width, panels.height)


def _read(trace: Trace, what: str, node: Node, steps: Sequence[int]) -> Spread | None:
    """Return how a layer's numbers are spread, from the numbers or from the statistics in their place."""
    found = Spread.read(node.name, steps, lambda step: values_at(trace, what, node, step))
    if found is not None:
        return found
    told = {step: statistics_at(trace, what, node, step) for step in steps}
    kept = {step: events for step, events in told.items() if any(event.moments[0] > 0 for event in events)}
    return Spread.of_statistics(node.name, kept) if kept else None


def _steps(layers: int) -> int:
    return STEPS[1 if layers <= 3 else 2]
