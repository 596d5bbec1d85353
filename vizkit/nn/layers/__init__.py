"""The building blocks of networks, channels last, with Keras's names."""

from __future__ import annotations

from vizkit.nn.layers.activation import ELU, LeakyReLU, ReLU, Softmax
from vizkit.nn.layers.attention import MultiHeadAttention
from vizkit.nn.layers.base import Layer
from vizkit.nn.layers.convolution import Conv2D, Conv2DTranspose
from vizkit.nn.layers.core import Activation, Dense, Dropout, Flatten, Input
from vizkit.nn.layers.embedding import Embedding
from vizkit.nn.layers.merging import Add, Concatenate, Reshape
from vizkit.nn.layers.normalization import BatchNormalization, LayerNormalization
from vizkit.nn.layers.pooling import AveragePooling2D, GlobalAveragePooling1D, GlobalAveragePooling2D, MaxPooling2D
from vizkit.nn.layers.recurrent import GRU, LSTM, SimpleRNN
from vizkit.nn.layers.variables import Variable

MaxPool2D, AveragePool2D, AvgPool2D = MaxPooling2D, AveragePooling2D, AveragePooling2D  # Keras's short names
GlobalAvgPool2D = GlobalAveragePooling2D

__all__ = [
    "ELU", "GRU", "LSTM", "Activation", "Add", "AveragePooling2D", "BatchNormalization", "Concatenate", "Conv2D",
    "Conv2DTranspose", "Dense", "Dropout", "Embedding", "Flatten", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
    "Input", "Layer", "LayerNormalization", "LeakyReLU", "MaxPooling2D", "MultiHeadAttention", "ReLU", "Reshape",
    "SimpleRNN", "Softmax", "Variable",
]  # fmt: skip
