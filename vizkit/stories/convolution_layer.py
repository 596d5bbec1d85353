"""A convolution told of any recorded layer: one window of a real picture, product by product, and its map.

The kernel that answers most strongly to the sample is followed, at the window where it does so. Of an
input with several channels the one is shown that has the largest part in that window's sum.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from vizkit import functions
from vizkit.errors import ArgumentError
from vizkit.stories.backprop_terms import colored, result, signed
from vizkit.stories.chain_terms import shown
from vizkit.stories.story import Beat, Story
from vizkit.trace import Trace
from vizkit.typing import Float
from vizkit.views.board import board
from vizkit.views.convolution import ConvolutionStepView, convolve
from vizkit.views.convolution_recorded import RecordedConvolution
from vizkit.views.equation import Equation, Function, Sum, Value, equation, symbol
from vizkit.views.images import FeatureMapsView, strongest
from vizkit.views.naming import fitted
from vizkit.views.picture import View
from vizkit.views.text import Words, count, sentence, tally, words

__all__ = ["LayerRun", "tell_layer"]

PANEL, MAPS = "machine", 16
NAME_ROOM = 500.0  # of a layer's name in a caption
FEW = 3  # channels whose parts an equation lists


@dataclass(frozen=True, eq=False)
class LayerRun:
    """One sample's way through one kernel of a recorded convolution.

    Attributes
    ----------
    recorded
        The layer: its inputs, kernels, biases and outputs.
    sample, filter
        Which image and which kernel.
    """

    recorded: RecordedConvolution
    sample: int
    filter: int

    @classmethod
    def of(cls, trace: Trace, layer: str | None, step: int | None, sample: int, filter: int | None = None) -> LayerRun:
        """Read a layer, by default the first convolution at its last step.

        Raises
        ------
        TraceQueryError, UnknownNameError, ArgumentError
            If there is no such layer, sample or kernel, or the layer does something else than a plain convolution.
        """
        recorded = RecordedConvolution.of(trace, layer, step)
        recorded.plane(sample, 0, filter or 0)  # checks the sample and the kernel
        answers = recorded.outputs[sample].max(axis=(0, 1))
        run = cls(recorded, sample, int(np.argmax(answers)) if filter is None else filter)
        run.check()
        return run

    def check(self) -> None:
        """Make sure that the layer's recorded output is what is told of it."""
        found = functions.activation(self.recorded.activation).function(self.sums)
        if found.shape != self.output.shape or not np.allclose(found, self.output, rtol=1e-3, atol=1e-3):
            raise ArgumentError(
                f"The layer {self.recorded.name!r} gives something else than a convolution with its kernel, its bias"
                f" and {self.recorded.activation}, so its windows cannot be told."
            )

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return self.recorded.images.shape[3]

    @cached_property
    def parts(self) -> Float["channel row column"]:
        """Each channel's part of the sums, of shape (channels, rows, columns)."""
        planes = (self.recorded.plane(self.sample, channel, self.filter) for channel in range(self.channels))
        return np.array([convolve(image, kernel, 0.0, self.recorded.stride) for image, kernel, _ in planes])

    @property
    def bias(self) -> float:
        """The kernel's bias."""
        return float(self.recorded.biases[self.filter])

    @cached_property
    def sums(self) -> Float["row column"]:
        """All channels' parts with the bias: what the activation acts on, of shape (rows, columns)."""
        return self.parts.sum(axis=0) + self.bias

    @property
    def output(self) -> Float["row column"]:
        """What the layer gave, of shape (rows, columns)."""
        return self.recorded.outputs[self.sample, :, :, self.filter].astype(float)

    @cached_property
    def best(self) -> tuple[int, int]:
        """The window with the largest sum."""
        row, column = np.unravel_index(int(np.argmax(self.sums)), self.sums.shape)
        return int(row), int(column)

    @cached_property
    def least(self) -> tuple[int, int]:
        """The window with the smallest sum."""
        row, column = np.unravel_index(int(np.argmin(self.sums)), self.sums.shape)
        return int(row), int(column)

    @cached_property
    def channel(self) -> int:
        """The channel with the largest part in the best window's sum."""
        return int(np.argmax(np.abs(self.parts[:, self.best[0], self.best[1]])))

    def view(self, place: tuple[int, int]) -> ConvolutionStepView:
        """Return a window in the channel that is shown."""
        image, kernel, _ = self.recorded.plane(self.sample, self.channel, self.filter)
        bias = self.bias if self.channels == 1 else 0.0
        made = ConvolutionStepView.from_arrays(image, kernel, bias, *place, self.recorded.stride)
        return replace(made, part=self.channels > 1)

    def maps(self, numbers: tuple[int, ...]) -> FeatureMapsView:
        """Return feature maps of the layer as it gave them, beside its input."""
        image = self.recorded.images[self.sample].mean(axis=-1)
        every = self.recorded.outputs[self.sample]
        view = FeatureMapsView.from_arrays(every[:, :, list(numbers)], image)
        return replace(view, numbers=numbers, size=(1700.0, 560.0), among=every)

    @property
    def rim(self) -> bool:
        """Whether zeros were put around the input."""
        return self.view(self.best).image.shape != self.recorded.images.shape[1:3]


