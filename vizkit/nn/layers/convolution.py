"""Layers that look at images through a window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vizkit.errors import ArgumentError, ShapeError, unknown_name
from vizkit.nn import activations
from vizkit.nn.images import conv2d, max_pool2d, output_length
from vizkit.nn.layers.base import Layer
from vizkit.nn.layers.core import positive_int

__all__ = ["Conv2D", "MaxPooling2D"]


class Conv2D(Layer):
    """Slide kernels over an image; each gives one feature map.

    Input of shape (batch, height, width, channels), output of shape (batch, rows, columns, filters).

    Parameters
    ----------
    filters
        How many kernels.
    kernel_size
        Height and width of a kernel, or one number for both.
    strides
        How far the window moves, down and right, or one number for both.
    padding
        ``"valid"``: the window stays within the image. ``"same"``: zeros around the image, so that
        with strides of 1 the output is as large as the input.
    dilation_rate
        Distance between neighbouring weights of the kernel on the image.
    activation
        Name of an activation, or a callable.
    use_bias
        Whether each filter adds a bias.
    kernel_initializer, bias_initializer
        How the weights begin.

    Examples
    --------
    >>> import numpy as np
    >>> Conv2D(4, 3)(np.zeros((1, 6, 6, 1))).shape
    (1, 4, 4, 4)
    """

    casts_integers = True

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        dilation_rate: Any = (1, 1),
        activation: str | Callable[..., Any] | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = positive_int("filters", filters)
        self.kernel_size, self.strides = _pair("kernel_size", kernel_size), _pair("strides", strides)
        self.dilation_rate = _pair("dilation_rate", dilation_rate)
        self.padding = _known_padding(padding)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the kernel, of shape (height, width, channels, filters), and the bias, of shape (filters,)."""
        if len(input_shape) != 4:
            raise ShapeError(
                f"The layer {self.name!r} (Conv2D) needs (batch, height, width, channels); {input_shape} was given."
            )
        shape = (*self.kernel_size, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape, self.kernel_initializer, name="kernel")
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), self.bias_initializer, name="bias")

    def call(self, inputs: Any) -> Any:
        """Return the feature maps, of shape (batch, rows, columns, filters)."""
        if inputs.ndim != 4 or inputs.shape[3] != self.kernel.shape[2]:
            raise self._refuse(f"needs (batch, height, width, {self.kernel.shape[2]})", inputs)
        for length, window, dilation in zip(inputs.shape[1:3], self.kernel_size, self.dilation_rate, strict=True):
            if output_length(length, window, 1, self.padding, dilation) < 1:
                raise self._refuse(f"has a kernel of {self.kernel_size}, larger than its image", inputs)
        summed = conv2d(inputs, self.kernel, strides=self.strides, padding=self.padding, dilation=self.dilation_rate)
        return self.activation(summed + self.bias if self.use_bias else summed)


class MaxPooling2D(Layer):
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

    casts_integers = True

    def __init__(self, pool_size: Any = (2, 2), strides: Any = None, padding: str = "valid", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_size = _pair("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else _pair("strides", strides)
        self.padding = _known_padding(padding)

    def call(self, inputs: Any) -> Any:
        """Return the largest values, of shape (batch, rows, columns, channels)."""
        if inputs.ndim != 4:
            raise self._refuse("needs (batch, height, width, channels)", inputs)
        if self.padding == "valid" and any(n < w for n, w in zip(inputs.shape[1:3], self.pool_size, strict=True)):
            raise self._refuse(f"has a window of {self.pool_size}, larger than its image", inputs)
        return max_pool2d(inputs, window=self.pool_size, strides=self.strides, padding=self.padding)


def _pair(name: str, value: Any) -> tuple[int, int]:
    pair = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
    if len(pair) != 2:
        raise ArgumentError(f"{name} is one whole number or two; {value!r} was given.")
    return positive_int(name, pair[0]), positive_int(name, pair[1])


def _known_padding(padding: str) -> str:
    if padding not in ("valid", "same"):
        raise unknown_name("padding", padding, ["valid", "same"])
    return padding
