"""Tensors as arrays: found in whatever a module takes and returns, and brought to channels last."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from vizkit.adapters._axes import Axes, ordered, to_last

__all__ = ["NARROW", "Layouts", "array", "replaced", "tensors_in"]

NARROW = (torch.bfloat16, torch.float16)  # types that a trace holds as float32

# Modules whose arrays have the channels before the last n axes; 0: all after the channels.
_CHANNELS_FIRST: dict[type, int] = {
    **dict.fromkeys((nn.Conv1d, nn.ConvTranspose1d, nn.MaxPool1d, nn.AvgPool1d, nn.BatchNorm1d), 1),
    **dict.fromkeys((nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d, nn.InstanceNorm1d, nn.Dropout1d, nn.LPPool1d), 1),
    **dict.fromkeys((nn.Conv2d, nn.ConvTranspose2d, nn.MaxPool2d, nn.AvgPool2d, nn.BatchNorm2d), 2),
    **dict.fromkeys((nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.InstanceNorm2d, nn.Dropout2d, nn.LPPool2d), 2),
    **dict.fromkeys((nn.ZeroPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d, nn.PixelShuffle), 2),
    **dict.fromkeys((nn.Conv3d, nn.ConvTranspose3d, nn.MaxPool3d, nn.AvgPool3d, nn.BatchNorm3d), 3),
    **dict.fromkeys((nn.AdaptiveAvgPool3d, nn.AdaptiveMaxPool3d, nn.InstanceNorm3d, nn.Dropout3d), 3),
    **dict.fromkeys((nn.GroupNorm, nn.Upsample, nn.SyncBatchNorm), 0),
}
_CHANNELS_LAST = (nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.Embedding)
_TIME_FIRST = (nn.RNNBase, nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)


def array(tensor: Tensor, axes: Axes = None) -> NDArray[Any]:
    """Return a tensor's numbers as an array of shape (...), on this machine, its axes in another order.

    The array may share the tensor's memory. Types that NumPy lacks become float32; so does half precision.

    Examples
    --------
    >>> array(torch.ones(1, 3, 2, 2, dtype=torch.bfloat16), (0, 2, 3, 1)).shape
    (1, 2, 2, 3)
    """
    plain = tensor.detach()
    if plain.layout != torch.strided:
        plain = plain.to_dense()
    if plain.dtype in NARROW:
        plain = plain.float()
    return ordered(plain.resolve_conj().resolve_neg().cpu().numpy(), axes)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in tuples, lists, mappings and data classes, in their order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors_in(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors_in(part)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for entry in dataclasses.fields(value):
            yield from tensors_in(getattr(value, entry.name))


def replaced(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return the same tuples, lists and dicts with each tensor changed; what else there is stays as it is."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, tuple) and hasattr(value, "_fields") and not isinstance(value, PackedSequence):
        return type(value)(*(replaced(part, change) for part in value))
    if type(value) in (tuple, list):
        return type(value)(replaced(part, change) for part in value)
    if type(value) is dict:
        return {key: replaced(part, change) for key, part in value.items()}
    return value


class Layouts:
    """Knows in which order the axes of a model's tensors stand.

    Modules for images and sequences say it of themselves. Of what comes between or after them, such as an
    activation, it is told by a tensor of the same shape that such a module took or gave.

    Parameters
    ----------
    model
        Its modules say how many channels an image that comes in has.
    """

    def __init__(self, model: nn.Module) -> None:
        self._seen: dict[tuple[int, ...], Axes] = {}  # shape of a sample -> order of its axes, the batch included
        self._times: set[tuple[int, ...]] = set()  # (times, samples) of sequences in this call of the model
        self._channels = set()
        for module in model.modules():
            space = _space(module)
            count = getattr(module, "in_channels", getattr(module, "num_features", None))
            if space and count:
                self._channels.add((space + 2, count))

    def begin(self, tensors: Iterator[Tensor]) -> None:
        """Take note of a call of the model, and of the tensors that enter it."""
        self._times.clear()
        for tensor in tensors:
            self._comes_in(tensor)

    def _comes_in(self, tensor: Tensor) -> None:
        if tensor.ndim > 3 and (tensor.ndim, tensor.shape[1]) in self._channels:
            self._seen.setdefault(tuple(tensor.shape[1:]), to_last(tensor.ndim, tensor.ndim - 2))

    def axes(self, module: nn.Module, tensor: Tensor, position: int) -> Axes:
        """Return the order in which a trace holds the axes of a module's input or output at a position."""
        ndim, space = tensor.ndim, _space(module)
        if isinstance(module, _TIME_FIRST):
            return self._axes_of_sequence(module, tensor, position)
        if space is None and ndim == 3 and tuple(tensor.shape[:2]) in self._times:
            return 1, 0, 2
        known = isinstance(module, _CHANNELS_LAST)
        if space is None and not known:
            return self._seen.get(tuple(tensor.shape[1:]))
        axes = None if known or (ndim == 2 and _is_normalization(module)) else to_last(ndim, space or ndim - 2)
        if ndim > 2:
            self._seen[tuple(tensor.shape[1:])] = axes
        return axes

    def _axes_of_sequence(self, module: nn.Module, tensor: Tensor, position: int) -> Axes:
        states = position > 0 and isinstance(module, nn.RNNBase)  # they stand layer by layer
        if tensor.ndim != 3 or (_batch_first(module) and not states):
            return None
        if not states:
            self._times.add(tuple(tensor.shape[:2]))
        return 1, 0, 2


def _space(module: nn.Module) -> int | None:
    """Return the number of axes after the channels, 0 where it follows from the input; None: it does not say."""
    for cls in type(module).__mro__:
        if cls in _CHANNELS_FIRST:
            return _CHANNELS_FIRST[cls]
    return None


def _batch_first(module: nn.Module) -> bool:
    return bool(getattr(getattr(module, "self_attn", module), "batch_first", False))


def _is_normalization(module: nn.Module) -> bool:
    return isinstance(module, (nn.BatchNorm1d, nn.SyncBatchNorm))
