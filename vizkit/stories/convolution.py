"""The story of a convolution: window by window to the feature map, then ReLU and max pooling.

It is made from the trace of a network of three layers, a convolution of one filter, an
activation and a max pooling, that saw one image.
"""

from __future__ import annotations

from vizkit.stories.convolution_pooling import after_beats
from vizkit.stories.convolution_run import ConvolutionRun
from vizkit.stories.convolution_windows import map_beats, opening_beats, window_beats
from vizkit.stories.story import Story
from vizkit.trace import Trace

__all__ = ["convolution"]


def convolution(trace: Trace, *, sample: int = 0) -> Story:
    """Tell how a kernel slides over an image, and what ReLU and pooling leave of its feature map.

    Parameters
    ----------
    trace
        A forward pass through a convolution with one filter over one channel, its activation
        and a max pooling.
    sample
        Which image of the recorded batch.

    Raises
    ------
    TraceQueryError
        If the trace lacks one of the three layers.
    ShapeError
        If the numbers do not fit into the cells of a frame: the image is to be small.

    Notes
    -----
    The sum of the products is Goodfellow, Bengio and Courville, Deep Learning, equation 9.6.
    """
    run = ConvolutionRun.of(trace, sample)
    beats = (*opening_beats(run), *window_beats(run), *map_beats(run), *after_beats(run))
    return Story(
        name="convolution",
        title="Convolution",
        summary="A small kernel slides over a picture of the letter O; ReLU and max pooling keep what it found.",
        beats=beats,
        poster="result",
    )
