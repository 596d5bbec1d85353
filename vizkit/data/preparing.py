"""Making data ready: split, one-hot, standardise, shift and flip."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.checks import array, array_pair, number, whole
from vizkit.errors import DataError, ShapeError, unknown_name
from vizkit.typing import Float

__all__ = ["augment", "flip", "one_hot", "shift", "split", "standardise"]


def split(
    x: Any, y: Any, share: float = 0.2, seed: int = 0, stratify: bool = False
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Shuffle samples and hold a share of them out.

    Parameters
    ----------
    x, y
        Inputs and targets, each of shape (samples, ...).
    share
        Share that is held out, between 0 and 1.
    seed
        Which ones.
    stratify
        Whether to hold out the same share of each class; `y` are class numbers then.

    Returns
    -------
    (x_rest, y_rest), (x_held, y_held)
        The two parts.

    Examples
    --------
    >>> (a, _), (b, _) = split(np.arange(10.0), np.arange(10))
    >>> len(a), len(b)
    (8, 2)
    """
    x, y = array_pair(x, y)
    share = number("share", share, 0, 1, includes_high=False)
    order = np.random.default_rng(seed).permutation(len(x))
    groups = [order[y[order] == label] for label in np.unique(y)] if stratify else [order]
    held = np.zeros(len(x), bool)
    for group in groups:
        held[group[: round(share * len(group))]] = True
    kept, out = order[~held[order]], order[held[order]]
    return (x[kept], y[kept]), (x[out], y[out])


def one_hot(labels: Any, classes: int | None = None) -> Float["samples classes"]:
    """Return class numbers as rows with a single 1, of shape (samples, classes).

    Raises
    ------
    DataError
        When a class number is negative, not whole, or too large.

    Examples
    --------
    >>> one_hot([0, 2]).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    labels = np.asarray(labels)
    if labels.size == 0 or np.any(labels != np.floor(labels)) or labels.min() < 0:
        raise DataError(f"Class numbers are whole and from 0; {labels.ravel()[:5].tolist()} ... were given.")
    count = int(labels.max()) + 1 if classes is None else classes
    if labels.max() >= count:
        raise DataError(f"With {count} classes the largest number is {count - 1}; {labels.max()} was given.")
    return np.eye(count)[labels.astype(int)]


def standardise(x: Any, *others: Any) -> Any:
    """Give every feature of `x` mean 0 and standard deviation 1; treat the others alike.

    A feature that is the same in all samples becomes 0.

    Parameters
    ----------
    x
        Samples to train on, of shape (samples, ...).
    *others
        Further samples, of shape (samples, ...), that are moved and scaled as `x` was.

    Returns
    -------
    array, or tuple of arrays
        The samples, of their shapes; one array when there are no others.

    Raises
    ------
    ShapeError
        When the others have other features.

    Examples
    --------
    >>> train, test = standardise([[0.0], [2.0]], [[3.0]])
    >>> train.ravel().tolist(), test.ravel().tolist()
    ([-1.0, 1.0], [2.0])
    """
    arrays = [array("x", samples) for samples in (x, *others)]
    for samples in arrays[1:]:
        if samples.shape[1:] != arrays[0].shape[1:]:
            raise ShapeError(f"All samples need the same features; shapes {arrays[0].shape} and {samples.shape} came.")
    mean, spread = arrays[0].mean(axis=0), arrays[0].std(axis=0)
    scaled = [(samples - mean) / np.where(spread > 0, spread, 1) for samples in arrays]
    return tuple(scaled) if others else scaled[0]


def shift(images: Any, down: int = 0, right: int = 0) -> Float["samples height width channels"]:
    """Move images by whole pixels; what leaves is lost, what comes in is 0.

    Parameters
    ----------
    images
        Of shape (samples, height, width, channels).
    down, right
        By how many pixels; negative for up and left.

    Raises
    ------
    ShapeError
        When these are no images.

    Examples
    --------
    >>> shift(np.arange(4.0).reshape(1, 2, 2, 1), right=1).ravel().tolist()
    [0.0, 0.0, 0.0, 2.0]
    """
    images = _images(images)
    height, width = images.shape[1:3]
    moved = np.zeros_like(images)
    if abs(down) < height and abs(right) < width:
        moved[:, max(down, 0) : height + down, max(right, 0) : width + right] = images[
            :, max(-down, 0) : height - down, max(-right, 0) : width - right
        ]
    return moved


def flip(images: Any, mode: str = "horizontal") -> Float["samples height width channels"]:
    """Mirror images: left and right are exchanged, or above and below.

    Parameters
    ----------
    images
        Of shape (samples, height, width, channels).
    mode
        ``"horizontal"`` or ``"vertical"``.

    Raises
    ------
    UnknownNameError
        When the mode is another.

    Examples
    --------
    >>> flip(np.arange(4.0).reshape(1, 2, 2, 1)).ravel().tolist()
    [1.0, 0.0, 3.0, 2.0]
    """
    axes = {"horizontal": 2, "vertical": 1}
    if mode not in axes:
        raise unknown_name("mode of flipping", mode, axes)
    return np.flip(_images(images), axes[mode])


def augment(images: Any, reach: int = 1, mirror: bool = False, seed: int = 0) -> Float["samples height width channels"]:
    """Shift each image by up to `reach` pixels along both axes at random, and flip every second one if asked.

    Parameters
    ----------
    images
        Of shape (samples, height, width, channels).
    reach
        Largest shift in pixels, from 0.
    mirror
        Whether about half of them are flipped horizontally.
    seed
        Which ones, and how far.

    Examples
    --------
    >>> augment(np.ones((5, 8, 8, 1))).shape
    (5, 8, 8, 1)
    """
    images = _images(images)
    reach = whole("reach", reach, 0)
    random = np.random.default_rng(seed)
    moves = random.integers(-reach, reach + 1, (len(images), 2))
    moved = np.stack([shift(image[None], *move)[0] for image, move in zip(images, moves.tolist(), strict=True)])
    flipped = random.random(len(images)) < 0.5 if mirror else np.zeros(len(images), bool)
    return np.where(flipped[:, None, None, None], flip(moved), moved)


def _images(images: Any) -> Any:
    found = array("images", images)
    if found.ndim != 4:
        raise ShapeError(f"Images have the shape (samples, height, width, channels); {found.shape} was given.")
    return found
