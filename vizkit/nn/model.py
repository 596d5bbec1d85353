"""Models: layers with a loss and an optimizer, and the loop that trains them."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from vizkit.autodiff import Tracked, plain
from vizkit.checks import array
from vizkit.errors import ArgumentError
from vizkit.nn import feeding, saving, seeds
from vizkit.nn.layers.base import Layer
from vizkit.nn.layers.variables import Variable
from vizkit.nn.names import lookup
from vizkit.nn.progress import say
from vizkit.nn.training import Trainer, batch_size_of
from vizkit.typing import Float

__all__ = ["Model"]


class Model(Trainer):
    """A layer that can be trained. Subclass it and define ``call``, or use `Sequential`.

    Parameters
    ----------
    seed
        Source of all its random choices: first weights, dropout, order of the samples. ``None``
        for the one of `set_random_seed`.
    **kwargs
        ``name`` and ``dtype``, as every layer has them.

    Examples
    --------
    >>> from vizkit.nn import layers
    >>> class Line(Model):
    ...     def __init__(self):
    ...         super().__init__(seed=1)
    ...         self.dense = layers.Dense(1)
    ...     def call(self, inputs):
    ...         return self.dense(inputs)
    >>> Line().predict(np.zeros((2, 1)), verbose=0).tolist()
    [[0.0], [0.0]]
    """

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if seed is not None:
            self._random = seeds.generator(seed)

    @property
    def layers(self) -> list[Layer]:
        """The layers that are attributes of the model, or stand in lists that are."""
        return self.sublayers()

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer of a name, or the one at an index among `layers`.

        Raises
        ------
        UnknownNameError
            When there is no layer of this name.
        ArgumentError
            When there is none at this index, or both or neither are given.
        """
        if (name is None) == (index is None):
            raise ArgumentError(f"A layer is found by its name or its index; {name!r} and {index!r} were given.")
        if name is not None:
            return lookup("layer", name, {layer.name: layer for layer in self.layers})
        count = len(self.layers)
        if not isinstance(index, int) or not -count <= index < count:
            raise ArgumentError(f"{self.name!r} has {count} layers, counted from 0; none is at {index!r}.")
        return self.layers[index]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The weights that training changes, by the name that training loops use."""
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves: frozen ones, and the means of normalisation."""
        trained = {id(weight) for weight in self.trainable_weights}
        return [weight for weight in self.weights if id(weight) not in trained]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Float["samples ..."]:
        """Return the output for each sample.

        Parameters
        ----------
        x
            Inputs of shape (samples, ...).
        batch_size
            Samples at a time; 256 when ``None``.
        verbose
            Accepted for Keras's sake; predicting is silent.
        """
        x = self._with_rank(array("x", x))
        size = batch_size_of(batch_size, 256)
        parts = [plain(self(x[part])) for part in feeding.batches(len(x), size)]
        return np.concatenate(parts)

    def summary(self) -> None:
        """Write a table of the layers, their output shapes and their numbers of weights to standard output.

        Raises
        ------
        NotBuiltError
            When the model has no weights yet.
        """
        total = self.count_params()
        rows = [("Layer (type)", "Output shape", "Parameters")]
        for layer in self.sublayers():
            count = sum(int(weight.size) for weight in layer.weights)
            shape = "–" if layer.output_shape is None else str(tuple(layer.output_shape))
            rows.append((f"{layer.name} ({type(layer).__name__})", shape, f"{count:,}"))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [f"{name:<{widths[0]}}  {shape:<{widths[1]}}  {count:>{widths[2]}}" for name, shape, count in rows]
        lines.insert(1, "─" * (sum(widths) + 4))
        trained = sum(int(weight.size) for weight in self.trainable_weights)
        lines.append(f"Parameters: {total:,} ({trained:,} trainable, {total - trained:,} not)")
        say("\n".join([f"Model: {self.name}", *lines]))

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write the weights into one file, whole or not at all; see `vizkit.nn.saving`."""
        saving.save_weights(self, path)

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Take the weights that `save_weights` or `save` wrote for a model of the same shapes."""
        saving.load_weights(self, path)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole model into one file, with optimizer and random numbers, for `load_model`."""
        saving.save(self, path)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the output for `inputs`; a recorder, when there is one, is told of it."""
        recording = self._recording
        if recording is None or self._quiet or isinstance(inputs, Tracked):
            return super().__call__(inputs, *args, **kwargs)
        if not self.built:
            self._silently(inputs)
        tape = recording.begin(self._updates)
        if tape is None:
            return super().__call__(inputs, *args, **kwargs)
        with tape.watch(self.weights):
            tracked = Tracked(np.asarray(self._cast(inputs)), tape)
            return plain(super().__call__(tracked, *args, **kwargs))
