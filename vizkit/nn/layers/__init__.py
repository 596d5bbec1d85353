"""The building blocks of networks, channels last, with Keras's names."""

from __future__ import annotations

from vizkit.nn.layers.activation import ELU, LeakyReLU, ReLU, Softmax
from vizkit.nn.layers.base import Layer
from vizkit.nn.layers.convolution import Conv2D, MaxPooling2D
from vizkit.nn.layers.core import Activation, Dense, Dropout, Flatten, Input
from vizkit.nn.layers.merging import Add, Concatenate, Reshape
from vizkit.nn.layers.variables import Variable

__all__ = [
    "ELU",
    "Activation",
    "Add",
    "Concatenate",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "Input",
    "Layer",
    "LeakyReLU",
    "MaxPooling2D",
    "ReLU",
    "Reshape",
    "Softmax",
    "Variable",
]
