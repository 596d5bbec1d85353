"""What all layers with a kernel and a bias share: how these begin, what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vizkit.nn import regularizers
from vizkit.nn.layers.base import Layer

__all__ = ["Weighing"]


class Weighing(Layer):
    """A layer that weighs its inputs with a kernel and adds a bias.

    A subclass calls `add_kernel` and `add_bias` in its ``build`` and `with_bias` in its ``call``.

    Parameters
    ----------
    use_bias
        Whether a bias is added.
    kernel_initializer, bias_initializer
        How the weights begin.
    kernel_regularizer, bias_regularizer
        What large weights cost, by name or as a regularizer; nothing when ``None``.
    """

    casts_integers = True

    def __init__(
        self,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.use_bias = use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)

    def add_kernel(self, shape: Sequence[int]) -> None:
        """Make the kernel."""
        initial, cost = self.kernel_initializer, self.kernel_regularizer
        self.kernel = self.add_weight(shape, initial, name="kernel", regularizer=cost)

    def add_bias(self, shape: Sequence[int]) -> None:
        """Make the bias, if it is used."""
        if self.use_bias:
            initial, cost = self.bias_initializer, self.bias_regularizer
            self.bias = self.add_weight(shape, initial, name="bias", regularizer=cost)

    def with_bias(self, summed: Any) -> Any:
        """Return sums of shape (batch, ...) with the bias added to them, if it is used."""
        return summed + self.bias if self.use_bias else summed
