"""Distributions by layer and step: a small histogram for each step, one below the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DataError, TraceQueryError
from vizkit.trace import Trace
from vizkit.typing import ArrayLike, Float, Int
from vizkit.views.distributions_layout import Panels
from vizkit.views.grids import canvas
from vizkit.views.marks import Mark
from vizkit.views.naming import last_parts
from vizkit.views.picture import Picture, View
from vizkit.views.recorded import check_what, layers_with, only_trace, spaced, values_at

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
        Shape (steps, bins): how many numbers lie in each bin.
    lost
        How many numbers were NaN or infinite and lie in none.
    """

    layer: str
    steps: tuple[int, ...]
    edges: Float["edge"]
    counts: Int["step bin"]
    lost: int = 0

    @classmethod
    def of(cls, layer: str, values: Mapping[int, ArrayLike], bins: int = BINS) -> Spread:
        """Count numbers of any shape by step.

        Raises
        ------
        DataError
            If no number is finite.

        Examples
        --------
        >>> Spread.of("dense", {0: [0.0, 1.0, 1.0], 5: [0.5, 2.0]}, bins=2).counts.tolist()
        [[1, 2], [1, 1]]
        """
        flat = {step: np.ravel(np.asarray(found, dtype=float)) for step, found in values.items()}
        finite = {step: found[np.isfinite(found)] for step, found in flat.items()}
        ends = [(float(found.min()), float(found.max())) for found in finite.values() if found.size]
        if not ends:
            raise DataError(f"A distribution needs numbers, but layer {layer!r} has no finite one.")
        edges = bin_edges(min(low for low, _ in ends), max(high for _, high in ends), bins)
        counts = np.array([np.histogram(found, edges)[0] for found in finite.values()])
        lost = sum(found.size for found in flat.values()) - sum(found.size for found in finite.values())
        return cls(layer, tuple(flat), edges, counts, lost)


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

    Examples
    --------
    >>> view = DistributionsView.ensure({"dense": [[0.0, 1.0, 1.0], [0.5, 2.0, 2.0]]}, what="activations")
    >>> view.spreads[0].steps
    (0, 1)
    """

    spreads: tuple[Spread, ...]
    what: str = "weights"

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
        steps = (step,) if step is not None else trace.steps
        spreads = []
        for node in chosen:
            read = {at: values_at(trace, what, node, at) for at in spaced(steps, _steps(len(chosen)))}
            found = {at: values for at, values in read.items() if values is not None}
            if any(np.isfinite(values).any() for values in found.values()):
                spreads.append(Spread.of(node.name, found))
        if not spreads:
            raise TraceQueryError(f"The trace holds no finite {what} at the steps {steps!r:.60}.")
        return cls(tuple(spreads), what)

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
        names = last_parts(tuple(spread.layer for spread in self.spreads))
        for at, (spread, name) in enumerate(zip(self.spreads, names, strict=True)):
            marks += panels.panel(at, spread, name, self.what)
        return canvas(marks, panels.width, panels.height)


def _steps(layers: int) -> int:
    return STEPS[1 if layers <= 3 else 2]
