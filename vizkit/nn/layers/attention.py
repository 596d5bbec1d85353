"""Attention: each place of a sequence asks all places, and takes from those that answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.checks import whole
from vizkit.nn import activations
from vizkit.nn.layers.activation import masked_softmax
from vizkit.nn.layers.base import Layer
from vizkit.nn.layers.core import Dropout
from vizkit.nn.layers.weighing import Weighing

__all__ = ["HeadMerge", "HeadSplit", "MultiHeadAttention"]


class HeadSplit(Weighing):
    """A dense layer whose units stand in heads: what each head asks, answers to, or says.

    Input of shape (batch, time, features), output of shape (batch, time, heads, units).

    Parameters
    ----------
    heads, units
        How many heads; how many units each has.
    **options
        As in `Weighing`.

    Examples
    --------
    >>> HeadSplit(2, 4)(np.zeros((1, 5, 3))).shape
    (1, 5, 2, 4)
    """

    def __init__(self, heads: int, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.heads, self.units = heads, units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the kernel, of shape (features, heads, units), and the bias, of shape (heads, units)."""
        self.add_kernel((input_shape[-1], self.heads, self.units))
        self.add_bias((self.heads, self.units))

    def call(self, inputs: Any) -> Any:
        """Return what each head makes of each place, of shape (batch, time, heads, units)."""
        if inputs.shape[-1] != self.kernel.shape[0]:
            raise self._refuse(f"has a kernel of shape {self.kernel.shape}", inputs)
        flat = np.matmul(inputs, np.reshape(self.kernel, (self.kernel.shape[0], -1)))
        return self.with_bias(np.reshape(flat, (*inputs.shape[:2], self.heads, self.units)))


class HeadMerge(Weighing):
    """A dense layer that brings the heads of a place together.

    Input of shape (batch, time, heads, units), output of shape (batch, time, features).

    Parameters
    ----------
    features
        How many features come out.
    **options
        As in `Weighing`.

    Examples
    --------
    >>> HeadMerge(3)(np.zeros((1, 5, 2, 4))).shape
    (1, 5, 3)
    """

    def __init__(self, features: int, **options: Any) -> None:
        super().__init__(**options)
        self.features = features

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the kernel, of shape (heads, units, features), and the bias, of shape (features,)."""
        self.add_kernel((*input_shape[-2:], self.features))
        self.add_bias((self.features,))

    def call(self, inputs: Any) -> Any:
        """Return the places' features, of shape (batch, time, features)."""
        wide = inputs.shape[2] * inputs.shape[3]
        flat = np.reshape(inputs, (*inputs.shape[:2], wide))
        return self.with_bias(np.matmul(flat, np.reshape(self.kernel, (wide, self.features))))


class MultiHeadAttention(Layer):
    """Each place asks all places of another sequence, or of its own, in several ways at once (Vaswani et al. 2017).

    Called as ``layer(query, value)`` or ``layer(query, value, key)``, all of shape (batch, time, features); the
    output has the shape of the query. Its parts are layers themselves: ``query``, ``key``, ``value``
    and ``attention_output``.

    Parameters
    ----------
    num_heads
        How many ways of asking.
    key_dim
        How many numbers a question and the key that it meets have in each head.
    value_dim
        How many numbers a head takes from a place; `key_dim` when ``None``.
    dropout
        Share of the attention that is dropped while training.
    use_bias
        Whether the dense parts have biases.
    output_shape
        Features of the output; those of the query when ``None``.
    kernel_initializer, bias_initializer
        How their weights begin.
    seed
        For the same dropout at every run.

    Examples
    --------
    >>> layer = MultiHeadAttention(2, 4)
    >>> x = np.ones((1, 5, 8))
    >>> layer(x, x).shape
    (1, 5, 8)
    >>> _, scores = layer(x, x, use_causal_mask=True, return_attention_scores=True)
    >>> scores[0, 0, 1].tolist()
    [0.5, 0.5, 0.0, 0.0, 0.0]
    """

    casts_integers = True

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads, self.key_dim = whole("num_heads", num_heads), whole("key_dim", key_dim)
        self.value_dim = self.key_dim if value_dim is None else whole("value_dim", value_dim)
        self.dropout, self.use_bias, self.seed = dropout, use_bias, seed
        self.features = None if output_shape is None else whole("output_shape", output_shape)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        shared = dict(use_bias=use_bias, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer)
        self.query = HeadSplit(self.num_heads, self.key_dim, **shared)
        self.key = HeadSplit(self.num_heads, self.key_dim, **shared)
        self.value = HeadSplit(self.num_heads, self.value_dim, **shared)
        self.attention_output = HeadMerge(self.features or 1, **shared)
        self.attention_dropout = Dropout(dropout, seed=seed)

    def config(self) -> dict[str, Any]:
        """Return what the layer was made with, as text, numbers and lists."""
        return super().config() | {"output_shape": self.features}

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Give the output the features of the query, of shape (batch, time, features)."""
        if self.features is None:
            self.attention_output.features = input_shape[-1]

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """Return what each place of the query takes, of shape (batch, time, features).

        `attention_mask`, which broadcasts to (batch, time, places), is true where a place may be looked at;
        `use_causal_mask` hides what comes later. With `return_attention_scores` a list: the output, and how
        much of each place is taken, of shape (batch, heads, time, places).
        """
        key = value if key is None else key
        self._check(query, value, key)
        questions, keys, values = (
            np.transpose(part, (0, 2, 1, 3)) for part in (self.query(query), self.key(key), self.value(value))
        )
        scores = np.matmul(questions * (1 / self.key_dim**0.5), np.swapaxes(keys, -1, -2))
        shares = self._shares(scores, attention_mask, use_causal_mask)
        taken = np.matmul(self.attention_dropout(shares), values)
        output = self.attention_output(np.transpose(taken, (0, 2, 1, 3)))
        return [output, shares] if return_attention_scores else output

    def _shares(self, scores: Any, mask: Any, causal: bool) -> Any:
        """Return the softmax of the scores over the places that may be looked at, of their shape."""
        seen = self._mask_for(scores, mask)
        if causal:
            times = np.arange(scores.shape[2])[:, None] >= np.arange(scores.shape[3])
            seen = times if seen is None else seen & times
        return activations.softmax(scores) if seen is None else masked_softmax(scores, seen)

    def _mask_for(self, scores: Any, mask: Any) -> Any:
        if mask is None:
            return None
        mask = np.asarray(mask).astype(bool)
        mask = mask[:, None] if mask.ndim == 3 else mask  # the same for all heads
        try:
            return np.broadcast_to(mask, scores.shape)
        except ValueError:
            rule = f"needs an attention_mask for scores of shape (batch, heads, time, places) = {scores.shape}"
            raise self._refuse(rule, mask) from None

    def _check(self, query: Any, value: Any, key: Any) -> None:
        shapes = [np.shape(part) for part in (query, value, key)]
        fits = all(len(shape) == 3 for shape in shapes) and len({shape[0] for shape in shapes}) == 1
        if not fits or shapes[1][1] != shapes[2][1] or shapes[1][1] == 0:
            rule = "needs query, value and key of shape (batch, time, features), value and key for as many places"
            raise self._refuse(rule, *shapes)
