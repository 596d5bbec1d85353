"""Convolutions: layers that look at images through a window, or lay a window over a larger image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vizkit.autodiff.engine import innermost
from vizkit.checks import whole
from vizkit.errors import ArgumentError, unknown_name
from vizkit.nn import activations
from vizkit.nn.convolutions import add_bias, conv2d, conv2d_transpose, rectify
from vizkit.nn.images import output_length
from vizkit.nn.layers.weighing import Weighing

__all__ = ["Conv2D", "Conv2DTranspose", "known_padding", "pair"]


class Conv2D(Weighing):
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
    **options
        ``kernel_initializer``, ``bias_initializer``, ``kernel_regularizer``, ``bias_regularizer`` as in `Weighing`.

    Examples
    --------
    >>> import numpy as np
    >>> Conv2D(4, 3)(np.zeros((1, 6, 6, 1))).shape
    (1, 4, 4, 4)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        dilation_rate: Any = (1, 1),
        activation: str | Callable[..., Any] | None = None,
        use_bias: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(use_bias, **options)
        self.filters = whole("filters", filters)
        self.kernel_size, self.strides = pair("kernel_size", kernel_size), pair("strides", strides)
        self.dilation_rate = pair("dilation_rate", dilation_rate)
        self.padding = known_padding(padding)
        self.activation = activations.get(activation)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the kernel, of shape (height, width, channels, filters), and the bias, of shape (filters,)."""
        if len(input_shape) != 4:
            raise self._refuse("needs (batch, height, width, channels)", input_shape)
        self.add_kernel(self._kernel_shape(input_shape[-1]))
        self.add_bias((self.filters,))

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, channels, self.filters)

    def call(self, inputs: Any) -> Any:
        """Return the feature maps, of shape (batch, rows, columns, filters)."""
        if inputs.ndim != 4 or inputs.shape[3] != self.kernel.shape[2]:
            raise self._refuse(f"needs (batch, height, width, {self.kernel.shape[2]})", inputs)
        for length, window, dilation in zip(inputs.shape[1:3], self.kernel_size, self.dilation_rate, strict=True):
            if output_length(length, window, 1, self.padding, dilation) < 1:
                raise self._refuse(f"has a kernel of {self.kernel_size}, larger than its image", inputs)
        options = {"strides": self.strides, "padding": self.padding, "dilation": self.dilation_rate}
        return self._activated(conv2d(inputs, self.kernel, **options))

    def _activated(self, summed: Any) -> Any:
        """Add the bias and apply the activation; relu, the most usual one, in one pass unless both are recorded."""
        if self.use_bias and self.activation is activations.relu:
            tape = innermost((summed, self.bias))
            if tape is None or tape.recording is None or not tape.recording.fine:
                return rectify(summed, self.bias)
        return self.activation(add_bias(summed, self.bias) if self.use_bias else summed)


class Conv2DTranspose(Conv2D):
    """A convolution's way back: each input value lays a kernel over a larger image.

    Input of shape (batch, height, width, channels), output of shape (batch, rows, columns, filters); with
    padding ``"same"`` it is `strides` times as large as the input. The arguments are those of `Conv2D`.

    Examples
    --------
    >>> import numpy as np
    >>> Conv2DTranspose(4, 3, strides=2, padding="same")(np.zeros((1, 7, 7, 8))).shape
    (1, 14, 14, 4)
    """

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, self.filters, channels)

    def call(self, inputs: Any) -> Any:
        """Return the larger image, of shape (batch, rows, columns, filters)."""
        if inputs.ndim != 4 or inputs.shape[3] != self.kernel.shape[3]:
            raise self._refuse(f"needs (batch, height, width, {self.kernel.shape[3]})", inputs)
        options = {"strides": self.strides, "padding": self.padding, "dilation": self.dilation_rate}
        return self._activated(conv2d_transpose(inputs, self.kernel, **options))


def pair(name: str, value: Any) -> tuple[int, int]:
    """Return one whole number from 1 for each direction, or raise.

    Raises
    ------
    ArgumentError
        When `value` is neither such a number nor two of them.

    Examples
    --------
    >>> pair("strides", 2)
    (2, 2)
    """
    both = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
    if len(both) != 2:
        raise ArgumentError(f"{name} is one whole number or two; {value!r} was given.")
    return whole(name, both[0]), whole(name, both[1])


def known_padding(padding: str) -> str:
    """Return ``"valid"`` or ``"same"``, or raise.

    Raises
    ------
    UnknownNameError
        When `padding` is neither.

    Examples
    --------
    >>> known_padding("same")
    'same'
    """
    if padding not in ("valid", "same"):
        raise unknown_name("padding", padding, ["valid", "same"])
    return padding
