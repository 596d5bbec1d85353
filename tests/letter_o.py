"""Traces of a convolution, ReLU and max pooling, computed by slow loops without vizkit's network."""

from __future__ import annotations

import numpy as np

from vizkit.trace import Keep, ModelDescription, Node, Recorder, Trace
from vizkit.trace.events import LayerDescription

LETTER_O = np.array(
    [[0, 0, 1, 1, 0, 0], [0, 1, 0, 0, 1, 0], [1, 0, 0, 0, 0, 1],
     [1, 0, 0, 0, 0, 1], [0, 1, 0, 0, 1, 0], [0, 0, 1, 1, 0, 0]], dtype=float
)  # fmt: skip
DIAGONAL = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], dtype=float)


def slow_convolution(images: np.ndarray, kernels: np.ndarray, biases: np.ndarray) -> np.ndarray:
    """Convolve (batch, height, width, channel) with (row, column, channel, filter), one product after the other."""
    batch, height, width, channels = images.shape
    rows, columns, _, filters = kernels.shape
    out = np.zeros((batch, height - rows + 1, width - columns + 1, filters))
    for n, r, c, f in np.ndindex(out.shape):
        total = biases[f]
        for i, j, k in np.ndindex(rows, columns, channels):
            total += images[n, r + i, c + j, k] * kernels[i, j, k, f]
        out[n, r, c, f] = total
    return out


def slow_pooling(images: np.ndarray, size: int = 2) -> np.ndarray:
    """Keep the largest of each block of size × size, without overlap."""
    batch, height, width, channels = images.shape
    out = np.full((batch, height // size, width // size, channels), -np.inf)
    for n, r, c, k in np.ndindex(batch, height // size * size, width // size * size, channels):
        out[n, r // size, c // size, k] = max(out[n, r // size, c // size, k], images[n, r, c, k])
    return out


def trace_of(images: np.ndarray, kernels: np.ndarray, biases: np.ndarray) -> Trace:
    """Return the trace of images of shape (batch, height, width, channel) through the three layers."""
    conv, relu, pool = Node(0, "conv", "Conv2D"), Node(1, "relu", "Activation"), Node(2, "pool", "MaxPooling2D")
    configs = {conv: {"strides": (1, 1), "padding": "valid"}, relu: {"activation": "relu"}, pool: {"pool_size": (2, 2)}}
    layers = tuple(LayerDescription(node, config) for node, config in configs.items())
    recorder = Recorder(Trace(ModelDescription("letters")), Keep())
    recorder.describe(ModelDescription("letters", layers))
    output = slow_convolution(images, kernels, biases)
    active = np.where(output > 0, output, 0.0)
    recorder.forward(0, conv, (images,), output, {"kernel": kernels, "bias": biases})
    recorder.forward(0, relu, (output,), active, {})
    recorder.forward(0, pool, (active,), slow_pooling(active), {})
    return recorder.trace


def letter_o_trace(bias: float = -1.0) -> Trace:
    """Return the trace of the letter O under the diagonal kernel."""
    return trace_of(LETTER_O[None, :, :, None], DIAGONAL[:, :, None, None], np.array([bias]))
