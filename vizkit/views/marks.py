"""The marks that every picture is made of.

A mark is one thing that is drawn: a text, a curve, a circle, a cell. Its place is in the
picture's data units; sizes that must not stretch with the data (a stroke's width, a dot's
radius, a label's distance from its point) are in stage units, of which a video frame has
1920 × 1080. A renderer that can draw these few kinds can draw every view there is.

``key`` names the thing within its picture. Marks with one key in two pictures are the same
thing at two moments; that is how an animation knows what moves. ``role`` is a colour role
of the theme. ``depth`` orders the marks: higher is drawn later, in front.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from vizkit.errors import DataError, ShapeError
from vizkit.typing import ArrayLike, Float
from vizkit.views.text import Words

__all__ = ["Arrow", "Cell", "Curve", "Disc", "Dot", "Image", "Mark", "Text", "Values", "points"]

Values: TypeAlias = "dict[str, float | np.ndarray]"
Size: TypeAlias = Literal["label", "value", "heading", "tick", "small"]


def points(x: ArrayLike, y: ArrayLike) -> Float["point xy"]:
    """Return a read-only array of shape (points, 2) from two sequences of equal length.

    Raises
    ------
    ShapeError
        If the lengths differ or either is not one-dimensional.
    DataError
        If a coordinate is NaN or infinite.

    Examples
    --------
    >>> points([0, 1], [2, 3]).tolist()
    [[0.0, 2.0], [1.0, 3.0]]
    """
    xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if xs.ndim != 1 or xs.shape != ys.shape:
        raise ShapeError(f"x and y must be of one length and one axis each, but shapes {xs.shape} and {ys.shape} came.")
    pairs = np.column_stack([xs, ys])
    if not np.isfinite(pairs).all():
        bad = int(np.flatnonzero(~np.isfinite(pairs).all(axis=1))[0])
        raise DataError(f"A curve's points must be finite, but point {bad} is ({xs[bad]}, {ys[bad]}).")
    pairs.setflags(write=False)
    return pairs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mark:
    """What all marks share."""

    key: str
    role: str = "ink"
    depth: int = 0

    def quantities(self) -> Values:
        """Return the name and value of each number that this mark shows."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Text(Mark):
    """Words at a point.

    ``x, y`` is the anchor in data units, moved by ``dx`` (right) and ``dy`` (up) stage units;
    ``ha``/``va`` say which part of the text sits there. ``size`` names a size of the theme. A
    text with ``halo`` keeps a rim of the ground around itself, for labels that stand on lines.
    """

    words: Words
    x: float
    y: float
    dx: float = 0.0
    dy: float = 0.0
    ha: Literal["left", "center", "right"] = "center"
    va: Literal["top", "center", "bottom"] = "center"
    size: Size = "label"
    bold: bool = False
    halo: bool = False
    depth: int = 4

    def quantities(self) -> Values:
        """Return the numbers that stand in the words."""
        return dict(self.words.quantities())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve(Mark):
    """A line through points of shape (points, 2), in data units; ``width`` in stage units.

    With ``value`` the line stands for that number (a weight, drawn as width and colour), and its
    points are only where it runs; without, the points themselves are the numbers shown.
    ``shows=False`` marks a line that shows no number at all (a frame, a guide).
    """

    points: Float["point xy"]
    width: float = 4.0
    dashed: bool = False
    value: float | None = None
    shows: bool = True
    depth: int = 1

    def quantities(self) -> Values:
        """Return the value, or the points of shape (points, 2), under the mark's key."""
        if not self.shows:
            return {}
        return {self.key: self.points if self.value is None else float(self.value)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dot(Mark):
    """A small disc at a data point; ``radius`` in stage units. ``hollow`` draws the rim only."""

    x: float
    y: float
    radius: float = 10.0
    hollow: bool = False
    depth: int = 3

    def quantities(self) -> Values:
        """Return the two coordinates."""
        return {f"{self.key}.x": float(self.x), f"{self.key}.y": float(self.y)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Disc(Mark):
    """A unit of a network: a circle of ``radius`` data units with its rim in the role's colour.

    ``strength`` from 0 to 1 fills it with that much of the role's colour. It shows no number of
    its own; the text in it does.
    """

    x: float
    y: float
    radius: float
    width: float = 4.0
    strength: float = 0.0
    depth: int = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cell(Mark):
    """A rectangle, lower left corner ``x, y``, with an optional text in its middle.

    ``fill`` from −1 to 1 colours it: with ``signed`` on the diverging map, else with that much
    of the role's colour. The text's colour is chosen for contrast on the fill. ``frame`` is the
    rim's width in stage units, in the role's colour (0: a hairline in the colour of lines).
    """

    x: float
    y: float
    width: float = 1.0
    height: float = 1.0
    fill: float = 0.0
    signed: bool = False
    words: Words | None = None
    size: Size = "value"
    frame: float = 0.0
    depth: int = 1

    def quantities(self) -> Values:
        """Return the numbers that stand in the cell."""
        return dict(self.words.quantities()) if self.words is not None else {}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrow(Mark):
    """An arrow from ``start`` to ``end`` (data units); ``bend`` is its sagitta as a share of its
    length, to the right of its direction when positive."""

    start: tuple[float, float]
    end: tuple[float, float]
    bend: float = 0.0
    width: float = 5.0
    depth: int = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image(Mark):
    """An array of shape (height, width) as coloured cells, row 0 on top.

    It fills the rectangle from the lower left corner ``x, y``, ``width`` × ``height`` data
    units. ``limit`` is the value at the end of the colour map: from −limit to limit on the
    diverging map (``signed``), else from 0 to limit with the role's colour.
    """

    values: Float["height width"]
    x: float
    y: float
    width: float
    height: float
    limit: float
    signed: bool = False

    def quantities(self) -> Values:
        """Return the values, of shape (height, width), under the mark's key."""
        return {self.key: self.values}
