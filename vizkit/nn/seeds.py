"""Where every random choice comes from."""

from __future__ import annotations

import numpy as np

from vizkit.checks import whole

__all__ = ["generator", "set_random_seed"]

_root = np.random.SeedSequence()


def set_random_seed(seed: int) -> None:
    """Make every later random choice that has no seed of its own repeatable.

    Parameters
    ----------
    seed
        A whole number from 0.

    Raises
    ------
    ArgumentError
        When `seed` is not such a number.

    Examples
    --------
    >>> set_random_seed(1)
    >>> first = generator().random()
    >>> set_random_seed(1)
    >>> generator().random() == first
    True
    """
    global _root
    _root = np.random.SeedSequence(whole("A seed", seed, 0))


def generator(seed: int | np.random.Generator | None = None) -> np.random.Generator:
    """Return a source of random numbers: from `seed`, or the next one of `set_random_seed`.

    Parameters
    ----------
    seed
        A whole number from 0; a generator, which is returned as it is; or ``None``.

    Examples
    --------
    >>> generator(7).random() == generator(7).random()
    True
    """
    if isinstance(seed, np.random.Generator):
        return seed
    if seed is None:
        return np.random.default_rng(_root.spawn(1)[0])
    return np.random.default_rng(whole("A seed", seed, 0))
