"""Pooling: layers that keep one number of each window, or of each feature map."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.nn.layers.base import Layer
from vizkit.nn.layers.convolution import known_padding, pair
from vizkit.nn.pools import avg_pool2d, max_pool2d

__all__ = ["AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "MaxPooling2D"]


class _Pooling2D(Layer):
    casts_integers = True

    def __init__(self, pool_size: Any = (2, 2), strides: Any = None, padding: str = "valid", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_size = pair("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else pair("strides", strides)
        self.padding = known_padding(padding)

    def _pool(self, inputs: Any, function: Any) -> Any:
        if inputs.ndim != 4:
            raise self._refuse("needs (batch, height, width, channels)", inputs)
        if self.padding == "valid" and any(n < w for n, w in zip(inputs.shape[1:3], self.pool_size, strict=True)):
            raise self._refuse(f"has a window of {self.pool_size}, larger than its image", inputs)
        return function(inputs, window=self.pool_size, strides=self.strides, padding=self.padding)


class MaxPooling2D(_Pooling2D):
    """Keep the largest value of each window.

    Input of shape (batch, height, width, channels), output of shape (batch, rows, columns, channels).

    Parameters
    ----------
    pool_size
        Height and width of the window, or one number for both.
    strides
        How far it moves; by its own size when ``None``.
    padding
        ``"valid"`` or ``"same"``.

    Examples
    --------
    >>> import numpy as np
    >>> MaxPooling2D(2)(np.arange(1.0, 17).reshape(1, 4, 4, 1))[0, :, :, 0].tolist()
    [[6.0, 8.0], [14.0, 16.0]]
    """

    def call(self, inputs: Any) -> Any:
        """Return the largest values, of shape (batch, rows, columns, channels)."""
        return self._pool(inputs, max_pool2d)


class AveragePooling2D(_Pooling2D):
    """Keep the mean of each window; padding does not count.

    Input of shape (batch, height, width, channels), output of shape (batch, rows, columns, channels).

    Parameters
    ----------
    pool_size
        Height and width of the window, or one number for both.
    strides
        How far it moves; by its own size when ``None``.
    padding
        ``"valid"`` or ``"same"``.

    Examples
    --------
    >>> import numpy as np
    >>> AveragePooling2D(2)(np.arange(1.0, 17).reshape(1, 4, 4, 1))[0, :, :, 0].tolist()
    [[3.5, 5.5], [11.5, 13.5]]
    """

    def call(self, inputs: Any) -> Any:
        """Return the means, of shape (batch, rows, columns, channels)."""
        return self._pool(inputs, avg_pool2d)


class _GlobalAverage(Layer):
    casts_integers = True
    _needs: str

    def __init__(self, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keepdims = keepdims

    def call(self, inputs: Any) -> Any:
        """Return the means, of shape (batch, channels); with the averaged axes of length 1 when kept."""
        if inputs.ndim != self._needs.count(",") + 1 or 0 in inputs.shape[1:-1]:
            raise self._refuse(f"needs {self._needs}, none but the batch empty", inputs)
        return np.mean(inputs, axis=tuple(range(1, inputs.ndim - 1)), keepdims=self.keepdims)


class GlobalAveragePooling2D(_GlobalAverage):
    """The mean of each feature map.

    Parameters
    ----------
    keepdims
        Whether height and width stay as axes of length 1.

    Examples
    --------
    >>> GlobalAveragePooling2D()(np.ones((5, 4, 4, 3))).shape
    (5, 3)
    """

    _needs = "(batch, height, width, channels)"


class GlobalAveragePooling1D(_GlobalAverage):
    """The mean over all times: what becomes of a sentence whose words are embedded.

    Parameters
    ----------
    keepdims
        Whether time stays as an axis of length 1.

    Examples
    --------
    >>> GlobalAveragePooling1D()(np.ones((5, 7, 3))).shape
    (5, 3)
    """

    _needs = "(batch, time, channels)"
