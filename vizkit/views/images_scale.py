"""The colour scale beside pictures that share it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vizkit.errors import DataError
from vizkit.theme import SIZES
from vizkit.typing import ArrayLike
from vizkit.views.marks import Image, Mark, Text
from vizkit.views.measure import width
from vizkit.views.text import Words, number, quantity, words

__all__ = ["ColourScale", "common_limit"]

_STEPS = 128  # shades of the drawn bar


def common_limit(values: ArrayLike, what: str = "values") -> float:
    """Return the largest size of any value of an array of shape (...,), or 1 when all are 0.

    Raises
    ------
    DataError
        If there is no value, or one is NaN or infinite.

    Examples
    --------
    >>> common_limit([[-3.0, 2.0]]), common_limit([0.0])
    (3.0, 1.0)
    """
    sizes = np.abs(np.asarray(values, dtype=float))
    if not sizes.size:
        raise DataError(f"The {what} must hold at least one number, but shape {sizes.shape} was given.")
    if not np.isfinite(sizes).all():
        raise DataError(f"The {what} must be finite, but {int((~np.isfinite(sizes)).sum())} of them are not.")
    return float(sizes.max()) or 1.0


@dataclass(frozen=True, slots=True)
class ColourScale:
    """A vertical bar from −limit (or 0) to limit with its numbers and a name above.

    ``x, y`` is the bar's lower left corner, all lengths are in stage units.

    Examples
    --------
    >>> bar = ColourScale(x=0, y=0, height=400, limit=1.5, signed=True)
    >>> [str(mark.words) for mark in bar.marks() if isinstance(mark, Text)]
    ['−1.50', '0', '1.50']
    """

    x: float
    y: float
    height: float
    limit: float
    signed: bool = False
    role: str = "activation"
    title: str = ""
    key: str = "scale"
    width: float = 30.0

    @property
    def texts(self) -> tuple[tuple[float, Words], ...]:
        """The numbers beside the bar: height as a share of it, and text."""
        top = (1.0, words(quantity(f"{self.key}.high", self.limit, self.digits)))
        if not self.signed:
            return ((0.0, words(number(0, 0))), top)
        low = (0.0, words(quantity(f"{self.key}.low", -self.limit, self.digits)))
        return (low, (0.5, words(number(0, 0))), top)

    @property
    def right(self) -> float:
        """The right edge of the numbers and the title."""
        numbers = max(width(str(text), SIZES["tick"]) for _, text in self.texts)
        return max(self.x + self.width + 12 + numbers, self.x + width(self.title, SIZES["tick"]))

    @property
    def digits(self) -> int:
        """Decimals of the numbers: two, fewer for large numbers and more for small ones."""
        power = math.floor(math.log10(self.limit))
        return max(0, 2 - power) if power >= 0 else min(15, max(2, 1 - power))

    def marks(self) -> tuple[Mark, ...]:
        """Return the bar, its numbers to the right and its title above."""
        shades = np.linspace(self.limit, -self.limit if self.signed else 0.0, _STEPS)[:, None]
        bar = Image(
            key=self.key, role=self.role, values=shades, x=self.x, y=self.y,
            width=self.width, height=self.height, limit=self.limit, signed=self.signed,
        )  # fmt: skip
        marks: list[Mark] = [bar]
        for share, text in self.texts:
            # The texts at the ends stay within the bar's height.
            y, x = self.y + 16 + (self.height - 32) * share, self.x + self.width + 12
            marks.append(Text(key=f"{self.key}:{share:g}", role="muted", words=text, x=x, y=y, ha="left", size="tick"))
        if self.title:
            marks.append(
                Text(
                    key=f"{self.key}:title", role="muted", words=words(self.title), x=self.x,
                    y=self.y + self.height, dy=10, ha="left", va="bottom", size="tick",
                )
            )  # fmt: skip
        return tuple(marks)
