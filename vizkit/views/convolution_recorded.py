"""What a trace says about a convolution layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError
from vizkit.trace import Trace
from vizkit.typing import Float
from vizkit.views.images_recorded import forward_event, layer_config
from vizkit.views.numbers import chosen

__all__ = ["RecordedConvolution"]


def _single(setting: object) -> int:
    """Return a stride or dilation given as one number or as two equal ones."""
    both = np.broadcast_to(np.asarray(setting), (2,))
    if both[0] != both[1]:
        raise ArgumentError(
            f"A step is drawn for the same stride and dilation in both directions, but the layer's are {setting!r}."
        )
    return int(both[0])


def _padded(image: Float["height width"], kernel: tuple[int, int], stride: int) -> Float["height width"]:
    """Return an image with the zeros that ``padding="same"`` puts around it, the odd one below and to the right."""
    sides = []
    for length, size in zip(image.shape, kernel, strict=True):
        missing = max((-(-length // stride) - 1) * stride + size - length, 0)
        sides.append((missing // 2, missing - missing // 2))
    return np.pad(image, sides)


@dataclass(frozen=True, eq=False)
class RecordedConvolution:
    """Input, kernel and bias of one recorded convolution, channels last.

    ``images`` has the shape (batch, height, width, channels), ``kernels`` (rows, columns,
    channels, filters), ``biases`` (filters,), ``outputs`` (batch, rows, columns, filters).
    """

    images: Float["batch height width channel"]
    kernels: Float["row column channel filter"]
    biases: Float["filter"]
    outputs: Float["batch row column filter"]
    stride: int = 1
    padding: Any = "valid"
    name: str = ""
    activation: str = "linear"

    @classmethod
    def of(cls, trace: Trace, layer: str | None = None, step: int | None = None) -> RecordedConvolution:
        """Read a layer of a trace, the first convolution when none is named, at its last step when none is given.

        Raises
        ------
        TraceQueryError
            If there is no such layer, or it is no convolution.
        ArgumentError
            If its strides differ, or it is dilated or grouped.
        """
        event = forward_event(trace, "Conv2D", layer, step)
        config = layer_config(trace, event.node.name)
        if (dilation := _single(config.get("dilation_rate", 1))) != 1:
            raise ArgumentError(f"A step is drawn for weights side by side, but the layer's dilation is {dilation}.")
        kernels = event.parameters["kernel"]
        if kernels.shape[2] != event.inputs[0].shape[3]:
            raise ArgumentError(
                "A step is drawn of a kernel that sees every channel, but the layer's kernels see"
                f" {kernels.shape[2]} of {event.inputs[0].shape[3]}."
            )
        return cls(
            event.inputs[0],
            kernels,
            event.parameters.get("bias", np.zeros(kernels.shape[-1])),
            event.output,
            _single(config.get("strides", 1)),
            config.get("padding", "valid"),
            event.node.name,
            str(config.get("activation") or "linear"),
        )

    def plane(
        self, sample: int = 0, channel: int | None = None, filter: int = 0
    ) -> tuple[Float["height width"], Float["row column"], float]:
        """Return the image of one channel, the weights that lie on it, and the bias.

        The bias is 0 when the layer has several channels, since it is added to their sum.
        """
        sample = chosen("sample", sample, self.images.shape[0])
        filter = chosen("filter", filter, self.kernels.shape[3])
        channels = self.images.shape[3]
        channel = chosen("channel", channel, channels)
        image = self.images[sample, :, :, channel]
        kernel = self.kernels[:, :, channel, filter]
        if self.padding == "same":
            image = _padded(image, kernel.shape, self.stride)
        elif self.padding != "valid":  # so many before and behind, for each axis
            image = np.pad(image, np.broadcast_to(np.asarray(self.padding, dtype=int), (2, 2)))
        return image, kernel, float(self.biases[filter]) if channels == 1 else 0.0
