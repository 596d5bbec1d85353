"""How weights begin.

Names, defaults and formulas are Keras's. An initializer is called with a shape and gives an array of
that shape; without a seed of its own it takes its numbers from the layer that asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vizkit.checks import number
from vizkit.errors import ShapeError, unknown_name
from vizkit.nn import seeds
from vizkit.nn.names import by_name, lookup
from vizkit.typing import Float

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity", "Initializer", "LecunNormal",
    "LecunUniform", "Ones", "Orthogonal", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling",
    "Zeros", "get",
]  # fmt: skip


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


class TruncatedNormal(RandomNormal):
    """Normal distribution without what lies beyond two standard deviations."""

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        """Return normal numbers of `shape`, none of them far out."""
        return self.mean + self.stddev * _cut_normal(random, shape)


class VarianceScaling(Initializer):
    """A distribution whose variance is `scale` divided by how many numbers meet in a unit.

    Parameters
    ----------
    scale
        Above 0.
    mode
        What is counted: ``"fan_in"``, ``"fan_out"`` or their mean, ``"fan_avg"``.
    distribution
        ``"uniform"``, ``"truncated_normal"`` or ``"untruncated_normal"``.
    seed
        As in `Initializer`.

    Examples
    --------
    >>> bool(np.abs(VarianceScaling(3.0, distribution="uniform", seed=0)((9, 2))).max() <= 1)
    True
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: int | None = None
    ) -> None:
        super().__init__(seed)
        for kind, given, allowed in (("mode", mode, _FANS), ("distribution", distribution, _DISTRIBUTIONS)):
            if given not in allowed:
                raise unknown_name(kind, given, allowed)
        self.scale, self.mode, self.distribution = number("scale", scale), mode, distribution

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        """Return numbers of `shape`."""
        variance = self.scale / max(1, _FANS[self.mode](*_fans(shape)))
        if self.distribution == "uniform":
            limit = np.sqrt(3 * variance)
            return random.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return random.normal(0, np.sqrt(variance), shape)
        return _cut_normal(random, shape) / _LEFT_AFTER_CUT * np.sqrt(variance)


class GlorotUniform(VarianceScaling):
    """Uniform within ±√(6 / (fan in + fan out)) (Glorot and Bengio 2010, eq. 16)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(VarianceScaling):
    """Normal of variance 2 / (fan in + fan out), cut at two standard deviations."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    """Uniform within ±√(6 / fan in) (He et al. 2015)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(VarianceScaling):
    """Normal of variance 2 / fan in, cut at two standard deviations (He et al. 2015)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class LecunUniform(VarianceScaling):
    """Uniform within ±√(3 / fan in) (LeCun et al. 1998)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)


class LecunNormal(VarianceScaling):
    """Normal of variance 1 / fan in, cut at two standard deviations (LeCun et al. 1998)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)


class Orthogonal(Initializer):
    """A matrix whose rows or columns, whichever are fewer, are orthogonal and of length `gain` (Saxe et al. 2014).

    Of a weight with more axes than two, all but the last make the rows.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = number("gain", gain)

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        """Return a matrix, in the given `shape`."""
        if len(shape) < 2:
            raise ShapeError(f"An orthogonal weight needs two axes or more; the shape {shape} was given.")
        rows, columns = int(np.prod(shape[:-1])), shape[-1]
        q, r = np.linalg.qr(random.standard_normal((max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))  # without this, not every such matrix would be as likely
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


class Identity(Initializer):
    """A matrix that changes nothing but the length: `gain` on its diagonal, 0 elsewhere."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = number("gain", gain)

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        """Return a matrix of `shape`."""
        if len(shape) != 2:
            raise ShapeError(f"An identity needs two axes; the shape {shape} was given.")
        return self.gain * np.eye(*shape)


_FANS: dict[str, Callable[[int, int], float]] = {
    "fan_in": lambda fan_in, fan_out: fan_in,
    "fan_out": lambda fan_in, fan_out: fan_out,
    "fan_avg": lambda fan_in, fan_out: (fan_in + fan_out) / 2,
}
_DISTRIBUTIONS = ("uniform", "truncated_normal", "untruncated_normal")
_LEFT_AFTER_CUT = 0.87962566103423978  # the standard deviation of a normal distribution cut at ±2


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many inputs a unit sums, and how many units an input reaches."""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    window = int(np.prod(shape[:-2], dtype=int))
    return window * shape[-2], window * shape[-1]


def _cut_normal(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw from the normal distribution within ±2."""
    values = random.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = random.standard_normal(int(outside.sum()))
    return values


_NAMES = by_name(
    Constant, GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform, Ones, Orthogonal,
    Identity, RandomNormal, RandomUniform, TruncatedNormal, VarianceScaling, Zeros,
    normal=RandomNormal, one=Ones, uniform=RandomUniform, zero=Zeros,
)  # fmt: skip


def __getattr__(name: str) -> Any:
    """Return a class by its name in small letters: ``he_normal`` is `HeNormal`.

    Raises
    ------
    AttributeError
        When there is none.
    """
    if name in _NAMES:
        return _NAMES[name]
    raise AttributeError(f"There is no initializer {name!r}. The initializers are: {', '.join(sorted(_NAMES))}.")


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
