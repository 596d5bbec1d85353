"""Curves, series and a text: data that have an order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vizkit.checks import array, number, whole
from vizkit.errors import ArgumentError
from vizkit.typing import Float, Int

__all__ = ["next_characters", "noisy_sine", "pad_sequences", "series", "text", "windows"]

_TEXT = """\
a unit takes numbers and weighs them. it adds what it has weighed and bends the sum. one unit can do little.
many units in a row can do more, and rows behind rows can do more again. at first the weights are drawn by chance,
and the answer is wrong. the loss says how wrong it is. then we go back through the rows and ask of each weight:
would the loss fall if you were larger, or if you were smaller? every weight moves a small step the way it says.
the answer is a little less wrong. we go forward, we go back, we take a step, and we do it again.
a step that is too small takes all day. a step that is too large jumps over the valley.
in the end the loss is small, and the units have found what the numbers have in common.
"""


def noisy_sine(samples: int = 100, noise: float = 0.1, seed: int = 0) -> tuple[Float["samples 1"], Float["samples 1"]]:
    """Return one period of the sine with noise: x from 0 to 2π in order, and y, both of shape (samples, 1).

    Parameters
    ----------
    samples
        How many points.
    noise
        Standard deviation of what is added to y.
    seed
        Of the noise.

    Examples
    --------
    >>> x, y = noisy_sine(5, noise=0)
    >>> y.ravel().round(3).tolist()
    [0.0, 1.0, 0.0, -1.0, -0.0]
    """
    x = np.linspace(0, 2 * np.pi, whole("samples", samples, 2))[:, None]
    spread = number("noise", noise, includes_low=True)
    y = np.sin(x) + np.random.default_rng(seed).normal(0, spread, x.shape)
    return x.astype(np.float32), y.astype(np.float32)


def series(samples: int = 300, noise: float = 0.05, seed: int = 0) -> Float["samples"]:
    """Return a series that rises slowly and swings with periods of 24 and 7 steps, of shape (samples,).

    Parameters
    ----------
    samples
        How many steps.
    noise
        Standard deviation of what is added.
    seed
        Of the noise.

    Examples
    --------
    >>> series(1, noise=0).tolist()
    [0.0]
    """
    time = np.arange(whole("samples", samples, 1))
    swing = 0.7 * np.sin(2 * np.pi * time / 24) + 0.23 * np.sin(2 * np.pi * time / 7)
    spread = number("noise", noise, includes_low=True)
    return (swing + time / 300 + np.random.default_rng(seed).normal(0, spread, len(time))).astype(np.float32)


def windows(values: Any, length: int) -> tuple[Float["windows length 1"], Float["windows 1"]]:
    """Cut a series into overlapping windows, each with the value that comes next.

    Parameters
    ----------
    values
        The series, of shape (steps,).
    length
        Steps of a window, fewer than there are values.

    Returns
    -------
    x : array of shape (windows, length, 1)
        The windows.
    y : array of shape (windows, 1)
        What follows each.

    Examples
    --------
    >>> x, y = windows([1.0, 2.0, 3.0, 4.0], 2)
    >>> x[:, :, 0].tolist(), y[:, 0].tolist()
    ([[1.0, 2.0], [2.0, 3.0]], [3.0, 4.0])
    """
    values = array("values", values)
    if values.ndim != 1 or not 1 <= length < len(values):
        raise ArgumentError(
            f"Windows are cut from one row of numbers and are shorter than it; a length of {length!r} and values of "
            f"shape {values.shape} were given."
        )
    x = np.lib.stride_tricks.sliding_window_view(values, length)[:-1]
    return x[:, :, None].copy(), values[length:, None].copy()


def text() -> str:
    """Return a small English text about learning, in small letters, for models of characters.

    Examples
    --------
    >>> text()[:36]
    'a unit takes numbers and weighs them'
    """
    return _TEXT


def next_characters(length: int = 16) -> tuple[Int["windows length"], Int["windows"], str]:
    """Return the text as windows of characters' numbers, each with the number of the next character.

    Parameters
    ----------
    length
        Characters of a window.

    Returns
    -------
    x : array of shape (windows, length)
        Numbers of characters.
    y : array of shape (windows,)
        The number of the character that follows.
    alphabet : str
        The characters in the order of their numbers.

    Examples
    --------
    >>> x, y, alphabet = next_characters(6)
    >>> "".join(alphabet[n] for n in x[0]), alphabet[y[0]]
    ('a unit', ' ')
    """
    alphabet = "".join(sorted(set(_TEXT)))
    numbers = np.array([alphabet.index(character) for character in _TEXT], np.int64)
    x, y = windows(numbers, length)
    return x[:, :, 0], y[:, 0], alphabet


def pad_sequences(
    sequences: Sequence[Sequence[Any]],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> Any:
    """Return sequences of different lengths as one array, of shape (samples, times).

    Parameters
    ----------
    sequences
        Lists of numbers.
    maxlen
        The length they get; that of the longest when ``None``.
    dtype
        Type of the array.
    padding, truncating
        Where short ones are filled and long ones are cut: ``"pre"``, before, or ``"post"``, after what is kept.
    value
        What they are filled with.

    Raises
    ------
    ArgumentError
        When a side is neither of the two.

    Examples
    --------
    >>> pad_sequences([[1], [2, 3, 4]], maxlen=2).tolist()
    [[0, 1], [3, 4]]
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ArgumentError(f"{name} is 'pre' or 'post'; {side!r} was given.")
    length = max((len(one) for one in sequences), default=0) if maxlen is None else maxlen
    padded = np.full((len(sequences), length), value, dtype)
    for row, one in zip(padded, sequences, strict=True):
        kept = one[max(0, len(one) - length) :] if truncating == "pre" else one[:length]
        row[slice(length - len(kept), None) if padding == "pre" else slice(len(kept))] = kept
    return padded
