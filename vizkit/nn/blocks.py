"""Layers made of layers: what one more bypass, or one more look around, is built from.

They are examples. A composite layer has other layers as attributes, and its ``call`` calls them; their weights,
their names in a trace and the training flag follow by themselves.
"""

from __future__ import annotations

from typing import Any

from vizkit.nn.activations import relu
from vizkit.nn.layers import Add, BatchNormalization, Conv2D, Dense, Dropout, Layer, LayerNormalization
from vizkit.nn.layers.attention import MultiHeadAttention
from vizkit.nn.layers.convolution import pair

__all__ = ["ResidualBlock", "TransformerBlock"]


class ResidualBlock(Layer):
    """Two convolutions and a way around them (He et al. 2016): they learn only what is to be changed.

    Input of shape (batch, height, width, channels), output of shape (batch, rows, columns, filters).

    Parameters
    ----------
    filters
        How many feature maps.
    kernel_size
        Of both convolutions.
    strides
        Of the first convolution, and of the way around where it has to shrink as well.

    Examples
    --------
    >>> import numpy as np
    >>> ResidualBlock(8, strides=2)(np.zeros((1, 6, 6, 3))).shape
    (1, 3, 3, 8)
    """

    def __init__(self, filters: int, kernel_size: Any = 3, strides: Any = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size, self.strides = pair("kernel_size", kernel_size), pair("strides", strides)
        self.first = Conv2D(filters, kernel_size, strides, "same", use_bias=False)
        self.first_norm = BatchNormalization()
        self.second = Conv2D(filters, kernel_size, padding="same", use_bias=False)
        self.second_norm = BatchNormalization()
        self.add = Add()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Put a convolution into the way around where the shape changes: (batch, height, width, channels)."""
        if input_shape[-1] != self.filters or self.strides != (1, 1):
            self.shortcut = Conv2D(self.filters, 1, self.strides, use_bias=False)

    def call(self, inputs: Any) -> Any:
        """Return the sum of both ways, bent, of shape (batch, rows, columns, filters)."""
        bypass = self.shortcut(inputs) if hasattr(self, "shortcut") else inputs
        x = relu(self.first_norm(self.first(inputs)))
        x = self.second_norm(self.second(x))
        return relu(self.add([x, bypass]))


class TransformerBlock(Layer):
    """Attention, then two dense layers for each place, each with a way around it (Vaswani et al. 2017).

    Input and output of shape (batch, time, features).

    Parameters
    ----------
    num_heads
        How many heads look around.
    key_dim
        Numbers in a question of a head.
    ff_dim
        Units of the first dense layer.
    rate
        Dropped of each part while training.
    causal
        Whether a place sees only what came before it.

    Examples
    --------
    >>> import numpy as np
    >>> TransformerBlock(2, 4, 16)(np.zeros((1, 5, 8))).shape
    (1, 5, 8)
    """

    casts_integers = True

    def __init__(
        self, num_heads: int, key_dim: int, ff_dim: int, rate: float = 0.1, causal: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads, self.key_dim, self.ff_dim, self.rate, self.causal = num_heads, key_dim, ff_dim, rate, causal
        self.attention = MultiHeadAttention(num_heads, key_dim)
        self.widen = Dense(ff_dim, "relu")
        self.first_dropout, self.second_dropout = Dropout(rate), Dropout(rate)
        self.first_norm, self.second_norm = LayerNormalization(epsilon=1e-6), LayerNormalization(epsilon=1e-6)
        self.first_add, self.second_add = Add(), Add()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Give the second dense layer as many units as a place has features: (batch, time, features)."""
        self.narrow = Dense(input_shape[-1])

    def call(self, inputs: Any) -> Any:
        """Return the sequence after one more look around, of shape (batch, time, features)."""
        seen = self.attention(inputs, inputs, use_causal_mask=self.causal)
        x = self.first_norm(self.first_add([inputs, self.first_dropout(seen)]))
        thought = self.narrow(self.widen(x))
        return self.second_norm(self.second_add([x, self.second_dropout(thought)]))
