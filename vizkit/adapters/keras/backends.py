"""What the adapter needs of a backend: numbers, and gradients on their way back."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from vizkit.errors import ArgumentError

__all__ = ["Backend", "backend"]


class Backend(Protocol):
    """What the adapter needs of a backend."""

    name: str

    def begin(self) -> None:
        """Make functions run with numbers, not with symbols."""

    def end(self) -> None:
        """Take that back."""

    def concrete(self, value: Any) -> bool:
        """Say whether something is a tensor with numbers."""

    def dtype(self, tensor: Any) -> str:
        """Return the name of a tensor's type."""

    def numbers(self, tensor: Any) -> NDArray[Any]:
        """Return a tensor's numbers, of shape (...), perhaps sharing its memory."""

    def probe(self, tensor: Any, arrived: Callable[[Any], None]) -> Any:
        """Return the same tensor with somebody who is told the gradient that comes back to it."""


def backend() -> Backend:
    """Return the backend that Keras runs on.

    Raises
    ------
    ArgumentError
        When it is one that the adapter does not know.
    """
    name = keras.backend.backend()
    if name == "tensorflow":
        return _TensorFlow()
    if name == "torch":
        return _Torch()
    raise ArgumentError(f"Keras models are recorded on the backends tensorflow and torch; this one runs on {name!r}.")


def _wide(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return half precision, and what NumPy knows only by name such as bfloat16, as float32."""
    return numbers.astype(np.float32) if numbers.dtype.kind == "V" or numbers.dtype == np.float16 else numbers


class _TensorFlow:
    name = "tensorflow"

    def __init__(self) -> None:
        import tensorflow

        self._tf = tensorflow

    def begin(self) -> None:
        self._eager = self._tf.config.functions_run_eagerly()
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.filterwarnings("ignore", message="Even though the `tf.config.*run_functions_eagerly")
        self._tf.config.run_functions_eagerly(True)

    def end(self) -> None:
        self._tf.config.run_functions_eagerly(self._eager)
        self._warnings.__exit__(None, None, None)

    def concrete(self, value: Any) -> bool:
        return self._tf.is_tensor(value) and hasattr(value, "numpy") and not self._tf.is_symbolic_tensor(value)

    def dtype(self, tensor: Any) -> str:
        return tensor.dtype.name

    def numbers(self, tensor: Any) -> NDArray[Any]:
        return _wide(np.asarray(self._tf.convert_to_tensor(tensor).numpy()))  # a gradient may be a few rows alone

    def probe(self, tensor: Any, arrived: Callable[[Any], None]) -> Any:
        tf = self._tf
        if not tensor.dtype.is_floating:
            return tensor

        @tf.custom_gradient
        def same(values: Any) -> Any:
            def back(gradient: Any) -> Any:
                arrived(gradient)
                return gradient

            return tf.identity(values), back

        return same(tensor)


class _Torch:
    name = "torch"

    def __init__(self) -> None:
        import torch

        from vizkit.adapters.torch.tensors import array

        self._torch, self._array = torch, array

    def begin(self) -> None:
        """Nothing: PyTorch computes with numbers anyway."""

    def end(self) -> None:
        """Nothing to take back."""

    def concrete(self, value: Any) -> bool:
        return isinstance(value, self._torch.Tensor) and not value.is_meta

    def dtype(self, tensor: Any) -> str:
        return str(tensor.dtype).removeprefix("torch.")

    def numbers(self, tensor: Any) -> NDArray[Any]:
        return self._array(tensor)

    def probe(self, tensor: Any, arrived: Callable[[Any], None]) -> Any:
        if not (tensor.requires_grad and self._torch.is_grad_enabled()):
            return tensor
        twin = tensor.view_as(tensor)
        twin.register_hook(lambda gradient: arrived(gradient.detach()))
        return twin
