"""A small convolutional network with all its numbers: image, kernel, maps, column, answer.

Two lines, read like text: the first goes from the image to the activated map, the second
from the pooled map to the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, ShapeError
from vizkit.trace import ForwardEvent, Trace
from vizkit.typing import Float
from vizkit.views import blueprint_marks
from vizkit.views.grids import matrix
from vizkit.views.images_recorded import forward_event
from vizkit.views.numbers import chosen
from vizkit.views.picture import Picture, View

__all__ = ["BlueprintView"]


def _one(event: ForwardEvent, values: np.ndarray, sample: int) -> Float["row column"]:
    """Return one sample of values of shape (batch, rows, columns, 1)."""
    if values.ndim != 4 or values.shape[3] != 1:
        raise ShapeError(
            f"The blueprint shows one channel and one filter, shape (batch, rows, columns, 1),"
            f" but layer {event.node.name!r} has shape {values.shape}."
        )
    return matrix(values[chosen("sample", sample, len(values)), :, :, 0], event.node.name)


@dataclass(frozen=True, eq=False)
class BlueprintView(View):
    """One image's way through convolution, activation, pooling and a dense layer.

    Attributes
    ----------
    image, kernel, output, activated, pooled
        Each of shape (rows, columns).
    bias
        The kernel's bias.
    weights
        Shape (pooled values, answers): the dense layer's kernel, for the pooled values in reading order.
    biases, answers
        Shape (answers,): the dense layer's biases and what it says.
    classes
        A name for each answer.
    activation
        The name of the activation after the convolution.
    """

    image: Float["row column"]
    kernel: Float["row column"]
    bias: float
    output: Float["row column"]
    activated: Float["row column"]
    pooled: Float["row column"]
    weights: Float["value answer"]
    biases: Float["answer"]
    answers: Float["answer"]
    classes: tuple[str, ...]
    activation: str = "ReLU"

    def __post_init__(self) -> None:
        if self.weights.shape != (self.pooled.size, self.answers.size):
            raise ShapeError(
                f"The dense layer has a weight for each of {self.pooled.size} pooled values and {self.answers.size}"
                f" answers, but its kernel has the shape {self.weights.shape}."
            )
        if len(self.classes) != self.answers.size:
            raise ArgumentError(f"Each of {self.answers.size} answers has a name, but {self.classes!r} was given.")

    @classmethod
    def from_trace(
        cls, trace: Trace, sample: int = 0, *, classes: tuple[str, ...] | None = None, step: int | None = None
    ) -> BlueprintView:
        """Make the view from a recorded network with one Conv2D filter, an activation, a pooling and a Dense layer.

        Raises
        ------
        TraceQueryError
            If one of the layers is missing.
        ShapeError, ArgumentError
            If there is more than one channel or filter, or the sample does not exist.
        """
        conv = forward_event(trace, "Conv2D", None, step)
        active = forward_event(trace, "Activation", None, step)
        pool, dense = forward_event(trace, "MaxPooling2D", None, step), _last_dense(trace, step)
        answers = np.asarray(dense.output[chosen("sample", sample, len(dense.output))], dtype=float)
        kernel = _one(conv, conv.parameters["kernel"].transpose(2, 0, 1, 3), 0)
        if not isinstance(classes, tuple | list | None):
            raise ArgumentError(f"The classes are a tuple of names, but {classes!r} was given.")
        names = classes or tuple(str(index) for index in range(answers.size))
        return cls(
            _one(conv, conv.inputs[0], sample), kernel, float(conv.parameters["bias"][0]),
            _one(conv, conv.output, sample), _one(active, active.output, sample), _one(pool, pool.output, sample),
            dense.parameters["kernel"], dense.parameters["bias"], answers, tuple(names),
        )  # fmt: skip

    @classmethod
    def ensure(cls, data: BlueprintView | Trace, sample: int = 0, **options: Any) -> BlueprintView:
        """Return a view from itself or from a trace."""
        if isinstance(data, cls):
            return data
        if not isinstance(data, Trace):
            raise ArgumentError(f"A blueprint is drawn from a trace, but a {type(data).__name__} was given.")
        return cls.from_trace(data, sample, **options)

    @cached_property
    def best(self) -> int:
        """The answer with the highest number."""
        return int(self.answers.argmax())

    def draw(self) -> Picture:
        """Draw the two lines."""
        return blueprint_marks.draw(self)


def _last_dense(trace: Trace, step: int | None) -> ForwardEvent:
    """Return the last dense layer's event, whose output is the answer."""
    names = [layer.name for layer in trace.layers if layer.kind == "Dense"]
    return forward_event(trace, "Dense", names[-1] if names else None, step)
