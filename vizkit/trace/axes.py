"""Arrays with named axes, and which names the arrays of a trace have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import unknown_name
from vizkit.trace.events import Node

__all__ = ["NamedArray", "axis_names"]

_INPUTS = ("inputs", "input_gradients")
_OUTPUTS = ("output", "output_gradient", "prediction", "target")
# The axes after the batch, by their number; "units" is called "features" where it goes into a layer.
_AFTER_BATCH = {
    0: (),
    1: ("units",),
    2: ("time", "units"),
    3: ("height", "width", "channels"),
    4: ("depth", "height", "width", "channels"),
}
_KERNEL = {
    2: ("features", "units"),
    3: ("time", "channels", "filters"),
    4: ("height", "width", "channels", "filters"),
    5: ("depth", "height", "width", "channels", "filters"),
}
# Of any layer: name of the parameter and number of its axes.
_PARAMETERS = {
    **{(name, 1): ("features",) for name in ("gamma", "beta", "moving_mean", "moving_variance")},
    ("embeddings", 2): ("words", "units"),
    ("recurrent_kernel", 2): ("units", "sums"),
    ("recurrent_bias", 1): ("sums",),
}
# Where a kind of layer differs from the rest: kind, parameter or "inputs" or "output", number of axes.
_BY_KIND = {
    ("Conv2DTranspose", "kernel", 4): ("height", "width", "filters", "channels"),
    ("Embedding", "inputs", 2): ("batch", "time"),
    **{(kind, "kernel", 2): ("features", "sums") for kind in ("SimpleRNN", "GRU", "LSTM")},
    **{(kind, "bias", 1): ("sums",) for kind in ("SimpleRNN", "GRU", "LSTM")},
    ("GRU", "bias", 2): ("origin", "sums"),
    ("HeadSplit", "kernel", 3): ("features", "heads", "units"),
    ("HeadSplit", "bias", 2): ("heads", "units"),
    ("HeadSplit", "output", 4): ("batch", "time", "heads", "units"),
    ("HeadMerge", "kernel", 3): ("heads", "units", "features"),
    ("HeadMerge", "bias", 1): ("features",),
    ("HeadMerge", "inputs", 4): ("batch", "time", "heads", "units"),
}


@dataclass(frozen=True, slots=True, eq=False)
class NamedArray:
    """An array that knows what its axes are.

    Parameters
    ----------
    values
        The array, read-only.
    axes
        One name for each axis.
    steps
        The training steps along the axis ``"step"``; empty when there is no such axis.

    Examples
    --------
    >>> import numpy as np
    >>> stacked = NamedArray(np.zeros((3, 8, 2)), ("step", "batch", "units"), (0, 10, 20))
    >>> stacked.axis("units"), stacked.size("batch")
    (2, 8)
    """

    values: NDArray[Any]
    axes: tuple[str, ...]
    steps: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self.values.shape

    def axis(self, name: str) -> int:
        """Return the number of the axis of this name."""
        if name not in self.axes:
            raise unknown_name("axis", name, self.axes)
        return self.axes.index(name)

    def size(self, name: str) -> int:
        """Return the length of the axis of this name."""
        return self.values.shape[self.axis(name)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.values, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {size}" for name, size in zip(self.axes, self.values.shape, strict=True))
        return f"<NamedArray ({sizes}) {self.values.dtype}>"


def axis_names(node: Node, quantity: str, item: int | str | None, ndim: int) -> tuple[str, ...]:
    """Return the names of the axes of an event's array of shape (...), as ``schema.md`` fixes them.

    Parameters
    ----------
    node
        Where the array comes from.
    quantity
        The event's field, for example ``"output"`` or ``"parameters"``.
    item
        Which one of the field's arrays; for a parameter, its name.
    ndim
        The number of its axes.

    Examples
    --------
    >>> axis_names(Node(0, "conv", "Conv2D"), "output", None, 4)
    ('batch', 'height', 'width', 'channels')
    >>> axis_names(Node(0, "conv", "Conv2D"), "parameters", "kernel", 4)
    ('height', 'width', 'channels', 'filters')
    """
    names = _names(node, quantity, item, ndim)
    return tuple(names) if names is not None and len(names) == ndim else tuple(f"axis_{i}" for i in range(ndim))


def _names(node: Node, quantity: str, item: int | str | None, ndim: int) -> Sequence[str] | None:
    if node.level == "op":
        return None  # an operation's arrays need not begin with the batch
    if quantity == "samples":
        return ("batch",)
    what = "inputs" if quantity in _INPUTS else "output" if quantity in _OUTPUTS else item
    if (node.kind, what, ndim) in _BY_KIND:
        return _BY_KIND[node.kind, what, ndim]
    if quantity in _INPUTS or quantity in _OUTPUTS:
        after = _AFTER_BATCH.get(ndim - 1, ("?",))
        after = tuple("features" if name == "units" else name for name in after) if quantity in _INPUTS else after
        return ("batch", *after)
    if item == "kernel":
        return _KERNEL.get(ndim)
    if item == "bias":
        return ("filters",) if node.kind.startswith("Conv") else ("units",)
    return _PARAMETERS.get((item, ndim))
