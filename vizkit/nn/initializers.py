"""How weights begin.

Names, defaults and formulas are Keras's. An initializer is called with a shape and gives an array of
that shape; without a seed of its own it takes its numbers from the layer that asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vizkit.errors import ShapeError
from vizkit.nn import seeds
from vizkit.nn.names import lookup
from vizkit.typing import Float

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "Ones",
    "RandomNormal",
    "RandomUniform",
    "Zeros",
    "get",
]


class Initializer:
    """Base class: define ``draw(shape, random)``, which returns an array of that shape.

    Parameters
    ----------
    seed
        For the same numbers at every call; ``None`` for the next ones of the layer that asks.

    Examples
    --------
    >>> RandomNormal(seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed

    def __call__(
        self, shape: Sequence[int], dtype: Any = "float32", random: np.random.Generator | None = None
    ) -> Float["..."]:
        """Return an array of the given shape and dtype."""
        source = seeds.generator(self.seed if self.seed is not None else random)
        return np.asarray(self.draw(tuple(shape), source)).astype(dtype)

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        """Return an array of `shape`, with numbers from `random`."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(shape, random).")


class Constant(Initializer):
    """Every weight is `value`: a number, or an array of the weight's shape."""

    def __init__(self, value: Any = 0.0) -> None:
        super().__init__()
        self.value = value

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        """Return the value at every place of `shape`."""
        value = np.asarray(self.value, float)
        if value.shape not in ((), shape):
            raise ShapeError(f"A constant of shape {value.shape} does not fit a weight of shape {shape}.")
        return np.broadcast_to(value, shape)


class Zeros(Constant):
    """Every weight is 0."""

    def __init__(self) -> None:
        super().__init__(0.0)


class Ones(Constant):
    """Every weight is 1."""

    def __init__(self) -> None:
        super().__init__(1.0)


class RandomNormal(Initializer):
    """Normal distribution."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        """Return normal numbers of `shape`."""
        return random.normal(self.mean, self.stddev, shape)


class RandomUniform(Initializer):
    """Uniform distribution between two limits."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        """Return uniform numbers of `shape`."""
        return random.uniform(self.minval, self.maxval, shape)


class GlorotUniform(Initializer):
    """Uniform within ±√(6 / (fan in + fan out)) (Glorot and Bengio 2010, eq. 16)."""

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        """Return uniform numbers of `shape`."""
        limit = np.sqrt(6 / max(1, sum(_fans(shape))))
        return random.uniform(-limit, limit, shape)


class GlorotNormal(Initializer):
    """Normal of variance 2 / (fan in + fan out), cut at two standard deviations."""

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        """Return normal numbers of `shape`."""
        return _cut_normal(random, shape) * np.sqrt(2 / max(1, sum(_fans(shape))))


class HeUniform(Initializer):
    """Uniform within ±√(6 / fan in) (He et al. 2015)."""

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        """Return uniform numbers of `shape`."""
        limit = np.sqrt(6 / max(1, _fans(shape)[0]))
        return random.uniform(-limit, limit, shape)


class HeNormal(Initializer):
    """Normal of variance 2 / fan in, cut at two standard deviations (He et al. 2015)."""

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        """Return normal numbers of `shape`."""
        return _cut_normal(random, shape) * np.sqrt(2 / max(1, _fans(shape)[0]))


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many inputs a unit sums, and how many units an input reaches."""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    window = int(np.prod(shape[:-2], dtype=int))
    return window * shape[-2], window * shape[-1]


def _cut_normal(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw from the normal distribution within ±2, scaled back to a variance of one."""
    values = random.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = random.standard_normal(int(outside.sum()))
    return values / 0.87962566103423978  # the standard deviation that is left after the cut


_NAMES: dict[str, Callable[[], Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
}


def get(identifier: Any) -> Callable[..., Any]:
    """Return an initializer by its name; one that is given is returned as it is.

    Raises
    ------
    UnknownNameError
        When no initializer has this name.

    Examples
    --------
    >>> get("zeros")((2,)).tolist()
    [0.0, 0.0]
    """
    found = lookup("initializer", identifier, _NAMES)
    return found() if isinstance(found, type) else found
