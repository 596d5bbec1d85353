"""Where the first derivative of a backward pass comes from: what was said less what is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vizkit.typing import Float
from vizkit.views.network_layers import Layer, Loss

__all__ = ["Difference", "difference"]


@dataclass(frozen=True, eq=False)
class Difference:
    """The loss's derivatives by a last layer's sums as ``factor * (said - right) / over``.

    Attributes
    ----------
    shares
        Whether ``said`` is the softmax of the sums, else it is the sums.
    factor
        1 of a cross-entropy, 2 of squares.
    said, right
        Shape (units,).
    over
        By how many numbers the loss is divided: the samples of the batch, and of squares the outputs.
    """

    shares: bool
    factor: int
    said: Float["units"]
    right: Float["units"]
    over: int


def difference(column: Layer, loss: Loss, by_sum: Float["units"]) -> Difference | None:
    """Return how the derivatives by the sums of a layer without an activation, or with softmax, came about.

    Nothing is taken from the loss's name: a formula is told where it gives the recorded derivatives. That of softmax
    and cross-entropy: Bridle (1990), Neurocomputing NATO ASI F68, 227 to 236.

    Parameters
    ----------
    column
        The last layer, for one sample.
    loss
        The loss with that sample's target.
    by_sum
        The recorded derivatives, shape (units,).

    Returns
    -------
    Difference or None
        None where no formula gives them.
    """
    right = _right(loss, column.units)
    if right is None or column.sums is None:
        return None
    ways: list[tuple[bool, int, Float["units"]]] = []
    if column.units > 1 and column.activation in ("linear", "softmax"):
        raised = np.exp(column.sums - column.sums.max())
        ways.append((True, 1, raised / raised.sum()))
    if column.activation == "linear":
        ways.append((False, 2, column.sums))
    for shares, factor, said in ways:
        over = _quotient(factor * (said - right), by_sum)
        if over is not None:
            return Difference(shares, factor, said, right, over)
    return None


def _right(loss: Loss, units: int) -> Float["units"] | None:
    """Return what each unit should have said: a class as one among zeros."""
    at = loss.label(units)
    if at is not None:
        return np.eye(units)[at]
    return np.asarray(np.ravel(loss.target), dtype=float) if loss.target.size == units else None


def _quotient(above: Float["units"], given: Float["units"]) -> int | None:
    """Return the whole number by which one array was divided to give the other; None when there is none."""
    at = int(np.argmax(np.abs(given)))
    if given[at] == 0:
        return None
    over = round(float(above[at] / given[at]))
    fits = over > 0 and np.allclose(above / over, given, rtol=1e-3, atol=1e-4 * np.abs(given[at]))
    return over if fits else None
