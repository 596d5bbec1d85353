"""Activations as layers, with the numbers that shape them as arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.checks import number
from vizkit.nn import activations
from vizkit.nn.layers.base import Layer

__all__ = ["ELU", "LeakyReLU", "ReLU", "Softmax"]


class ReLU(Layer):
    """Keep what is positive, make the rest 0.

    Parameters
    ----------
    max_value
        Outputs are cut off here; ``None`` for no limit.
    negative_slope
        Slope below the threshold.
    threshold
        From here on the input is kept.

    Examples
    --------
    >>> ReLU(max_value=6)(np.array([[-1.0, 2.0, 8.0]])).tolist()
    [[0.0, 2.0, 6.0]]
    """

    casts_integers = True

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (("max_value", max_value), ("negative_slope", negative_slope), ("threshold", threshold)):
            if value is not None:
                number(name, value, includes_low=True)
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def call(self, inputs: Any) -> Any:
        """Return the bent inputs, of the same shape (batch, ...)."""
        if self.negative_slope == self.threshold == 0:
            bent = activations.relu(inputs)
        else:
            bent = np.where(inputs > self.threshold, inputs, self.negative_slope * (inputs - self.threshold))
        return bent if self.max_value is None else np.minimum(bent, bent.dtype.type(self.max_value))


class LeakyReLU(Layer):
    """Keep what is positive, make the rest smaller.

    Parameters
    ----------
    negative_slope
        Slope where the input is negative.
    alpha
        Its former name.

    Examples
    --------
    >>> LeakyReLU(0.5)(np.array([[-1.0, 2.0]])).tolist()
    [[-0.5, 2.0]]
    """

    casts_integers = True

    def __init__(self, negative_slope: float = 0.3, alpha: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = negative_slope if alpha is None else alpha

    def call(self, inputs: Any) -> Any:
        """Return the bent inputs, of the same shape (batch, ...)."""
        return activations.leaky_relu(inputs, self.negative_slope)


class ELU(Layer):
    """Keep what is positive, let the rest approach −alpha.

    Parameters
    ----------
    alpha
        How far down it goes.

    Examples
    --------
    >>> ELU()(np.array([[-1e4, 2.0]])).tolist()
    [[-1.0, 2.0]]
    """

    casts_integers = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        """Return the bent inputs, of the same shape (batch, ...)."""
        return activations.elu(inputs, self.alpha)


class Softmax(Layer):
    """Turn scores into probabilities.

    Parameters
    ----------
    axis
        Along which they sum to 1.

    Examples
    --------
    >>> Softmax()(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """

    casts_integers = True

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Return the probabilities, of the inputs' shape (batch, ...); 0 where a `mask` is false."""
        if mask is None:
            return activations.softmax(inputs, axis=self.axis)
        return masked_softmax(inputs, np.asarray(mask, bool), self.axis)


def masked_softmax(scores: Any, mask: Any, axis: int = -1) -> Any:
    """Return the softmax of scores of shape (...) over what a mask allows, 0 elsewhere; all 0 if it allows nothing.

    Examples
    --------
    >>> masked_softmax(np.zeros(4), np.array([True, False, True, False])).tolist()
    [0.5, 0.0, 0.5, 0.0]
    """
    return np.where(mask, activations.softmax(np.where(mask, scores, scores.dtype.type(-1e9)), axis=axis), 0)
