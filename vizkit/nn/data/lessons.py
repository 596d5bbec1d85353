"""The data that the lessons are about."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DataError, missing_extra, unknown_name
from vizkit.nn.feeding import checked_pair
from vizkit.typing import Float, Int

__all__ = ["digits", "dosage", "letter", "letters", "one_hot", "split"]

_LETTERS = {
    "O": ("001100", "010010", "100001", "100001", "010010", "001100"),
    "X": ("100001", "010010", "001100", "001100", "010010", "100001"),
}


def dosage() -> tuple[Float["samples 1"], Float["samples 1"]]:
    """Return three dosages of a drug and whether each helped; both of shape (3, 1).

    Examples
    --------
    >>> x, y = dosage()
    >>> x.ravel().tolist(), y.ravel().tolist()
    ([0.0, 0.5, 1.0], [0.0, 1.0, 0.0])
    """
    return np.array([[0.0], [0.5], [1.0]]), np.array([[0.0], [1.0], [0.0]])


def letter(name: str) -> Float["height width 1"]:
    """Return the letter O or X as an image of shape (6, 6, 1), 1 where it is drawn.

    Raises
    ------
    UnknownNameError
        When it is another letter.

    Examples
    --------
    >>> letter("O")[0, :, 0].tolist()
    [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    """
    if name not in _LETTERS:
        raise unknown_name("letter", name, _LETTERS)
    return np.array([[float(pixel) for pixel in row] for row in _LETTERS[name]])[:, :, None]


def letters(shift: int = 1) -> tuple[Float["samples height width 1"], Int["samples"]]:
    """Return O and X at every shift of up to `shift` pixels; what leaves the image is lost.

    Parameters
    ----------
    shift
        Largest shift along each axis in pixels, from 0 to 5.

    Returns
    -------
    images : array of shape (2 (2 shift + 1)², 6, 6, 1)
        First all O, then all X; of each the unshifted one first.
    labels : array of the same length
        0 for O, 1 for X.

    Examples
    --------
    >>> images, labels = letters()
    >>> images.shape, labels.tolist().count(1)
    ((18, 6, 6, 1), 9)
    """
    if not isinstance(shift, (int, np.integer)) or not 0 <= shift <= 5:
        raise ArgumentError(f"shift is a whole number of pixels from 0 to 5; {shift!r} was given.")
    steps = range(-shift, shift + 1)
    moves = sorted(((down, right) for down in steps for right in steps), key=lambda m: (abs(m[0]) + abs(m[1]), m))
    images = [_shifted(letter(name), *move) for name in "OX" for move in moves]
    return np.stack(images), np.repeat([0, 1], len(moves))


def _shifted(image: Any, down: int, right: int) -> Any:
    height, width = image.shape[:2]
    moved = np.zeros_like(image)
    moved[max(down, 0) : height + down, max(right, 0) : width + right] = image[
        max(-down, 0) : height - down, max(-right, 0) : width - right
    ]
    return moved


def digits(share: float = 0.2, seed: int = 0) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return the 1,797 scanned digits that come with scikit-learn, split for training and testing.

    Parameters
    ----------
    share
        Share of each digit that is held out for testing.
    seed
        Which ones.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Images of shape (samples, 8, 8, 1) from 0 to 1 in float32, and class numbers of shape (samples,).

    Raises
    ------
    MissingExtraError
        When scikit-learn is not installed.

    Notes
    -----
    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI (1998), the test set.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise missing_extra("scikit-learn", "data") from error
    scans = load_digits()
    images = (scans.images[..., None] / 16).astype(np.float32)
    return split(images, scans.target.astype(np.int64), share=share, seed=seed, stratify=True)


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
    x, y = checked_pair(x, y)
    if not isinstance(share, (int, float)) or not 0 < share < 1:
        raise ArgumentError(f"share lies between 0 and 1; {share!r} was given.")
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
