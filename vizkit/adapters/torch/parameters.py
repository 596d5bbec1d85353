"""What a module owns, under Keras's names and in Keras's order of axes.

A trace's parameter is made of one or several of PyTorch's. The way there is linear, so the same function
brings gradients over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from vizkit.adapters.torch.tensors import array

__all__ = ["Parameter", "parameters_of"]


def _same(values: NDArray[Any]) -> NDArray[Any]:
    return values


@dataclass(frozen=True)
class Parameter:
    """One parameter as a trace names it.

    Parameters
    ----------
    name
        Its name in the trace.
    sources
        The attributes of the module that it is made of, such as ``"weight"`` or ``"out_proj.weight"``.
    make
        Turns their arrays into the trace's.
    """

    name: str
    sources: tuple[str, ...]
    make: Callable[..., NDArray[Any]] = _same

    def tensors(self, module: nn.Module) -> list[Tensor]:
        """Return PyTorch's tensors that it is made of."""
        return [
            reduce(getattr, source.split("."), module) if "." in source else getattr(module, source)
            for source in self.sources
        ]

    def value(self, module: nn.Module) -> NDArray[Any]:
        """Return the parameter's numbers as they are now, perhaps sharing the module's memory."""
        return self.make(*(array(tensor) for tensor in self.tensors(module)))

    def gradient(self, module: nn.Module, gradients: Mapping[int, Any]) -> NDArray[Any] | None:
        """Return its gradient made of those of PyTorch's, found by their id; None where there is none."""
        tensors = self.tensors(module)
        found = [gradients.get(id(tensor)) for tensor in tensors]
        if all(gradient is None for gradient in found):
            return None
        pairs = zip(found, tensors, strict=True)
        return self.make(*(np.zeros_like(array(tensor)) if given is None else given for given, tensor in pairs))


def parameters_of(module: nn.Module) -> tuple[Parameter, ...]:
    """Return the parameters of a module without those of the modules inside it.

    What is not known by name keeps PyTorch's name and order of axes.

    Examples
    --------
    >>> [parameter.name for parameter in parameters_of(nn.BatchNorm2d(3))]
    ['gamma', 'beta', 'moving_mean', 'moving_variance']
    >>> parameters_of(nn.Linear(5, 2))[0].value(nn.Linear(5, 2)).shape
    (5, 2)
    """
    if isinstance(module, nn.MultiheadAttention):
        return tuple(_attention(module))
    if isinstance(module, nn.RNNBase):
        return tuple(_recurrent(module))
    known = next((names for cls, names in _KNOWN.items() if isinstance(module, cls)), {})
    own = _own(module)
    named = [Parameter(name, (source,), make) for source, (name, make) in known.items() if source in own]
    return (*named, *(Parameter(source, (source,)) for source in own if source not in known))


def _own(module: nn.Module) -> dict[str, Tensor]:
    """Return the parameters, and the buffers of floating point that are saved with the model."""
    own: dict[str, Tensor] = dict(module.named_parameters(recurse=False))
    saved = module.state_dict()
    own |= {name: b for name, b in module.named_buffers(recurse=False) if name in saved and b.is_floating_point()}
    return {name: tensor for name, tensor in own.items() if not is_lazy(tensor)}


def _kernel(values: NDArray[Any]) -> NDArray[Any]:
    """(filters, channels, height, width) to (height, width, channels, filters); a transposed one's likewise."""
    return values.transpose(*range(2, values.ndim), 1, 0)


_SCALES = {"weight": ("gamma", _same), "bias": ("beta", _same)}
_MOVING = {"running_mean": ("moving_mean", _same), "running_var": ("moving_variance", _same)}
_KNOWN: dict[Any, Mapping[str, tuple[str, Callable[..., NDArray[Any]]]]] = {
    nn.Linear: {"weight": ("kernel", np.transpose), "bias": ("bias", _same)},
    nn.modules.conv._ConvNd: {"weight": ("kernel", _kernel), "bias": ("bias", _same)},
    nn.modules.batchnorm._NormBase: {**_SCALES, **_MOVING},
    nn.LayerNorm: _SCALES,
    nn.GroupNorm: _SCALES,
    nn.RMSNorm: {"weight": ("scale", _same)},
    nn.Embedding: {"weight": ("embeddings", _same)},
    nn.PReLU: {"weight": ("alpha", _same)},
}


