"""The board: the picture zone of a frame, with one or more views side by side.

A frame is a stage of 1920 × 1080 units with four zones that never move: title and place,
picture, equation, caption. Coordinates on the stage go right and up from the lower left
corner. Every medium that shows whole frames uses the boxes of this module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from vizkit.errors import ArgumentError
from vizkit.views.marks import Values
from vizkit.views.picture import Axis, Picture, View

__all__ = ["CAPTION", "EQUATION", "PICTURE", "PLACE", "TITLE", "Board", "Box", "Panel", "Placement", "board"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the stage: its lower left corner, width and height, in stage units."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        """The centre of the box."""
        return self.left + self.width / 2, self.bottom + self.height / 2


TITLE = Box(80, 968, 1760, 76)
PLACE = Box(80, 906, 1760, 58)
PICTURE = Box(60, 320, 1800, 576)
EQUATION = Box(60, 158, 1800, 142)
CAPTION = Box(110, 26, 1700, 130)


@dataclass(frozen=True, slots=True)
class Panel:
    """A named view and the share of the board's width that it takes."""

    name: str
    view: View
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Board:
    """Panels from left to right."""

    panels: tuple[Panel, ...]
    gap: float = 40.0

    def __post_init__(self) -> None:
        names = [panel.name for panel in self.panels]
        if not names or len(set(names)) < len(names):
            raise ArgumentError(
                f"A board has one or more panels, each with a name of its own, but the names are {names}."
            )
        if any(panel.share <= 0 for panel in self.panels):
            raise ArgumentError(f"A panel's share is above 0, but the shares are {[p.share for p in self.panels]}.")

    def boxes(self, zone: Box = PICTURE) -> dict[str, Box]:
        """Return where each panel stands on the stage."""
        free = zone.width - self.gap * (len(self.panels) - 1)
        whole = sum(panel.share for panel in self.panels)
        found, left = {}, zone.left
        for panel in self.panels:
            width = free * panel.share / whole
            found[panel.name] = Box(left, zone.bottom, width, zone.height)
            left += width + self.gap
        return found

    def quantities(self) -> Values:
        """Return every number on the board, named ``panel/number``."""
        return {
            f"{panel.name}/{name}": value for panel in self.panels for name, value in panel.view.quantities().items()
        }


def board(**panels: View | tuple[View, float]) -> Board:
    """Return a board from views, or (view, share) pairs, by name.

    Examples
    --------
    >>> from vizkit.views.picture import View
    >>> [round(box.width) for box in board(network=(View(), 3.0), fit=(View(), 2.0)).boxes().values()]
    [1056, 704]
    """
    pairs = {name: item if isinstance(item, tuple) else (item, 1.0) for name, item in panels.items()}
    return Board(tuple(Panel(name, view, share) for name, (view, share) in pairs.items()))


@dataclass(frozen=True, slots=True)
class Placement:
    """A picture put into a box: where its data points come to lie.

    ``scale`` is the length of one of the picture's stage units in units of the box; text and
    strokes are drawn that much larger.
    """

    picture: Picture
    box: Box

    @property
    def scale(self) -> float:
        """Size of the box against the size that the picture was meant for."""
        width, height = self.picture.size
        return min(self.box.width / width, self.box.height / height)

    @property
    def inner(self) -> Box:
        """The rectangle that the data bounds fill."""
        room, scale, box = self.picture.margins, self.scale, self.box
        width = box.width - scale * (room.left + room.right)
        height = box.height - scale * (room.bottom + room.top)
        left, bottom = box.left + scale * room.left, box.bottom + scale * room.bottom
        if self.picture.x is None:
            x0, x1, y0, y1 = self.picture.bounds
            unit = min(width / (x1 - x0), height / (y1 - y0))
            left += (width - unit * (x1 - x0)) / 2
            bottom += (height - unit * (y1 - y0)) / 2
            width, height = unit * (x1 - x0), unit * (y1 - y0)
        return Box(left, bottom, width, height)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return where a data point lies in the box's units."""
        x0, x1, y0, y1 = self.picture.bounds
        inner = self.inner
        across = _share(x, x0, x1, self.picture.x)
        up = _share(y, y0, y1, self.picture.y)
        return inner.left + inner.width * across, inner.bottom + inner.height * up

    @property
    def unit(self) -> float:
        """Length of one data unit to the right (of a diagram: in every direction)."""
        x0, x1, _, _ = self.picture.bounds
        return self.inner.width / (x1 - x0)


def _share(value: float, low: float, high: float, along: Axis | None) -> float:
    if along is not None and along.scale == "log":
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)
