"""One vocabulary: what Keras calls a module of PyTorch, and the settings that it was made with.

A module of no known class keeps the name of its class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

__all__ = ["config_of", "kind_of"]

_ACTIVATIONS = {
    nn.ReLU: "relu", nn.ReLU6: "relu6", nn.Sigmoid: "sigmoid", nn.Tanh: "tanh", nn.Softplus: "softplus",
    nn.ELU: "elu", nn.SELU: "selu", nn.CELU: "celu", nn.GELU: "gelu", nn.SiLU: "silu", nn.Mish: "mish",
    nn.LeakyReLU: "leaky_relu", nn.Softmax: "softmax", nn.LogSoftmax: "log_softmax", nn.Softsign: "softsign",
    nn.Hardsigmoid: "hard_sigmoid", nn.Hardswish: "hard_silu", nn.Hardtanh: "hard_tanh", nn.Tanhshrink: "tanh_shrink",
    nn.LogSigmoid: "log_sigmoid", nn.Softshrink: "soft_shrink", nn.Hardshrink: "hard_shrink", nn.GLU: "glu",
}  # fmt: skip
_KINDS = {
    nn.Linear: "Dense", nn.Embedding: "Embedding", nn.Flatten: "Flatten", nn.Unflatten: "Reshape",
    nn.Conv1d: "Conv1D", nn.Conv2d: "Conv2D", nn.Conv3d: "Conv3D", nn.ConvTranspose1d: "Conv1DTranspose",
    nn.ConvTranspose2d: "Conv2DTranspose", nn.ConvTranspose3d: "Conv3DTranspose",
    nn.BatchNorm1d: "BatchNormalization", nn.BatchNorm2d: "BatchNormalization", nn.BatchNorm3d: "BatchNormalization",
    nn.SyncBatchNorm: "BatchNormalization", nn.LayerNorm: "LayerNormalization", nn.GroupNorm: "GroupNormalization",
    nn.RMSNorm: "RMSNormalization", nn.Dropout: "Dropout", nn.Dropout1d: "SpatialDropout1D",
    nn.Dropout2d: "SpatialDropout2D", nn.Dropout3d: "SpatialDropout3D", nn.AlphaDropout: "AlphaDropout",
    nn.MaxPool1d: "MaxPooling1D", nn.MaxPool2d: "MaxPooling2D", nn.MaxPool3d: "MaxPooling3D",
    nn.AvgPool1d: "AveragePooling1D", nn.AvgPool2d: "AveragePooling2D", nn.AvgPool3d: "AveragePooling3D",
    nn.RNN: "SimpleRNN", nn.LSTM: "LSTM", nn.GRU: "GRU", nn.MultiheadAttention: "MultiHeadAttention",
    nn.Upsample: "UpSampling2D", nn.ZeroPad2d: "ZeroPadding2D", nn.PReLU: "PReLU", nn.Identity: "Identity",
}  # fmt: skip
_GLOBAL_POOLS = {
    nn.AdaptiveAvgPool1d: "AveragePooling1D", nn.AdaptiveAvgPool2d: "AveragePooling2D",
    nn.AdaptiveAvgPool3d: "AveragePooling3D", nn.AdaptiveMaxPool1d: "MaxPooling1D",
    nn.AdaptiveMaxPool2d: "MaxPooling2D", nn.AdaptiveMaxPool3d: "MaxPooling3D",
}  # fmt: skip
# Which method says what a module computes, where it is not ``forward``: all convolutions share one below it.
_COMPUTES = ("forward", "_conv_forward")


def known_class(module: nn.Module) -> type[nn.Module]:
    """Return PyTorch's class for a module that computes what it computes, else the module's own.

    A lazy module is what it will become; a subclass that leaves the computation alone is what it derives from.
    """
    own = getattr(type(module), "cls_to_become", None) or type(module)
    for cls in own.__mro__:
        if cls in _KINDS or cls in _ACTIVATIONS or cls in _GLOBAL_POOLS:
            same = all(getattr(own, name, None) is getattr(cls, name, None) for name in _COMPUTES)
            return cls if same else own
    return own


def kind_of(module: nn.Module) -> str:
    """Return what a trace calls the module.

    Examples
    --------
    >>> [kind_of(module) for module in (nn.Linear(2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Bilinear(1, 1, 1))]
    ['Dense', 'Activation', 'GlobalAveragePooling2D', 'Bilinear']
    """
    cls = known_class(module)
    if cls in _ACTIVATIONS:
        return "Activation"
    if cls in _GLOBAL_POOLS:
        size = module.output_size
        whole = all(part == 1 for part in (size if isinstance(size, tuple) else (size,)))
        return f"Global{_GLOBAL_POOLS[cls]}" if whole else cls.__name__
    return _KINDS.get(cls, cls.__name__)


def config_of(module: nn.Module) -> dict[str, Any]:
    """Return what the module was made with, under Keras's names where it has them.

    Examples
    --------
    >>> config_of(nn.Conv2d(1, 4, 3, padding=1))["padding"], config_of(nn.Softplus())["activation"]
    ('same', 'softplus')
    """
    cls = known_class(module)
    plain = {key: value for key, value in vars(module).items() if key[0] != "_" and key not in _UNTOLD}
    plain = {key: value for key, value in plain.items() if isinstance(value, (bool, int, float, str, tuple))}
    if cls in _ACTIVATIONS:
        return {"activation": _ACTIVATIONS[cls], **plain}
    settings = next((make for base, make in _SETTINGS.items() if issubclass(cls, base)), None)
    return plain if settings is None else settings(module)


def _conv(module: Any) -> dict[str, Any]:
    return {
        "filters": module.out_channels,
        "kernel_size": module.kernel_size,
        "strides": module.stride,
        "padding": _padding(module),
        "dilation_rate": module.dilation,
        "groups": module.groups,
        "use_bias": module.bias is not None,
    }


def _padding(module: Any) -> Any:
    """Return ``"valid"``, ``"same"`` where Keras means the same numbers by it, else the numbers before and behind."""
    given = module.padding
    if isinstance(given, str):
        return given
    windows = zip(given, module.kernel_size, module.dilation, module.stride, strict=True)
    if not any(given):
        return "valid"
    same = all(2 * pad == dilation * (size - 1) and stride == 1 for pad, size, dilation, stride in windows)
    zeros = module.padding_mode == "zeros" and not module.transposed
    return "same" if same and zeros else [[pad, pad] for pad in given]


def _pool(module: Any) -> dict[str, Any]:
    padding = module.padding
    return {
        "pool_size": module.kernel_size,
        "strides": module.stride,
        "padding": padding if padding not in (0, (0, 0), (0, 0, 0)) else "valid",
    }


def _recurrent(module: nn.RNNBase) -> dict[str, Any]:
    return {
        "units": module.hidden_size,
        "return_sequences": True,
        "layers": module.num_layers,
        "bidirectional": module.bidirectional,
        "dropout": module.dropout,
        "use_bias": module.bias,
        "activation": getattr(module, "nonlinearity", "tanh"),
    }


def _batch_norm(module: Any) -> dict[str, Any]:
    momentum = None if module.momentum is None else 1 - module.momentum  # Keras's is the share that stays
    return {"epsilon": module.eps, "momentum": momentum, "center": module.affine, "scale": module.affine}


_UNTOLD = {"training", "inplace", "call_super_init", "dump_patches"}
_SETTINGS: dict[type, Callable[[Any], dict[str, Any]]] = {
    nn.Linear: lambda m: {"units": m.out_features, "use_bias": m.bias is not None},
    nn.modules.conv._ConvNd: _conv,
    nn.modules.batchnorm._NormBase: _batch_norm,
    nn.LayerNorm: lambda m: {"epsilon": m.eps, "normalized_shape": m.normalized_shape},
    nn.modules.dropout._DropoutNd: lambda m: {"rate": m.p},
    nn.modules.pooling._MaxPoolNd: _pool,
    nn.modules.pooling._AvgPoolNd: _pool,
    nn.Embedding: lambda m: {"input_dim": m.num_embeddings, "output_dim": m.embedding_dim},
    nn.RNNBase: _recurrent,
    nn.MultiheadAttention: lambda m: {"num_heads": m.num_heads, "key_dim": m.head_dim, "dropout": m.dropout},
}
