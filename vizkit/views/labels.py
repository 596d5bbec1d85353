"""Where labels go, so that no two stand on each other.

Everything here is in stage units and deterministic: `spread` moves the labels at the ends of
several curves apart, `Plane` finds a place beside a point that nothing else takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from vizkit.errors import ArgumentError
from vizkit.theme import SIZES
from vizkit.typing import ArrayLike, Float
from vizkit.views.board import Box, Placement
from vizkit.views.marks import Mark, Text
from vizkit.views.measure import CAP_HEIGHT, width
from vizkit.views.picture import Axis, Margins, Picture
from vizkit.views.text import Words

__all__ = ["LINE", "Plane", "Spot", "around", "label_width", "spread"]

LINE = 50.0  # from one label to the next below it
RIM = 6.0  # free around a label
EDGE = 40.0  # the margin beside axes without labels at the ends of curves
HEADROOM = 10.0  # that a label may reach above the axes


def label_width(words: Words | str, bold: bool = False) -> float:
    """Return the width of a label in stage units.

    Examples
    --------
    >>> label_width("11") == 2 * label_width("1")
    True
    """
    return width(str(words), SIZES["label"], bold)


def spread(wanted: ArrayLike, gap: float, low: float, high: float) -> Float["label"]:
    """Move positions apart until neighbours are `gap` apart, all staying between `low` and `high`.

    The sum of the squared moves is as small as it can be (isotonic regression by pooling
    adjacent violators; Barlow et al. 1972, Statistical Inference under Order Restrictions), and
    the order of the positions is kept; equal ones keep the order in which they came.

    Parameters
    ----------
    wanted
        Shape (labels,): where each label would like to be.
    gap
        The least distance of two labels.
    low, high
        The range for all of them.

    Raises
    ------
    ArgumentError
        If so many labels do not fit the range.

    Examples
    --------
    >>> spread([1.0, 1.0, 9.0], 2.0, 0.0, 10.0).tolist()
    [0.0, 2.0, 9.0]
    """
    places = np.asarray(wanted, dtype=float)
    room = (high - low) - gap * (len(places) - 1)
    if room < -1e-9:
        raise ArgumentError(
            f"{len(places)} labels, each {gap:g} from the next, do not fit a height of {high - low:g}: show fewer."
        )
    order = np.argsort(places, kind="stable")
    offsets = gap * np.arange(len(places))
    level = np.clip(_isotonic(places[order] - offsets), low, low + max(room, 0.0))
    found = np.empty_like(places)
    found[order] = level + offsets
    return found


def _isotonic(values: Float["label"]) -> Float["label"]:
    """Return the nearest sequence (least squares) that never falls."""
    means: list[float] = []
    sizes: list[int] = []
    for value in values:
        means.append(float(value))
        sizes.append(1)
        while len(means) > 1 and means[-2] > means[-1]:
            size = sizes[-2] + sizes[-1]
            means[-2:] = [(means[-2] * sizes[-2] + means[-1] * sizes[-1]) / size]
            sizes[-2:] = [size]
    return np.repeat(means, sizes)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place beside a point: how far the label is moved, and which part of it sits there."""

    dx: float
    dy: float
    ha: str = "left"
    va: str = "center"

    def box(self, x: float, y: float, wide: float) -> Box:
        """Return the rectangle that a label of this width takes beside the point (x, y)."""
        left = x + self.dx - {"left": 0.0, "center": wide / 2, "right": wide}[self.ha]
        high = SIZES["label"] * CAP_HEIGHT
        below = SIZES["label"] * 0.24  # what hangs below the line
        middle = y + self.dy
        bottom = {"bottom": middle + below, "center": middle - high / 2, "top": middle - high - below}[self.va]
        return Box(left - RIM, bottom - below, wide + 2 * RIM, high + 2 * below)


def around(gap: float = 18.0) -> tuple[Spot, ...]:
    """Return the places around a point, the best first; the last ones are for points that lines run into.

    Examples
    --------
    >>> around()[0]
    Spot(dx=18.0, dy=0.0, ha='left', va='center')
    """
    near, far = gap, 2.4 * gap
    rings = [Spot(sign * reach, lift, ha) for reach in (near, far) for lift in _LIFTS for ha, sign in _SIDES]
    over = [Spot(shift, sign * 0.8 * near, "center", va) for shift in (0, -far, far) for sign, va in _OVER]
    away = [Spot(sign * reach * gap, lift, ha) for reach in _AWAY for lift in (*_LIFTS, *_HIGH) for ha, sign in _SIDES]
    return (*rings, *over, *away)


_SIDES = (("left", 1), ("right", -1))
_OVER = ((1, "bottom"), (-1, "top"))
_LIFTS = (0.0, 34.0, -34.0, 62.0, -62.0)
_HIGH = (96.0, -96.0)
_AWAY = (1.0, 4.0, 6.0, 8.0)  # times the gap