def tell_layer(
    trace: Trace, sample: int = 0, layer: str | None = None, filter: int | None = None, step: int | None = None
) -> Story:
    """Return the story of one kernel of a recorded convolution; see `vizkit.stories.convolution`."""
    run = LayerRun.of(trace, layer, step, sample, filter)
    beats = (*_opening(run), *_window(run), *_after(run))
    name = fitted(run.recorded.name, NAME_ROOM)
    return Story(
        name="convolution",
        title="Convolution",
        summary=f"Kernel {count(run.filter)} of the layer {name} on sample {count(sample)}, product by product.",
        beats=beats,
        poster="window",
    )


def _beat(name: str, place: str, view: View, caption: Words | str, focus: tuple[str, ...] = (), **rest: Any) -> Beat:
    keys = [mark.key for mark in view.picture.marks]
    lit = tuple(f"{PANEL}/{key}" for key in focus if fnmatch.filter(keys, key))
    said = words(caption) if isinstance(caption, str) else caption
    return Beat(name=name, place=place, board=board(**{PANEL: view}), caption=said, focus=lit, **rest)


def _opening(run: LayerRun) -> Iterator[Beat]:
    view, (high, wide) = run.view(run.best), run.recorded.images.shape[1:3]
    size = {"high": tally("high", high), "wide": tally("wide", wide)}
    channel = {"channel": tally("channel", run.channel), "channels": tally("channels", run.channels)}
    rim = " Around it stands a rim of zeros." if run.rim else ""
    said = (
        sentence("What comes in is a grid of {high} × {wide} numbers." + rim, **size)
        if run.channels == 1
        else sentence("What comes in are {channels} grids of {high} × {wide} numbers; here is number {channel}." + rim,
                      **size, **channel)
    )  # fmt: skip
    yield _beat("image", "the input", view, said, ("input", "input:*"))
    rows, columns = run.recorded.kernels.shape[:2]
    yield _beat(
        "kernel", "the kernel", view,
        sentence("The kernel has {rows} × {columns} weights. Where it fits the picture, the sum becomes large.",
                 rows=tally("rows", rows), columns=tally("columns", columns)),
        ("weight:*", "kernel:*"),
    )  # fmt: skip


def _place(place: tuple[int, int]) -> str:
    return f"window at row {count(place[0])}, column {count(place[1])}"


_LIST = ("pixel:*", "weight:*", "product:*", "sign:*", "kernel:*", "products:*", "times", "equals")
_HERE = ("input:window", "map:window", "reads")


