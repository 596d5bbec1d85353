"""The dosages and the letters that the first lessons are about."""

from __future__ import annotations

import numpy as np

from vizkit.data.preparing import shift as shifted
from vizkit.errors import ArgumentError, unknown_name
from vizkit.typing import Float, Int

__all__ = ["dosage", "letter", "letters"]

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
    images = [shifted(letter(name)[None], *move)[0] for name in "OX" for move in moves]
    return np.stack(images), np.repeat([0, 1], len(moves))
