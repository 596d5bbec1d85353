"""Pictures: what a view becomes before a renderer draws it.

A picture is a set of marks, the bounds of its data, and, for a plot, its two axes. `View`
is the base of everything in this package that can be turned into a picture.
"""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cached_property
from typing import Literal, Self

from vizkit.errors import ArgumentError, unknown_name
from vizkit.views.marks import Mark, Values
from vizkit.views.text import number

__all__ = ["DIAGRAM", "PLOT", "Axis", "Margins", "Picture", "View", "axis", "nice_ticks"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its name with unit, its range, and its ticks with their final texts."""

    label: str
    low: float
    high: float
    ticks: tuple[float, ...]
    texts: tuple[str, ...]
    scale: Literal["linear", "log"] = "linear"


def nice_ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Return at most `most` ticks at multiples of 1, 2 or 5 times a power of ten within a range.

    Examples
    --------
    >>> nice_ticks(0, 1, 3), nice_ticks(-3.2, 21, 6)
    ((0.0, 0.5, 1.0), (0.0, 5.0, 10.0, 15.0, 20.0))
    """
    if not low < high:
        raise ArgumentError(f"A range goes from a lower to a higher number, but ({low!r}, {high!r}) was given.")
    base = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (base, 2 * base, 5 * base, 10 * base, 20 * base, 50 * base):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return tuple(round(k * step, 12) for k in range(first, last + 1))
    raise ArgumentError(f"No ticks fit the range ({low!r}, {high!r}) with at most {most!r}.")


def axis(label: str, low: float, high: float, most: int = 5, *, whole: bool = False) -> Axis:
    """Return a linear axis with round ticks, all written with the same number of decimals; `whole` has no halves.

    Examples
    --------
    >>> axis("dosage", 0, 1, 3).texts, axis("epoch", 1, 3, whole=True).texts
    (('0.0', '0.5', '1.0'), ('1', '2', '3'))
    """
    ticks = nice_ticks(low, high, most)
    if whole:
        ticks = tuple(tick for tick in ticks if tick == round(tick))
    digits = max((len(f"{tick:.10f}".rstrip("0").partition(".")[2]) for tick in ticks), default=0)
    return Axis(label, float(low), float(high), ticks, tuple(number(tick, digits) for tick in ticks))


@dataclass(frozen=True, slots=True)
class Margins:
    """Room around the data rectangle, in stage units."""

    left: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    top: float = 0.0


PLOT = Margins(left=130.0, right=40.0, bottom=122.0, top=84.0)  # room for ticks and the names of the axes
DIAGRAM = Margins()


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """One complete picture as data.

    ``size`` is the width and height in stage units for which text and strokes are meant; a
    renderer with another room scales them along. ``bounds`` is (left, right, bottom, top) of the
    data. A picture with axes is a plot and stretches to its room; one without is a diagram, and
    one data unit is as long upwards as it is to the right.
    """

    size: tuple[float, float]
    bounds: tuple[float, float, float, float]
    marks: tuple[Mark, ...]
    x: Axis | None = None
    y: Axis | None = None
    margins: Margins = DIAGRAM

    def __post_init__(self) -> None:
        keys = [mark.key for mark in self.marks]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ArgumentError(f"Each mark of a picture has a key of its own, but {twice} came more than once.")

    @cached_property
    def ordered(self) -> tuple[Mark, ...]:
        """The marks from the back to the front."""
        return tuple(sorted(self.marks, key=lambda mark: mark.depth))

    def quantities(self) -> Values:
        """Return the name and value of every number that the picture shows."""
        found: Values = {}
        for mark in self.marks:
            found.update(mark.quantities())
        return found


class View:
    """Base of all views: a frozen dataclass (without slots) that can become a picture.

    A view knows what is shown and where. It knows nothing of matplotlib, manim or HTML. A
    subclass defines `draw`; everybody else reads `picture`.
    """

    def __new__(cls, *values: object, **options: object) -> Self:
        """Make a view; a slip in an option's name is found here, for all views alike.

        Raises
        ------
        UnknownNameError
            If there is no such option.
        """
        known = fields(cls) if is_dataclass(cls) else ()
        if slips := set(options) - {field.name for field in known if field.init}:
            open_to_users = [field.name for field in known if field.default is not MISSING]
            raise unknown_name("option", min(slips), open_to_users)
        return super().__new__(cls)

    def draw(self) -> Picture:
        """Make the picture of this view."""
        raise NotImplementedError(f"{type(self).__name__} does not define draw().")

    @cached_property
    def picture(self) -> Picture:
        """The picture of this view, made once."""
        return self.draw()

    def quantities(self) -> Values:
        """Return the name and value of every number that the view shows."""
        return self.picture.quantities()