def _window(run: LayerRun) -> Iterator[Beat]:
    view, place = run.view(run.best), _place(run.best)
    yield _beat(
        "window", place, view, "The kernel lies on the window where this kernel answers most strongly.",
        (*_HERE[:1], "reads", "pixel:*", "weight:*", "kernel:*"),
    )  # fmt: skip
    yield _beat(
        "products", place, view, "Each pixel is multiplied by the weight that lies on it.", (*_HERE[:1], *_LIST)
    )
    total = shown("sum", view.sum)
    what = "The products are added up" if run.channels == 1 else "The products of this channel are added up"
    yield _beat(
        "sum", place, view, sentence(what + ": {sum}.", sum=total),
        ("product:*", "products:*", "sum*", "others*", "adds*"),
    )  # fmt: skip
    more = "All channels' sums and the bias together are the kernel's answer." if run.channels > 1 else (
        "With the bias that is the kernel's answer.")  # fmt: skip
    yield _beat(
        "value", place, view, more, ("sum*", "bias*", "value*", "others*"), equation=_value(run, run.best),
    )  # fmt: skip
    if run.recorded.activation != "linear":
        yield _beat(
            "activation", place, view, "The activation bends it; that is what the layer gives here.",
            ("value*", *_HERE, "enters"), equation=_activated(run, run.best),
        )  # fmt: skip


def _least_said(run: LayerRun) -> str:
    (row, column), stride = run.least, run.recorded.stride
    total = run.parts[:, row, column].sum()
    if total < 0 and run.channels > 1:
        return "Here the kernel fits worst: all channels together go against it."
    if total < 0:
        return "Here the kernel fits worst: pixels and weights go against each other."
    rows, columns = run.recorded.kernels.shape[:2]
    planes = (run.recorded.plane(run.sample, channel, run.filter)[0] for channel in range(run.channels))
    window = np.s_[row * stride : row * stride + rows, column * stride : column * stride + columns]
    if not any(image[window].any() for image in planes):
        return "Here the kernel lies on nothing but zeros, and only its bias is left."
    return "Here the kernel answers least."


def _after(run: LayerRun) -> Iterator[Beat]:
    if run.least != run.best:
        yield _beat(
            "least", _place(run.least), run.view(run.least),
            _least_said(run),
            (*_HERE, *_LIST, "sum*", "others*"), equation=_value(run, run.least),
        )  # fmt: skip
    amount = tally("windows", run.sums.size)
    yield _beat(
        "map", "the feature map", run.maps((run.filter,)),
        sentence("From {windows} windows come the {windows} values of the kernel's feature map.", windows=amount),
    )  # fmt: skip
    filters = run.recorded.outputs.shape[3]
    if filters > 1:
        numbers = strongest(run.recorded.outputs[run.sample], MAPS)
        few = "" if filters <= MAPS else f"; here are the {count(MAPS)} strongest"
        yield _beat(
            "maps", "all kernels", run.maps(numbers),
            sentence("Each of the {filters} kernels of the layer gives a map of its own" + few + ".",
                     filters=tally("filters", filters)),
        )  # fmt: skip


def _value(run: LayerRun, place: tuple[int, int]) -> Equation:
    """Return the sum over the channels and the bias, with the part of the channel that is shown."""
    parts, found = run.parts[:, place[0], place[1]], result(shown("value", run.sums[place]), "output")
    bias = colored(shown("bias", run.bias), "bias")
    if len(parts) <= FEW:
        items: list = []
        for channel, part in enumerate(parts):
            items += [*(["+"] if items else []), colored(shown(f"part[{channel}]", part), "output")]
        return equation("z", "=", *items, "+", bias, "=", found)
    own = float(parts[run.channel])
    others = shown("others", float(parts.sum()) - own)
    rule = (Sum("c"), symbol("s_c"), "+", "b")
    return equation(
        "z", "=", *rule, "=", colored(shown("part", own), "output"), "+", signed(others), "+", bias, "=", found
    )


def _activated(run: LayerRun, place: tuple[int, int]) -> Equation:
    name = run.recorded.activation.replace("_", " ")
    inside = Function(name, Value(shown("value", run.sums[place])))
    return equation("a", "=", inside, "=", result(shown("active", run.output[place]), "activation"))