@dataclass
class Plane:
    """The room of a picture while its labels are being placed: what is taken, in stage units."""

    size: tuple[float, float]
    bounds: tuple[float, float, float, float]
    x: Axis
    y: Axis
    margins: Margins
    taken: list[Box] = field(default_factory=list)
    lines: list[Float["point xy"]] = field(default_factory=list)

    def __post_init__(self) -> None:
        picture = Picture(size=self.size, bounds=self.bounds, marks=(), x=self.x, y=self.y, margins=self.margins)
        self.inner = Placement(picture, Box(0, 0, *self.size)).inner

    @property
    def units(self) -> tuple[float, float]:
        """Stage units for one data unit to the right and upwards."""
        left, right, bottom, top = self.bounds
        return self.inner.width / (right - left), self.inner.height / (top - bottom)

    def stage(self, points: Float["point xy"]) -> Float["point xy"]:
        """Return data points of shape (points, 2) in stage units."""
        left, right, bottom, top = self.bounds
        across, up = np.asarray(points, dtype=float).T
        shares = np.column_stack([_shares(across, left, right, self.x), _shares(up, bottom, top, self.y)])
        return shares * (self.inner.width, self.inner.height) + (self.inner.left, self.inner.bottom)

    def avoid(self, points: Float["point xy"]) -> None:
        """Keep labels off a line of shape (points, 2), in data units."""
        self.lines.append(_dense(self.stage(points)))

    def avoid_dot(self, x: float, y: float, radius: float = 10.0) -> None:
        """Keep labels off a dot at a data point."""
        at = self.stage(np.array([[x, y]]))[0]
        self.taken.append(Box(at[0] - radius, at[1] - radius, 2 * radius, 2 * radius))

    def free(self, box: Box, lines: bool = True) -> bool:
        """Say whether a box lies within the axes and on nothing; without `lines` it may stand on lines."""
        inner = self.inner
        edge = self.margins.right if self.margins.right <= EDGE else 0.0  # a wider margin holds the ends' labels
        right, top = inner.left + inner.width + edge, inner.bottom + inner.height + HEADROOM
        if not (inner.left <= box.left and box.left + box.width <= right):
            return False
        if not (inner.bottom <= box.bottom and box.bottom + box.height <= top):
            return False
        if any(_overlap(box, other) for other in self.taken):
            return False
        return not (lines and any(_crosses(box, line) for line in self.lines))

    def label(self, text: Text, spots: Sequence[Spot] | None = None) -> Text | None:
        """Return the text moved to the first place beside its point where it stands on nothing.

        When every place is crossed by a line it stands on one, with a halo. None when other
        labels and dots take all of them.
        """
        x, y = self.stage(np.array([[text.x, text.y]]))[0]
        wide = label_width(text.words, text.bold)
        choices = [(spot, spot.box(x, y, wide)) for spot in (around() if spots is None else spots)]
        for clear in (True, False):
            for spot, box in choices:
                if self.free(box, lines=clear):
                    self.taken.append(box)
                    moved = {"dx": spot.dx, "dy": spot.dy, "ha": spot.ha, "va": spot.va}
                    return replace(text, halo=text.halo or not clear, **moved)
        return None

    def labels(self, texts: Iterable[Text], spots: Sequence[Spot] | None = None) -> list[Mark]:
        """Place labels one after the other; one that finds no place is left out."""
        return [placed for text in texts if (placed := self.label(text, spots)) is not None]


def _shares(values: Float["point"], low: float, high: float, along: Axis) -> Float["point"]:
    """Return how far along an axis each value lies, 0 to 1 from end to end."""
    if along.scale == "log":
        return np.log(values / low) / np.log(high / low)
    return (values - low) / (high - low)


def _overlap(one: Box, other: Box) -> bool:
    across = one.left < other.left + other.width and other.left < one.left + one.width
    return across and one.bottom < other.bottom + other.height and other.bottom < one.bottom + one.height


def _dense(line: Float["point xy"], step: float = 6.0) -> Float["point xy"]:
    """Fill a line up with points that lie close to each other."""
    pieces = [line[:1]]
    for start, end in pairwise(line):
        count = max(int(np.hypot(*(end - start)) / step), 1)
        pieces.append(start + (end - start) * (np.arange(1, count + 1) / count)[:, None])
    return np.concatenate(pieces)


def _crosses(box: Box, line: Float["point xy"]) -> bool:
    x, y = line[:, 0], line[:, 1]
    inside = (box.left <= x) & (x <= box.left + box.width) & (box.bottom <= y) & (y <= box.bottom + box.height)
    return bool(inside.any())
