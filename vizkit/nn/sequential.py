"""Layers in a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError
from vizkit.nn.layers.base import Layer
from vizkit.nn.layers.core import Input
from vizkit.nn.model import Model

__all__ = ["Sequential"]


class Sequential(Model):
    """A model whose layers follow one another.

    Parameters
    ----------
    layers
        The layers in order; the first may be an `Input`, which says the shape of a sample.
    name
        Its name.
    **kwargs
        ``dtype``, the type of the weights of all layers that do not say otherwise, ``"float32"`` or ``"float64"``;
        ``seed``, the source of all its random choices; and what else every layer has.

    Examples
    --------
    >>> from vizkit.nn import layers
    >>> model = Sequential([Input((4,)), layers.Dense(3, "relu"), layers.Dense(1)], seed=0)
    >>> model.count_params()
    19
    """

    def __init__(self, layers: Sequence[Layer] | None = None, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self._layers: list[Layer] = []
        if not isinstance(layers, (list, tuple, type(None))):
            raise ArgumentError(f"Sequential takes a list of layers; {layers!r} was given.")
        for layer in layers or []:
            self._append(layer)
        self._build_if_known()

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, without `Input`."""
        return list(self._layers)

    def add(self, layer: Layer) -> None:
        """Append a layer.

        Raises
        ------
        ArgumentError
            When it is no layer, or stands in the model already under another's name.
        """
        self._append(layer)
        self.built, self.output_shape = False, None
        self._build_if_known()

    def pop(self) -> Layer:
        """Take the last layer away and return it.

        Raises
        ------
        ArgumentError
            When there is none.
        """
        if not self._layers:
            raise ArgumentError(f"{self.name!r} has no layer that could be taken away.")
        last = self._layers.pop()
        self.built, self.output_shape = False, None
        self._build_if_known()
        return last

    def _append(self, layer: Layer) -> None:
        if not isinstance(layer, Layer):
            raise ArgumentError(f"Sequential takes layers; {layer!r} was given. Did you forget the brackets after it?")
        if layer._sample_shape is not None and not self._layers:
            self._sample_shape = layer._sample_shape
        if isinstance(layer, Input):
            return
        taken = {other.name for other in self._layers if other is not layer}
        if layer.name in taken:
            if not layer._auto_named:
                raise ArgumentError(f"Two layers of one model cannot both be called {layer.name!r}.")
            layer.name = next(f"{layer.name}_{n}" for n in range(1, 10**6) if f"{layer.name}_{n}" not in taken)
        self._layers.append(layer)

    def _build_if_known(self) -> None:
        """Make the weights at once where the shape of a sample is known, by a run on zeros."""
        if self._sample_shape is not None and None not in self._sample_shape and self._layers:
            with np.errstate(all="ignore"):
                self._silently(np.zeros((1, *self._sample_shape), self.dtype))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights for inputs of this shape, whose first length is the batch."""
        if self._sample_shape is None:
            self._sample_shape = tuple(input_shape[1:])
            if not self.built and self.input_shape is None:
                self._build_if_known()

    def call(self, inputs: Any) -> Any:
        """Return what the last layer makes of the inputs."""
        outputs = inputs
        for layer in self._layers:
            outputs = layer(outputs)
        return outputs