def _gates(order: tuple[int, ...], values: NDArray[Any]) -> NDArray[Any]:
    """Transpose to (features, sums), the gates in another order."""
    blocks = np.split(values, len(order))
    return np.concatenate([blocks[gate] for gate in order]).T if len(order) > 1 else values.T


def _two_biases(order: tuple[int, ...], inputs: NDArray[Any], recurrent: NDArray[Any]) -> NDArray[Any]:
    return np.stack([_gates(order, inputs), _gates(order, recurrent)])


def _recurrent(module: nn.RNNBase) -> list[Parameter]:
    """An LSTM's gates stand in Keras's order already; a GRU's are reset, update, new and become update, reset, new.

    A GRU's two biases are one of two rows, as Keras has them. Keras adds the two of the others up and trains
    their sum; PyTorch trains both, so they stay two.
    """
    order = {"LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2)}.get(module.mode, (0,))
    make = partial(_gates, order) if module.mode == "GRU" else np.transpose
    found = []
    for layer in range(module.num_layers):
        for reverse in range(1 + module.bidirectional):
            before = (f"layer_{layer}/" if layer else "") + ("reverse/" if reverse else "")
            end = f"l{layer}" + ("_reverse" if reverse else "")
            found += [
                Parameter(f"{before}kernel", (f"weight_ih_{end}",), make),
                Parameter(f"{before}recurrent_kernel", (f"weight_hh_{end}",), make),
            ]
            biases = (f"bias_ih_{end}", f"bias_hh_{end}")
            if module.bias and module.mode == "GRU":
                found.append(Parameter(f"{before}bias", biases, partial(_two_biases, order)))
            elif module.bias:
                found += [Parameter(f"{before}bias", biases[:1]), Parameter(f"{before}recurrent_bias", biases[1:])]
            if module.proj_size:
                found.append(Parameter(f"{before}projection", (f"weight_hr_{end}",), np.transpose))
    return found


def _head_kernel(part: int, heads: int, values: NDArray[Any]) -> NDArray[Any]:
    """One of three stacked (units, features) to (features, heads, units of a head); part < 0: they are not stacked."""
    rows = values if part < 0 else np.split(values, 3)[part]
    return rows.T.reshape(values.shape[1], heads, -1)


def _head_bias(part: int, heads: int, values: NDArray[Any]) -> NDArray[Any]:
    return np.split(values, 3)[part].reshape(heads, -1)


def _merge_kernel(heads: int, values: NDArray[Any]) -> NDArray[Any]:
    return values.T.reshape(heads, -1, values.shape[0])


def _attention(module: nn.MultiheadAttention) -> list[Parameter]:
    """What PyTorch keeps stacked becomes the kernels of query, key, value and attention output."""
    heads, found = module.num_heads, []
    for part, name in enumerate(("query", "key", "value")):
        if module.in_proj_weight is not None:
            stacked = Parameter(f"{name}/kernel", ("in_proj_weight",), partial(_head_kernel, part, heads))
        else:
            stacked = Parameter(f"{name}/kernel", (f"{name[0]}_proj_weight",), partial(_head_kernel, -1, heads))
        found.append(stacked)
        if module.in_proj_bias is not None:
            found.append(Parameter(f"{name}/bias", ("in_proj_bias",), partial(_head_bias, part, heads)))
    found.append(Parameter("attention_output/kernel", ("out_proj.weight",), partial(_merge_kernel, heads)))
    if module.out_proj.bias is not None:
        found.append(Parameter("attention_output/bias", ("out_proj.bias",)))
    if module.bias_k is not None:
        found += [Parameter("bias_k", ("bias_k",)), Parameter("bias_v", ("bias_v",))]
    return found
