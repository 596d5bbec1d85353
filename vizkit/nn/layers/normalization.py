"""Normalisation: bring the inputs of a layer to mean 0 and variance 1, then let training scale them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from vizkit.autodiff import fused, plain
from vizkit.autodiff.buffers import empty_like
from vizkit.autodiff.threads import elementwise, summed
from vizkit.checks import number
from vizkit.errors import ShapeError
from vizkit.nn.layers.base import Layer
from vizkit.nn.layers.options import called

__all__ = ["BatchNormalization", "LayerNormalization", "standardise"]


def _total(x: Any, axes: Iterable[int]) -> Any:
    """Return the sum over axes, which keep length 1.

    They are summed one after the other, from the one whose elements lie farthest apart in memory: so NumPy adds
    long rows to each other.
    """
    for axis in sorted(axes, key=lambda axis: -plain(x).strides[axis]):
        x = summed(x, axis)
    return x


def _mean(x: Any, axes: Sequence[int]) -> Any:
    return _total(x, axes) / math.prod(x.shape[axis] for axis in axes)


def _standardise_back(g: Any, y: Any, scale: Any, x: Any, axes: tuple[int, ...], **options: Any) -> Any:
    """Mean and variance depend on every input: what moves them all alike, or all apart, has no effect.

    So the gradient loses its mean and its part along y (Ioffe and Szegedy 2015, section 3).
    """
    space, other = empty_like(x), empty_like(x)
    along = elementwise(np.multiply, y, _mean(elementwise(np.multiply, g, y, out=other), axes), out=other)
    passed = elementwise(np.subtract, elementwise(np.subtract, g, _mean(g, axes), out=space), along, out=space)
    return [elementwise(np.multiply, scale, passed, out=space)]


@fused(1, _standardise_back)
def standardise(
    x: Any, axes: tuple[int, ...], epsilon: float, tell: Callable[[Any, Any], None] | None = None
) -> tuple[Any, Any]:
    """Return (x − mean) / √(variance + ε), both taken over `axes`, of the shape (...) of `x`.

    `tell`, when given, is told the mean and the variance.

    Examples
    --------
    >>> standardise(np.array([1.0, 3.0]), axes=(0,), epsilon=0.0).tolist()
    [-1.0, 1.0]
    """
    space = empty_like(x)
    mean = _mean(x, axes)
    deviation = elementwise(np.subtract, x, mean, out=space)
    variance = _mean(elementwise(np.multiply, deviation, deviation, out=empty_like(x)), axes)
    if tell is not None:
        tell(mean, variance)
    scale = 1 / np.sqrt(variance + epsilon)
    return elementwise(np.multiply, deviation, scale, out=space), scale


class _Normalization(Layer):
    """What both kinds have: an axis, epsilon, and the scale gamma and the offset beta that are trained."""

    casts_integers = True

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis, self.epsilon, self.center, self.scale = axis, number("epsilon", epsilon), center, scale
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make gamma and beta, with one number for each place along the axis."""
        shape = tuple(input_shape[axis] for axis in self._axes(len(input_shape)))
        if self.scale:
            self.gamma = self.add_weight(shape, self.gamma_initializer, name="gamma")
        if self.center:
            self.beta = self.add_weight(shape, self.beta_initializer, name="beta")

    def _axes(self, ndim: int) -> tuple[int, ...]:
        """Return the axis, or axes, counted from the front; the batch cannot be one of them."""
        axes = tuple(self.axis) if isinstance(self.axis, (list, tuple)) else (self.axis,)
        if not all(-ndim < axis < ndim and axis != 0 for axis in axes):
            raise ShapeError(f"{called(self)} has the axis {self.axis}, which an input of {ndim} axes has not.")
        return tuple(sorted(axis % ndim for axis in axes))

    def _alike(self, weight: Any, inputs: Any) -> Any:
        """Give a weight axes of length 1 where the inputs have others."""
        axes = self._axes(inputs.ndim)
        shape = tuple(inputs.shape[i] for i in axes)
        if shape != weight.shape:
            raise self._refuse(f"has weights of shape {weight.shape}", inputs)
        if axes == tuple(range(inputs.ndim - len(axes), inputs.ndim)):
            return weight
        return np.reshape(weight, tuple(n if i in axes else 1 for i, n in enumerate(inputs.shape)))

    def _rescaled(self, inputs: Any) -> Any:
        if self.scale:
            inputs = inputs * self._alike(self.gamma, inputs)
        return inputs + self._alike(self.beta, inputs) if self.center else inputs


class LayerNormalization(_Normalization):
    """Give each sample mean 0 and variance 1 over its features (Ba et al. 2016).

    Parameters
    ----------
    axis
        The axis, or axes, of the features.
    epsilon
        Is added to the variance.
    center, scale
        Whether beta is added; whether gamma is multiplied.
    beta_initializer, gamma_initializer
        How the weights begin.

    Examples
    --------
    >>> LayerNormalization(epsilon=1e-9)(np.array([[1.0, 3.0], [5.0, 9.0]])).round(3).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def call(self, inputs: Any) -> Any:
        """Return the normalised inputs, of the same shape (batch, ...)."""
        return self._rescaled(standardise(inputs, axes=self._axes(inputs.ndim), epsilon=self.epsilon))


class BatchNormalization(_Normalization):
    """Give each feature mean 0 and variance 1 over the batch (Ioffe and Szegedy 2015).

    While training, mean and variance are the batch's own, and `moving_mean` and `moving_variance` follow
    them; otherwise, and when the layer is not trainable, those two are used.

    Parameters
    ----------
    axis
        The axis of the features.
    momentum
        How much of the moving mean and variance a training step leaves.
    epsilon
        Is added to the variance.
    center, scale
        Whether beta is added; whether gamma is multiplied.
    beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer
        How the weights begin.

    Examples
    --------
    >>> layer = BatchNormalization(momentum=0.5, epsilon=1e-9)
    >>> layer(np.array([[2.0], [6.0]]), training=True).round(3).tolist()
    [[-1.0], [1.0]]
    >>> layer.moving_mean.numpy().tolist(), layer.moving_variance.numpy().tolist()
    ([2.0], [2.5])
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        **kwargs: Any,
    ) -> None:
        super().__init__(axis, epsilon, center, scale, beta_initializer, gamma_initializer, **kwargs)
        self.momentum = number("momentum", momentum, 0, 1, includes_low=True)
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make gamma, beta and the two moving statistics, each of shape (features,)."""
        super().build(input_shape)
        shape = tuple(input_shape[axis] for axis in self._axes(len(input_shape)))
        initial = {"moving_mean": self.moving_mean_initializer, "moving_variance": self.moving_variance_initializer}
        for name, initializer in initial.items():
            setattr(self, name, self.add_weight(shape, initializer, trainable=False, name=name))

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the normalised inputs, of the same shape (batch, ...)."""
        mean = self._alike(self.moving_mean, inputs)
        if training and self.trainable and inputs.size:
            others: Sequence[int] = [i for i in range(inputs.ndim) if i not in self._axes(inputs.ndim)]
            normal = standardise(inputs, axes=tuple(others), epsilon=self.epsilon, tell=self._follow)
        else:
            variance = self._alike(self.moving_variance, inputs)
            normal = (inputs - mean) / np.sqrt(variance + self.epsilon)
        return self._rescaled(normal)

    def _follow(self, mean: Any, variance: Any) -> None:
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            now = np.reshape(plain(new), moving.shape)
            moving.assign(self.momentum * plain(moving) + (1 - self.momentum) * now)
