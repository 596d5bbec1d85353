"""Pictures from inside a convolution layer: its feature maps and its kernels, each with one colour scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, NotBuiltError, ShapeError, unknown_name
from vizkit.trace import Trace
from vizkit.typing import ArrayLike, Float
from vizkit.views.grids import canvas, matrix
from vizkit.views.images_layout import LABEL, MOST, Tiles, framed, tile_marks
from vizkit.views.images_recorded import forward_event, traced
from vizkit.views.images_scale import ColourScale, common_limit
from vizkit.views.marks import Image, Mark, Text
from vizkit.views.numbers import chosen
from vizkit.views.picture import Picture, View
from vizkit.views.text import words

__all__ = ["FeatureMapsView", "KernelsView", "strongest"]

SIZE = (1880.0, 960.0)
LARGE = (2200.0, 1120.0)  # of kernels, whose cells hold numbers
_SCALE_ROOM = 216.0  # the colour scale with its numbers, at the right
_BETWEEN = 70.0  # from the input to the maps


def _stack(values: ArrayLike, axes: str) -> np.ndarray:
    """Return a read-only copy of finite numbers with as many axes as are named."""
    wanted = axes.split()
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"Numbers with the axes ({', '.join(wanted)}) are needed, not {values!r:.80}.") from error
    if array.ndim != len(wanted):
        raise ShapeError(f"The axes ({', '.join(wanted)}) are needed, but shape {array.shape} was given.")
    common_limit(array, f"values of shape {array.shape}")
    array.setflags(write=False)
    return array


def strongest(planes: Float["... plane"], most: int) -> tuple[int, ...]:
    """Return the numbers of at most so many planes, those with the largest mean size, in their order.

    Examples
    --------
    >>> strongest(np.array([[1.0, -4.0, 0.0, 3.0]]), 2)
    (1, 3)
    """
    sizes = np.abs(planes).reshape(-1, planes.shape[-1]).mean(axis=0)
    return tuple(sorted(np.argsort(-sizes, kind="stable")[:most].tolist()))


@dataclass(frozen=True, eq=False)
class FeatureMapsView(View):
    """The feature maps of one image, beside the image, all on one scale.

    Attributes
    ----------
    maps
        Shape (height, width, map).
    image
        Shape (height, width); None leaves it out.
    layer
        Where the maps come from, for the heading.
    numbers
        The maps' numbers in their layer; counted from 0 without.
    size
        Width and height of the picture, in stage units.
    among
        All maps whose colour scale these share, shape (height, width, maps); None for themselves.
    """

    maps: Float["height width map"]
    image: Float["height width"] | None = None
    layer: str = ""
    numbers: tuple[int, ...] | None = None
    size: tuple[float, float] = SIZE
    among: Float["height width map"] | None = None

    @classmethod
    def from_arrays(cls, maps: ArrayLike, image: ArrayLike | None = None, layer: str = "") -> FeatureMapsView:
        """Make the view from maps of shape (height, width, map) and an image of shape (height, width).

        Examples
        --------
        >>> view = FeatureMapsView.from_arrays(np.ones((4, 4, 2)), np.eye(6))
        >>> view.limit, view.signed
        (1.0, False)
        """
        picture = None if image is None else matrix(image, "image")
        return cls(_stack(maps, "height width map"), picture, layer)

    @classmethod
    def from_trace(
        cls, trace: Trace, layer: str | None = None, *, sample: int = 0, step: int | None = None, most: int = MOST
    ) -> FeatureMapsView:
        """Make the view from a recorded layer; of an input with several channels their mean is the image.

        Of a layer with more than `most` maps those with the largest mean size are shown.
        """
        event = forward_event(trace, "Conv2D", layer, step)
        sample = chosen("sample", sample, len(event.output))
        first = forward_event(trace, "Conv2D", None, event.step)
        image = first.inputs[0][sample].mean(axis=-1)
        maps = event.output[sample]
        numbers = strongest(maps, most)
        return replace(cls.from_arrays(maps[:, :, list(numbers)], image, event.node.name), numbers=numbers)

    @classmethod
    def ensure(cls, data: Any, x: ArrayLike | None = None, **options: Any) -> FeatureMapsView:
        """Return a view from itself, from a trace, from a model and images, or from maps and an image.

        With a model, `x` has the shape (batch, height, width, channels), or (height, width) or
        (height, width, channels) for one image; with maps, (height, width).
        """
        if isinstance(data, cls):
            return data
        if isinstance(data, Trace):
            return cls.from_trace(data, **options)
        if hasattr(data, "predict"):
            return cls.from_trace(traced(data, None if x is None else _batch(x)), **options)
        return cls.from_arrays(data, x, **options)

    @property
    def limit(self) -> float:
        """The value at the end of the colour scale of all maps."""
        return common_limit(self._scaled)

    @property
    def signed(self) -> bool:
        """Whether the scale goes to both sides of zero."""
        return bool((self._scaled < 0).any())

    @property
    def _scaled(self) -> Float["height width map"]:
        return self.maps if self.among is None else self.among

    def _layout(self) -> tuple[float, Tiles]:
        """Return the input's width and the maps' tiles, such that both are about equally high."""
        wide, high = self.size[0] - _SCALE_ROOM, self.size[1]
        amount, shape = self.maps.shape[2], self.maps.shape[:2]
        if self.image is None:
            return 0.0, Tiles.fitted(amount, shape, (wide, high))
        slope = self.image.shape[0] / self.image.shape[1]
        options = []
        for share in range(18, 29):
            across = self.size[0] * share / 100
            tiles = Tiles.fitted(amount, shape, (wide - across - _BETWEEN, high))
            across = min(across, (tiles.height - LABEL) / slope)
            options.append((abs(across * slope - (tiles.height - LABEL)), -tiles.unit, across, tiles))
        _, _, across, tiles = min(options, key=lambda option: option[:2])
        return across, tiles

    def _input(self, across: float, top: float) -> list[Mark]:
        """Return the image with its title, its upper edge on a line with the first maps'."""
        height = across * self.image.shape[0] / self.image.shape[1]
        box = Image(
            key="input", role="input", values=self.image, x=0, y=top - height, width=across, height=height,
            limit=common_limit(self.image), signed=bool((self.image < 0).any()),
        )  # fmt: skip
        title = Text(key="input:title", role="input", words=words("input"), x=across / 2, y=top, dy=10, va="bottom")
        return [*framed(box), title]

    def draw(self) -> Picture:
        """Draw the input at the left, the maps with their indices, and their scale at the right."""
        across, tiles = self._layout()
        left = 0.0 if self.image is None else across + _BETWEEN
        marks = [] if self.image is None else self._input(across, tiles.height - LABEL)
        planes = np.moveaxis(self.maps, 2, 0)
        marks += tile_marks(tiles, "map", planes, self.limit, left, "activation", self.signed, self.numbers)
        scale = _scale(left, tiles, self.limit, self.signed)
        return canvas([*marks, *scale.marks()], scale.right, tiles.height)


