"""The building blocks of networks, channels last, with Keras's names."""

from __future__ import annotations

from vizkit.nn.layers.base import Layer
from vizkit.nn.layers.convolution import Conv2D, MaxPooling2D
from vizkit.nn.layers.core import Activation, Dense, Dropout, Flatten, Input
from vizkit.nn.layers.variables import Variable

__all__ = [
    "Activation",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "Input",
    "Layer",
    "MaxPooling2D",
    "Variable",
]
