"""Layers that look at features, not at places: Dense, Activation, Flatten, Dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vizkit.autodiff import buffers, fused
from vizkit.checks import share, whole
from vizkit.errors import ArgumentError
from vizkit.nn import activations, seeds
from vizkit.nn.layers.base import Layer
from vizkit.nn.layers.weighing import Weighing

__all__ = ["Activation", "Dense", "Dropout", "Flatten", "Input", "drop"]


class Dense(Weighing):
    """Each unit weighs all inputs, adds its bias, and bends the sum.

    Parameters
    ----------
    units
        How many units.
    activation
        Name of an activation, or a callable.
    use_bias
        Whether a bias is added.
    **options
        ``kernel_initializer``, ``bias_initializer``, ``kernel_regularizer``, ``bias_regularizer`` as in `Weighing`.

    Examples
    --------
    >>> layer = Dense(2, kernel_initializer="ones")
    >>> layer(np.array([[1.0, 2.0]])).tolist()
    [[3.0, 3.0]]
    """

    def __init__(
        self, units: int, activation: str | Callable[..., Any] | None = None, use_bias: bool = True, **options: Any
    ) -> None:
        super().__init__(use_bias, **options)
        self.units = whole("units", units)
        self.activation = activations.get(activation)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the kernel, of shape (features, units), and the bias, of shape (units,)."""
        if len(input_shape) < 2:
            raise self._refuse("needs (batch, features)", input_shape)
        self.add_kernel((input_shape[-1], self.units))
        self.add_bias((self.units,))

    def call(self, inputs: Any) -> Any:
        """Return the units' outputs, of shape (batch, ..., units)."""
        if inputs.ndim < 2 or inputs.shape[-1] != self.kernel.shape[0]:
            raise self._refuse(f"has a kernel of shape {self.kernel.shape}", inputs)
        return self.activation(self.with_bias(np.matmul(inputs, self.kernel)))


class Activation(Layer):
    """An activation as a layer of its own.

    Parameters
    ----------
    activation
        Name of an activation, or a callable.

    Examples
    --------
    >>> Activation("relu")(np.array([[-1.0, 2.0]])).tolist()
    [[0.0, 2.0]]
    """

    casts_integers = True

    def __init__(self, activation: str | Callable[..., Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        """Return the activation of the inputs, of the same shape (batch, ...)."""
        return self.activation(inputs)


class Flatten(Layer):
    """All axes but the batch become one.

    Examples
    --------
    >>> Flatten()(np.zeros((5, 2, 3))).shape
    (5, 6)
    """

    def call(self, inputs: Any) -> Any:
        """Return the inputs in the shape (batch, features)."""
        return np.reshape(inputs, (inputs.shape[0], int(np.prod(inputs.shape[1:], dtype=int))))


def _drop_back(g: Any, y: Any, mask: Any, x: Any, **options: Any) -> list[Any]:
    return [np.multiply(g, mask, out=buffers.empty(g.shape, g.dtype))]


@fused(1, _drop_back)
def drop(x: Any, rate: float, random: Callable[[], np.random.Generator], shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Make a share of the numbers 0 and divide the others by 1 − rate; the result is of the shape (...) of `x`.

    Each call draws anew from what `random()` returns. `shape` is the mask's: along an axis of length 1 it is the same.

    Examples
    --------
    >>> drop(np.ones(4, "float32"), rate=0.5, random=lambda: np.random.default_rng(1), shape=(4,)).tolist()
    [0.0, 2.0, 2.0, 0.0]
    """
    draws = random().random(dtype=np.float32, out=buffers.empty(shape, np.float32))
    kept = np.greater_equal(draws, rate, out=buffers.empty(shape, bool))
    mask = np.multiply(kept, x.dtype.type(1 / (1 - rate)), out=buffers.empty(shape, x.dtype))
    return np.multiply(x, mask, out=buffers.empty(x.shape, x.dtype)), mask


class Dropout(Layer):
    """While training, a share of the inputs becomes 0 and the others grow to make up for it.

    Parameters
    ----------
    rate
        The share, from 0 up to but without 1; those that are kept are divided by 1 − rate.
    seed
        For the same masks at every run; ``None`` for the model's random numbers.

    Examples
    --------
    >>> Dropout(0.3)(np.ones((1, 3))).tolist()
    [[1.0, 1.0, 1.0]]
    """

    casts_integers = True

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = share("The rate of Dropout", rate)
        self.seed = seed
        self._masks = None if seed is None else seeds.generator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the inputs, of the same shape (batch, ...), some of them dropped when `training`."""
        if not training or self.rate == 0:
            return inputs
        return drop(inputs, rate=self.rate, random=self._source, shape=inputs.shape)

    def _source(self) -> np.random.Generator:
        return self._masks or self.random()


class Input(Layer):
    """The shape of one sample, so that a model has its weights before it sees data.

    Parameters
    ----------
    shape
        Lengths of the axes, without the batch; of the only axis, a number. With a ``None`` among them, for sequences of
        any length, the model has its weights when it first sees data.
    dtype, batch_size
        Accepted for Keras's sake.

    Raises
    ------
    ArgumentError
        When a length is no whole number from 1.

    Examples
    --------
    >>> Input(shape=(28, 28, 1)).shape
    (28, 28, 1)
    """

    def __init__(self, shape: Any, batch_size: int | None = None, dtype: Any = None, **kwargs: Any) -> None:
        lengths = shape if isinstance(shape, (tuple, list)) else (shape,)
        shape = tuple(n if n is None else whole("The length of each axis of an Input", n) for n in lengths)
        super().__init__(input_shape=shape, **kwargs)
        self.shape = shape

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse to be what a layer is called with, as in Keras's functional interface."""
        raise ArgumentError(
            "An Input holds no numbers to call a layer with: Keras's functional interface is not part of vizkit. Put"
            " the layers into a Sequential, or derive a class from Model and call them in its `call`."
        )

    def call(self, inputs: Any) -> Any:
        """Return the inputs as they are."""
        return inputs