@dataclass(frozen=True, eq=False)
class KernelsView(View):
    """The kernels of a layer on one diverging scale that is centred on zero.

    Attributes
    ----------
    kernels
        Shape (row, column, filter): the weights for one input channel.
    numbers
        The kernels' numbers in their layer; counted from 0 without.
    channel
        Which input channel they lie on.
    size
        Width and height of the picture, in stage units.
    """

    kernels: Float["row column filter"]
    numbers: tuple[int, ...] | None = None
    channel: int = 0
    size: tuple[float, float] = LARGE

    @classmethod
    def from_arrays(cls, kernels: ArrayLike, channel: int | None = None) -> KernelsView:
        """Make the view from kernels of shape (row, column, filter) or (row, column, channel, filter).

        Examples
        --------
        >>> KernelsView.from_arrays(np.ones((3, 3, 1, 8))).kernels.shape
        (3, 3, 8)
        """
        if np.ndim(kernels) == 4:
            array = np.asarray(kernels)
            kernels = array[:, :, chosen("input channel", channel, array.shape[2])]
        return cls(_stack(kernels, "row column filter"))

    @classmethod
    def from_trace(
        cls,
        trace: Trace,
        layer: str | None = None,
        *,
        channel: int | str | None = None,
        step: int | None = None,
        most: int = MOST,
    ) -> KernelsView:
        """Make the view from a recorded layer's weights.

        With the channel ``"strongest"`` it is the one with the largest mean weight size; of a layer with more
        than `most` kernels those with the largest mean size there are shown.
        """
        kernels = np.asarray(forward_event(trace, "Conv2D", layer, step).parameters["kernel"])
        if channel == "strongest":
            channel = strongest(np.moveaxis(kernels, 2, -1), 1)[0]
        channel = chosen("input channel", channel, kernels.shape[2])
        numbers = strongest(kernels[:, :, channel], most)
        return replace(cls.from_arrays(kernels[:, :, channel, list(numbers)]), numbers=numbers, channel=channel)

    @classmethod
    def ensure(cls, data: Any, **options: Any) -> KernelsView:
        """Return a view from itself, a trace, a built model, or kernels of shape (row, column, [channel,] filter)."""
        if isinstance(data, cls):
            return data
        if isinstance(data, Trace):
            return cls.from_trace(data, **options)
        if hasattr(data, "layers"):
            layer = options.pop("layer", None)
            return cls.from_arrays(_weights(data, layer), **options)
        return cls.from_arrays(data, **options)

    def draw(self) -> Picture:
        """Draw the kernels with their indices and the scale at the right."""
        limit = common_limit(self.kernels)
        room = (self.size[0] - _SCALE_ROOM, self.size[1])
        tiles = Tiles.fitted(self.kernels.shape[2], self.kernels.shape[:2], room)
        planes = np.moveaxis(self.kernels, 2, 0)
        scale = _scale(0.0, tiles, limit, True, "weight")
        marks = tile_marks(tiles, "kernel", planes, limit, 0.0, "positive", True, self.numbers)
        return canvas([*marks, *scale.marks()], scale.right, tiles.height)


def _scale(left: float, tiles: Tiles, limit: float, signed: bool, title: str = "value") -> ColourScale:
    """Return the colour scale beside the tiles, as high as they are without the labels above."""
    return ColourScale(left + tiles.width + 40, 0, tiles.height - LABEL, limit, signed, title=title)


def _batch(x: ArrayLike) -> np.ndarray:
    """Return images as (batch, height, width, channels)."""
    images = np.asarray(x)
    if images.ndim == 2:
        images = images[:, :, None]
    return images[None] if images.ndim == 3 else images


def _weights(model: Any, layer: str | None) -> np.ndarray:
    """Return the kernel of a built model's convolution layer, the first when none is named."""
    found = {each.name: each for each in model.layers if type(each).__name__ == "Conv2D"}
    if not found:
        kinds = [type(each).__name__ for each in model.layers]
        raise ArgumentError(f"Kernels belong to a Conv2D layer, but the model's layers are {', '.join(kinds)}.")
    name = next(iter(found)) if layer is None else layer
    if name not in found:
        raise unknown_name("Conv2D layer", name, found)
    if not hasattr(found[name], "kernel"):
        raise NotBuiltError(f"The layer {name!r} has no kernels yet: call its model once, or give it an Input.")
    return np.asarray(found[name].kernel)
