"""The numbers that the convolution story tells, read from its trace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from vizkit.errors import ArgumentError, ShapeError
from vizkit.trace import ForwardEvent, Trace
from vizkit.typing import Float
from vizkit.views.convolution import ConvolutionStepView
from vizkit.views.convolution_grids import fits
from vizkit.views.convolution_recorded import RecordedConvolution
from vizkit.views.convolution_stages import FeatureStagesView
from vizkit.views.grids import decimals
from vizkit.views.images_recorded import forward_event
from vizkit.views.text import Quantity, quantity

__all__ = ["ConvolutionRun"]


def _plane(event: ForwardEvent, sample: int) -> Float["row column"]:
    """Return a layer's output for one sample; it must be one map."""
    output = event.output
    if output.ndim != 4 or output.shape[3] != 1:
        raise ShapeError(
            f"The story follows one feature map, shape (batch, rows, columns, 1),"
            f" but layer {event.node.name!r} gave shape {output.shape}."
        )
    return output[sample, :, :, 0].astype(float)


@dataclass(frozen=True, eq=False)
class ConvolutionRun:
    """One image's way through a convolution, an activation and a pooling.

    Attributes
    ----------
    step
        The first window, with everything shown; it holds image, kernel and bias.
    output, activated, pooled
        Shape (rows, columns): what the three layers gave.
    """

    step: ConvolutionStepView
    output: Float["row column"]
    activated: Float["row column"]
    pooled: Float["row column"]

    @classmethod
    def of(cls, trace: Trace, sample: int = 0) -> ConvolutionRun:
        """Read the last forward pass of a trace.

        Raises
        ------
        TraceQueryError, ShapeError, ArgumentError
            If a layer is missing, has several maps, or the numbers do not fit into the cells.
        """
        recorded = RecordedConvolution.of(trace)
        step = ConvolutionStepView.from_arrays(*recorded.plane(sample), stride=recorded.stride)
        if not fits(step):
            raise ShapeError(
                f"The story writes every number into its cell, so its image is small (6 × 6, say),"
                f" but an image of {step.image.shape} with a kernel of {step.kernel.shape} was recorded."
            )
        layers = (("Conv2D",), ("Activation", "ReLU"), ("MaxPooling2D",))
        run = cls(step, *(_plane(_last(trace, kinds), sample) for kinds in layers))
        run.check()
        return run

    def check(self) -> None:
        """Make sure that the three layers do what the story says of them."""
        if not np.allclose(self.output, self.step.feature_map, atol=1e-4):
            raise ArgumentError("The story needs a convolution without an activation of its own, but one was recorded.")
        if not np.allclose(self.activated, np.maximum(self.output, 0), atol=1e-4):
            raise ArgumentError("The story needs ReLU after the convolution, but another activation was recorded.")
        stages, shape = self.stages(), self.pooled.shape
        largest = np.array([stages.window(*place).max() for place in np.ndindex(shape)]).reshape(shape)
        if not np.allclose(self.pooled, largest, atol=1e-4):
            raise ArgumentError("The story needs max pooling in blocks that do not overlap, but another was recorded.")

    @cached_property
    def digits(self) -> int:
        """Decimals with which all numbers are written."""
        return decimals(self.step.image, self.step.kernel, self.output, self.activated, [self.step.bias])

    @property
    def amount(self) -> int:
        """Number of windows."""
        return self.output.size

    def place(self, index: int) -> tuple[int, int]:
        """Return row and column of a window, counted in reading order from 0."""
        row, column = divmod(index, self.output.shape[1])
        return row, column

    def window(self, index: int, stage: str = "result", done: int | None = None) -> ConvolutionStepView:
        """Return a window's view; the map holds the values before it, and its own when the stage shows it."""
        row, column = self.place(index)
        filled = index + (stage == "result") if done is None else done
        return replace(self.step, row=row, column=column, stage=stage, done=filled)

    def stages(self, **options: object) -> FeatureStagesView:
        """Return the view of the feature map, the activated and the pooled map."""
        return FeatureStagesView(self.output, self.activated, self.pooled, **options)

    def number(self, name: str, value: float) -> Quantity:
        """Return a number with the story's decimals."""
        return quantity(name, value, self.digits)


def _last(trace: Trace, kinds: tuple[str, ...]) -> ForwardEvent:
    """Return the forward event of the first of some kinds of layers that the trace holds."""
    recorded = {event.node.kind for event in trace.events(ForwardEvent, level="layer")}
    kind = next((kind for kind in kinds if kind in recorded), kinds[0])
    return forward_event(trace, kind)
