"""The story of a convolution: window by window to the feature map, then ReLU and max pooling.

The lesson is made from the trace of a network of three layers, a convolution of one filter, an
activation and a max pooling, that saw one small image; of any other layer `convolution_layer` tells.
"""

from __future__ import annotations

from vizkit.errors import ArgumentError, ShapeError, TraceQueryError
from vizkit.stories.convolution_layer import tell_layer
from vizkit.stories.convolution_pooling import after_beats
from vizkit.stories.convolution_run import ConvolutionRun
from vizkit.stories.convolution_windows import map_beats, opening_beats, window_beats
from vizkit.stories.story import Story
from vizkit.trace import Trace
from vizkit.views.convolution_recorded import RecordedConvolution

__all__ = ["convolution"]


def convolution(
    trace: Trace,
    *,
    sample: int = 0,
    layer: str | None = None,
    filter: int | None = None,
    step: int | None = None,
) -> Story:
    """Tell how a kernel slides over an image.

    Of a small image under one kernel, with ReLU and max pooling after it, that is the lesson: each window in
    turn. Of any other recorded `Conv2D` layer, and where a layer, kernel or step is chosen, one window is told
    product by product, and then the whole map.

    Parameters
    ----------
    trace
        A run with a forward pass through a convolution.
    sample
        Which image of the recorded batch.
    layer
        The layer's name; the first convolution when None.
    filter
        Which of its kernels; the one that answers most strongly when None.
    step
        At which step; the last recorded one when None.

    Raises
    ------
    TraceQueryError
        If the trace holds no convolution, or not at this step.
    ArgumentError
        If there is no such sample or kernel, or the layer is dilated, grouped or has two different strides.

    Notes
    -----
    The sum of the products is Goodfellow, Bengio and Courville, Deep Learning, equation 9.6.
    """
    if filter is None and step is None and (run := _lesson(trace, sample, layer)) is not None:
        beats = (*opening_beats(run), *window_beats(run), *map_beats(run), *after_beats(run))
        return Story(
            name="convolution",
            title="Convolution",
            summary="A small kernel slides over a picture; ReLU and max pooling keep what it found.",
            beats=beats,
            poster="result",
        )
    return tell_layer(trace, sample, layer, filter, step)


def _lesson(trace: Trace, sample: int, layer: str | None) -> ConvolutionRun | None:
    """Return what the lesson is told of, when the trace is of such a network."""
    try:
        run = ConvolutionRun.of(trace, sample)
    except (ArgumentError, ShapeError, TraceQueryError):
        return None
    return run if layer in (None, RecordedConvolution.of(trace).name) else None
