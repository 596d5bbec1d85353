"""Which colour a mark takes in a theme, for every renderer alike.

A mark says its role; how strong its fill is, whether it is dimmed, and what lies behind a
text decide the rest. A text that stands on a filled unit or cell takes ink or ground when
its own colour could not be read there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from vizkit.theme import DIMMED, TEXT_CONTRAST, Theme, contrast, mix
from vizkit.views.marks import Cell, Disc, Mark, Text
from vizkit.views.picture import Picture

__all__ = ["Colors", "backdrop"]


def _holds(mark: Mark, x: float, y: float) -> bool:
    if isinstance(mark, Disc):
        return (mark.x - x) ** 2 + (mark.y - y) ** 2 <= mark.radius**2
    if isinstance(mark, Cell):
        return mark.x <= x <= mark.x + mark.width and mark.y <= y <= mark.y + mark.height
    return False


def backdrop(picture: Picture, text: Text) -> Disc | Cell | None:
    """Return the unit or cell that a text stands on, the foremost of several, or None for the ground.

    A text that is moved off its anchor (``dx``, ``dy``) stands on the ground.

    Examples
    --------
    >>> from vizkit.views.text import words
    >>> disc, text = Disc(key="a", x=0, y=0, radius=1), Text(key="t", words=words("1"), x=0.2, y=0)
    >>> backdrop(Picture(size=(9, 9), bounds=(-1, 1, -1, 1), marks=(disc, text)), text).key
    'a'
    """
    if text.dx or text.dy:
        return None
    found = [mark for mark in picture.ordered if mark.depth <= text.depth and _holds(mark, text.x, text.y)]
    return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Colors:
    """The colours of marks in one theme.

    Examples
    --------
    >>> from vizkit.theme import LIGHT
    >>> Colors(LIGHT).stroke(Disc(key="unit", role="input", x=0, y=0, radius=1), lit=True) == LIGHT.color("input")
    True
    """

    theme: Theme

    def share(self, role: str, strength: float, signed: bool, lit: bool = True) -> str:
        """Return the fill for a strength from −1 to 1 (``signed``, diverging) or 0 to 1 of a role's colour."""
        colour = self.theme.signed(strength) if signed else self.theme.shade(role, strength)
        return colour if lit else self.theme.dimmed(colour)

    def fill(self, mark: Disc | Cell, lit: bool = True) -> str:
        """Return the fill of a unit or cell."""
        if isinstance(mark, Disc):
            return self.share(mark.role, mark.strength, False, lit)
        return self.share(mark.role, mark.fill, mark.signed, lit)

    def stroke(self, mark: Mark, lit: bool = True) -> str:
        """Return the colour of a mark's line, or of its area for a dot; a cell without frame has a hairline."""
        hairline = isinstance(mark, Cell) and not mark.frame
        colour = self.theme.color("lines" if hairline else mark.role)
        return colour if lit else self.theme.dimmed(colour)

    def text(self, role: str, fill: str, lit: bool = True) -> str:
        """Return a readable text colour of a role on a fill."""
        colour = self.theme.color(role)
        if contrast(colour, fill) < TEXT_CONTRAST:
            colour = self.theme.on(fill)
        return colour if lit else _stepped_back(colour, fill)


@cache  # few pairs of colours, and each is that of many labels
def _stepped_back(colour: str, fill: str) -> str:
    """Return a text's colour mixed into what lies behind it, as far as it can still be read."""
    share = DIMMED
    while share < 1 and contrast(mix(fill, colour, share), fill) < TEXT_CONTRAST:
        share = min(1.0, share + 0.05)
    return mix(fill, colour, share)
