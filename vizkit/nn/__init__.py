"""The network: layers, losses, optimizers and training.

The interface is Keras's: ``nn.Sequential([...])``, ``compile``, ``fit``, ``evaluate``, ``predict``.
"""

from __future__ import annotations

import sys

from vizkit import autodiff, data
from vizkit.nn import (
    activations,
    blocks,
    callbacks,
    initializers,
    layers,
    losses,
    metrics,
    models,
    networks,
    ops,
    optimizers,
    regularizers,
    utils,
)
from vizkit.nn.callbacks import Callback, History
from vizkit.nn.layers import Input, Layer, Variable
from vizkit.nn.model import Model
from vizkit.nn.probe import loss_curve, replay
from vizkit.nn.saving import load_model
from vizkit.nn.seeds import set_random_seed
from vizkit.nn.sequential import Sequential

__all__ = [
    "Callback", "History", "Input", "Layer", "Model", "Sequential", "Variable", "activations", "autodiff", "blocks",
    "callbacks", "data", "initializers", "layers", "load_model", "loss_curve", "losses", "metrics", "models",
    "networks", "ops", "optimizers", "regularizers", "replay", "set_random_seed", "utils",
]  # fmt: skip

# The data stand beside the network, and have a name inside it too: `from vizkit.nn.data import digits`.
sys.modules[f"{__name__}.data"] = data
