"""Finding room for labels: what is taken in a diagram, and whether a text still fits.

Lengths are in stage units. Texts are measured by the bundled typeface, so a label that fits
here fits in every medium.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from vizkit.theme import SIZES
from vizkit.views.measure import CAP_HEIGHT, DESCENT, width

__all__ = ["GAP", "Point", "Rect", "Room", "beside", "text_size"]

Point = tuple[float, float]

GAP = 6.0  # clear space around a label
DESCENDING = set("gjpqy")  # letters that reach below the line


def text_size(text: str, size: str = "label") -> tuple[float, float]:
    """Return the width and the height of a line of text, in stage units.

    Examples
    --------
    >>> [round(length) for length in text_size("0.50")]
    [97, 32]
    """
    em = SIZES[size]
    return width(text, em), em * CAP_HEIGHT


@dataclass(frozen=True, slots=True)
class Rect:
    """An upright rectangle by its edges."""

    left: float
    bottom: float
    right: float
    top: float

    @classmethod
    def around(cls, middle: Point, size: tuple[float, float], pad: float = 0.0) -> Rect:
        """Return the rectangle of a size around its middle, with ``pad`` more on each side."""
        (x, y), across, up = middle, size[0] / 2 + pad, size[1] / 2 + pad
        return cls(x - across, y - up, x + across, y + up)

    def meets(self, other: Rect) -> bool:
        """Say whether two rectangles share a point."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def inside(self, other: Rect) -> bool:
        """Say whether this rectangle lies within another."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.bottom >= other.bottom
            and self.top <= other.top
        )

    def meets_disc(self, middle: Point, radius: float) -> bool:
        """Say whether a disc reaches into the rectangle."""
        x, y = middle
        near = (min(max(x, self.left), self.right), min(max(y, self.bottom), self.top))
        return math.dist(near, middle) < radius

    def meets_line(self, start: Point, end: Point) -> bool:
        """Say whether a straight line from start to end enters the rectangle (Liang and Barsky, 1984)."""
        enter, leave = 0.0, 1.0
        spans = ((start[0], end[0], self.left, self.right), (start[1], end[1], self.bottom, self.top))
        for first, last, low, high in spans:
            step = last - first
            if step == 0:
                if not low < first < high:
                    return False
                continue
            near, far = sorted(((low - first) / step, (high - first) / step))
            enter, leave = max(enter, near), min(leave, far)
        return enter < leave


@dataclass(slots=True)
class Room:
    """What is taken within a frame. It only grows; `place` takes what it gives."""

    frame: Rect
    rects: list[Rect] = field(default_factory=list)
    discs: list[tuple[Point, float]] = field(default_factory=list)
    lines: list[tuple[Point, Point, float]] = field(default_factory=list)

    def free(self, middle: Point, size: tuple[float, float], gap: float = GAP) -> bool:
        """Say whether a text of this size has clear space around its middle."""
        rect = Rect.around(middle, size, gap)
        return (
            Rect.around(middle, size).inside(self.frame)
            and not any(rect.meets(other) for other in self.rects)
            and not any(rect.meets_disc(at, radius) for at, radius in self.discs)
            and not any(Rect.around(middle, size, thick / 2 + 1).meets_line(a, b) for a, b, thick in self.lines)
        )

    def place(self, text: str, candidates: Iterable[Point], gap: float = GAP) -> Point | None:
        """Take the first free one of the candidate middles for a text; None when none is free."""
        size = text_size(text)
        for middle in candidates:
            if self.free(middle, size, gap):
                taken = Rect.around(middle, size)
                low = taken.bottom - (SIZES["label"] * DESCENT if DESCENDING & set(text) else 0.0)
                self.rects.append(Rect(taken.left, low, taken.right, taken.top))
                return middle
        return None

    def place_all(self, labels: Iterable[tuple[str, Iterable[Point]]]) -> list[Point] | None:
        """Place every label or, when one of them has no room, none of them."""
        before = len(self.rects)
        found: list[Point] = []
        for text, candidates in labels:
            middle = self.place(text, candidates)
            if middle is None:
                del self.rects[before:]
                return None
            found.append(middle)
        return found


def beside(line: tuple[Point, Point], share: float, text: str, above: bool, thick: float = 12.0) -> Point:
    """Return the middle of a text that just clears a slanted line at a share of its length.

    Parameters
    ----------
    line
        Its two ends, from left to right.
    share
        Where along the line, 0 to 1.
    text
        What is written there.
    above
        On the upper side of the line, else on the lower.
    thick
        The line's width.

    Examples
    --------
    >>> beside(((0, 0), (100, 0)), 0.5, "0.50", above=True)[0]
    50.0
    """
    (x0, y0), (x1, y1) = line
    length = math.dist((x0, y0), (x1, y1))
    across, up = -(y1 - y0) / length, (x1 - x0) / length
    across, up = (across, up) if (up > 0) == above else (-across, -up)
    wide, high = text_size(text)
    away = thick / 2 + GAP + abs(across) * wide / 2 + abs(up) * high / 2
    return x0 + share * (x1 - x0) + across * away, y0 + share * (y1 - y0) + up * away
