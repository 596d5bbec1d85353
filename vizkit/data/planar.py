"""Points in a plane that no straight line tells apart."""

from __future__ import annotations

import numpy as np

from vizkit.checks import number, whole
from vizkit.typing import Float, Int

__all__ = ["circles", "moons", "spirals", "xor"]


def spirals(
    samples: int = 200, classes: int = 2, noise: float = 0.02, turns: float = 1.0, seed: int = 0
) -> tuple[Float["samples 2"], Int["samples"]]:
    """Return arms of a spiral that wind around each other, one for each class.

    Parameters
    ----------
    samples
        How many points in all.
    classes
        How many arms.
    noise
        Standard deviation of what is added to both coordinates.
    turns
        How often each arm goes around; its end lies at a distance of 1.
    seed
        Of the noise.

    Returns
    -------
    points : array of shape (samples, 2)
        In float32, class by class.
    labels : array of shape (samples,)
        The arms' numbers.

    Examples
    --------
    >>> points, labels = spirals(9, classes=3)
    >>> points.shape, labels.tolist()
    ((9, 2), [0, 0, 0, 1, 1, 1, 2, 2, 2])
    """
    labels = _labels(samples, classes)
    distance = np.concatenate([np.linspace(0.05, 1, int(np.sum(labels == k))) for k in range(classes)])
    angle = 2 * np.pi * (turns * distance + labels / classes)
    points = distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return _noisy(points, noise, seed), labels


def moons(samples: int = 200, noise: float = 0.1, seed: int = 0) -> tuple[Float["samples 2"], Int["samples"]]:
    """Return two half circles that reach into each other.

    Parameters
    ----------
    samples
        How many points in all.
    noise
        Standard deviation of what is added to both coordinates.
    seed
        Of the noise.

    Returns
    -------
    points : array of shape (samples, 2)
        In float32, class by class.
    labels : array of shape (samples,)
        0 for the upper moon, 1 for the lower one.

    Examples
    --------
    >>> points, labels = moons(4, noise=0)
    >>> points.round(3).tolist()
    [[1.0, 0.0], [-1.0, 0.0], [0.0, 0.5], [2.0, 0.5]]
    """
    labels = _labels(samples, 2)
    angle = np.concatenate([np.linspace(0, np.pi, int(np.sum(labels == k))) for k in range(2)])
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    return _noisy(np.where(labels[:, None] == 0, upper, lower), noise, seed), labels


def circles(
    samples: int = 200, noise: float = 0.05, factor: float = 0.5, seed: int = 0
) -> tuple[Float["samples 2"], Int["samples"]]:
    """Return a circle within a circle.

    Parameters
    ----------
    samples
        How many points in all.
    noise
        Standard deviation of what is added to both coordinates.
    factor
        Radius of the inner circle; that of the outer one is 1.
    seed
        Of the noise.

    Returns
    -------
    points : array of shape (samples, 2)
        In float32, class by class.
    labels : array of shape (samples,)
        0 outside, 1 inside.

    Examples
    --------
    >>> points, labels = circles(4, noise=0)
    >>> np.hypot(*points.T).round(3).tolist(), labels.tolist()
    ([1.0, 1.0, 0.5, 0.5], [0, 0, 1, 1])
    """
    labels = _labels(samples, 2)
    angle = np.concatenate([2 * np.pi * np.arange(n) / n for n in np.bincount(labels)])
    radius = np.where(labels == 0, 1.0, number("factor", factor, 0, 1))
    return _noisy(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), noise, seed), labels


def xor(samples: int = 4, noise: float = 0.0, seed: int = 0) -> tuple[Float["samples 2"], Int["samples"]]:
    """Return the corners of the unit square, again and again; 1 where just one coordinate is 1.

    Parameters
    ----------
    samples
        How many points in all.
    noise
        Standard deviation of what is added to both coordinates.
    seed
        Of the noise.

    Returns
    -------
    points : array of shape (samples, 2)
        In float32.
    labels : array of shape (samples,)
        "Either or" of the two coordinates.

    Examples
    --------
    >>> points, labels = xor()
    >>> points.tolist(), labels.tolist()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    _labels(samples, 1)
    corners = np.arange(samples) % 4
    points = np.stack([corners // 2, corners % 2], axis=1)
    return _noisy(points, noise, seed), np.asarray(points[:, 0] ^ points[:, 1], np.int64)


def _labels(samples: int, classes: int) -> Int["samples"]:
    """Return class numbers in order, of each class as many as of the others but for one."""
    classes = whole("classes", classes)
    samples = whole("samples", samples, classes)
    return np.sort(np.arange(samples) % classes).astype(np.int64)


def _noisy(points: Float["samples 2"], noise: float, seed: int) -> Float["samples 2"]:
    spread = number("noise", noise, includes_low=True)
    return (points + np.random.default_rng(seed).normal(0, spread, points.shape)).astype(np.float32)
