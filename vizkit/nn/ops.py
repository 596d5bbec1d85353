"""What Keras keeps under ``keras.ops``: NumPy's functions and the activations, for layers written for Keras.

A layer of vizkit is plain NumPy; ``ops.matmul`` is ``np.matmul`` and ``ops.relu`` is `activations.relu`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.autodiff import Tracked, plain
from vizkit.nn import activations

__all__ = ["cast", "convert_to_numpy", "convert_to_tensor", "norm", "one_hot", "shape"]

norm = np.linalg.norm


def cast(x: Any, dtype: Any) -> Any:
    """Return an array of shape (...) as another type.

    Examples
    --------
    >>> cast([1, 2], "float32").dtype.name
    'float32'
    """
    return convert_to_tensor(x).astype(np.dtype(dtype))


def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = "float32") -> Any:
    """Return a 1 at the place of each whole number of an array, of shape (..., num_classes), and 0 elsewhere.

    Examples
    --------
    >>> one_hot([1, 0], 3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    found = np.equal(np.asarray(plain(x))[..., None], np.arange(num_classes)).astype(dtype)
    return np.moveaxis(found, -1, axis)


def shape(x: Any) -> tuple[int, ...]:
    """Return the shape of an array.

    Examples
    --------
    >>> shape([[1, 2]])
    (1, 2)
    """
    return np.shape(x)


def convert_to_tensor(x: Any, dtype: Any = None) -> Any:
    """Return an array of shape (...); one that is being differentiated stays so.

    Examples
    --------
    >>> convert_to_tensor([1.0]).shape
    (1,)
    """
    array = x if isinstance(x, Tracked) else np.asarray(x)
    return array if dtype is None else array.astype(np.dtype(dtype))


def convert_to_numpy(x: Any) -> Any:
    """Return a plain array of shape (...).

    Examples
    --------
    >>> convert_to_numpy([1.0]).tolist()
    [1.0]
    """
    return np.asarray(plain(x))


def __getattr__(name: str) -> Any:
    """Return an activation or a function of NumPy by its name.

    Raises
    ------
    AttributeError
        When neither has this name.
    """
    if name in activations.names():
        return activations.get(name)
    if not name.startswith("_") and callable(getattr(np, name, None)):
        return getattr(np, name)
    raise AttributeError(
        f"There is no operation {name!r}: neither an activation nor a function of NumPy has this name."
    )
