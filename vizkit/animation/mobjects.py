"""One mobject per kind of mark.

Each is a single manim shape that shows an item and can show another of its kind later:
``show`` rebuilds the outline only when the mark itself has changed, so a frame in which a
thing only changes its colour costs next to nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from manim import CapStyleType, LineJointType, Mobject, VGroup, VMobject

from vizkit.animation import glyphs
from vizkit.animation._manim import RGBA, paint, paint_halo
from vizkit.animation.equations import set_equation
from vizkit.animation.items import Formula, Item, rgb
from vizkit.theme import SIZES, STAGE
from vizkit.typing import Float
from vizkit.views import outlines
from vizkit.views.board import EQUATION
from vizkit.views.marks import Arrow, Cell, Curve, Disc, Dot, Image, Text
from vizkit.views.outlines import LEVELS

__all__ = ["FRAME", "MarkMobject", "bounds", "mobject", "on_frame", "on_stage", "stroke_width"]

FRAME = (128 / 9, 8.0)  # manim's frame, in its units
_UNIT = FRAME[0] / STAGE[0]
_STROKE = _UNIT / 0.01  # manim's stroke widths are hundredths of its units
HALO, HAIRLINE, RIM = 7.0, 2.0, 4.0  # as in the figures: a text's halo, a plain cell's rim, a hollow dot's rim


def on_frame(points: Float["point xy"]) -> Float["point xyz"]:
    """Return stage points, shape (points, 2), in manim's coordinates, shape (points, 3)."""
    placed = np.zeros((len(points), 3))
    placed[:, 0] = (points[:, 0] - STAGE[0] / 2) * _UNIT
    placed[:, 1] = (points[:, 1] - STAGE[1] / 2) * _UNIT
    return placed


def on_stage(points: Float["point xyz"]) -> Float["point xy"]:
    """Return manim's coordinates, shape (points, 3), as stage points, shape (points, 2)."""
    return points[:, :2] / _UNIT + (STAGE[0] / 2, STAGE[1] / 2)


def stroke_width(width: float) -> float:
    """Return a width in stage units as manim's stroke width."""
    return width * _STROKE


def _rgba(colour: Float["channel"], opacity: float) -> RGBA:
    return (*colour, opacity)


class MarkMobject(VMobject):
    """A shape that shows an item."""

    joint = LineJointType.ROUND

    def __init__(self, item: Item) -> None:
        super().__init__(joint_type=self.joint)
        self.item: Item | None = None
        self.show(item)

    def show(self, item: Item) -> None:
        """Show an item of this mobject's kind."""
        before = self.item
        if before is None or before.mark is not item.mark or before.scale != item.scale:
            self.points = on_frame(self.outline(item))
        self.item = item
        self.color_in(item)

    @staticmethod
    def outline(item: Item) -> Float["point xy"]:
        """Return the outline of an item in stage units."""
        raise NotImplementedError("A kind of mark defines its outline().")

    def color_in(self, item: Item) -> None:
        """Take an item's colours."""
        raise NotImplementedError(f"{type(self).__name__} does not define color_in().")


class TextMobject(MarkMobject):
    """Words as one shape; ``text`` is the line that its glyphs were taken for."""

    text: str = ""

    def show(self, item: Item) -> None:
        """Show other words, and keep the line that is shown."""
        self.text = str(item.mark.words)
        super().show(item)

    @staticmethod
    def outline(item: Item) -> Float["point xy"]:
        """Return the glyphs of a line, in stage units."""
        return glyphs.label(item.mark, SIZES[item.mark.size] * item.scale)

    def color_in(self, item: Item) -> None:
        """Set the text colour, and the halo's."""
        paint(self, fill=_rgba(item.colour, item.opacity))
        if item.mark.halo:
            paint_halo(self, _rgba(item.ground, item.opacity), stroke_width(2 * HALO * item.scale))


class CurveMobject(MarkMobject):
    """A line."""

    def __init__(self, item: Item) -> None:
        super().__init__(item)
        flat = item.mark.dashed or item.mark.value is not None
        self.cap_style = CapStyleType.BUTT if flat else CapStyleType.ROUND

    @staticmethod
    def outline(item: Item) -> Float["point xy"]:
        """Return the line through the points, in stage units."""
        mark = item.mark
        return outlines.dashes(mark.points, mark.width) if mark.dashed else outlines.polyline(mark.points)

    def color_in(self, item: Item) -> None:
        """Set the line's colour and width."""
        paint(self, stroke=_rgba(item.colour, item.opacity), width=stroke_width(item.mark.width))


class DotMobject(MarkMobject):
    """A small disc, or its rim."""

    @staticmethod
    def outline(item: Item) -> Float["point xy"]:
        """Return the disc, or the middle of its rim, in stage units."""
        mark = item.mark
        return outlines.circle(mark.x, mark.y, mark.radius - (RIM / 2 * item.scale if mark.hollow else 0.0))

    def color_in(self, item: Item) -> None:
        """Set the fill and the rim."""
        rim = stroke_width(RIM * item.scale) if item.mark.hollow else 0.0
        paint(self, fill=_rgba(item.fill, item.opacity), stroke=_rgba(item.colour, item.opacity), width=rim)


class DiscMobject(MarkMobject):
    """A unit."""

    @staticmethod
    def outline(item: Item) -> Float["point xy"]:
        """Return the circle, in stage units."""
        return outlines.circle(item.mark.x, item.mark.y, item.mark.radius)

    def color_in(self, item: Item) -> None:
        """Set the fill and the rim."""
        width = stroke_width(item.mark.width)
        paint(self, fill=_rgba(item.fill, item.opacity), stroke=_rgba(item.colour, item.opacity), width=width)


class CellMobject(MarkMobject):
    """A rectangle."""

    joint = LineJointType.MITER

    @staticmethod
    def outline(item: Item) -> Float["point xy"]:
        """Return the rectangle, in stage units."""
        return outlines.rectangle(item.mark.x, item.mark.y, item.mark.width, item.mark.height)

    def color_in(self, item: Item) -> None:
        """Set the fill and the rim."""
        width = stroke_width(item.mark.frame or HAIRLINE * item.scale)
        paint(self, fill=_rgba(item.fill, item.opacity), stroke=_rgba(item.colour, item.opacity), width=width)


class ArrowMobject(MarkMobject):
    """An arrow, shaft and head in one outline."""

    @staticmethod
    def outline(item: Item) -> Float["point xy"]:
        """Return the arrow, in stage units."""
        return outlines.arrow(item.mark)

    def color_in(self, item: Item) -> None:
        """Set the arrow's colour."""
        paint(self, fill=_rgba(item.colour, item.opacity))


class ImageMobject(VGroup):
    """An array as coloured cells: one shape for all cells of one level of the colour map.

    (manim's own image shows no array in this version of Pillow, and is composed anew over the
    whole frame each time.)
    """

    def __init__(self, item: Item) -> None:
        super().__init__()
        self.item: Item | None = None
        low = -LEVELS if item.mark.signed else 0
        self.levels = range(low, LEVELS + 1)
        self.add(*(VMobject() for _ in self.levels))
        self.show(item)

    def show(self, item: Item) -> None:
        """Show an image of the same kind."""
        before, self.item = self.item, item
        if before is None or before.mark is not item.mark:
            cells, levels = outlines.cells(item.mark), outlines.levels(item.mark)
            for level, part in zip(self.levels, self.submobjects, strict=True):
                part.points = on_frame(cells[levels == level].reshape(-1, 2))
        for level, part in zip(self.levels, self.submobjects, strict=True):
            end = item.fill if level < 0 else item.colour
            paint(part, fill=_rgba(item.ground + (end - item.ground) * abs(level / LEVELS), item.opacity))


class FormulaMobject(VGroup):
    """An equation, one shape per colour; ``typst`` is the document that it was set from."""

    def __init__(self, item: Item) -> None:
        super().__init__()
        self.item, self.typst = item, item.mark.typst
        setting = set_equation(self.typst)
        width, height = setting.size
        scale = min(1.0, EQUATION.width / width, EQUATION.height / height)
        self._colours = [rgb(colour[:7]) for colour, _ in setting.outlines]
        for _, outline in setting.outlines:
            part = VMobject()
            part.points = on_frame(outline * scale + (item.mark.x, item.mark.y))
            self.add(part)
        self.show(item)

    def show(self, item: Item) -> None:
        """Show the same equation at another opacity."""
        self.item = item
        for part, colour in zip(self.submobjects, self._colours, strict=True):
            paint(part, fill=_rgba(colour, item.opacity))


_KINDS: dict[type, Any] = {
    Text: TextMobject,
    Curve: CurveMobject,
    Dot: DotMobject,
    Disc: DiscMobject,
    Cell: CellMobject,
    Arrow: ArrowMobject,
    Image: ImageMobject,
    Formula: FormulaMobject,
}


def mobject(item: Item) -> Mobject:
    """Return a new mobject that shows an item."""
    return _KINDS[type(item.mark)](item)


def bounds(item: Item) -> tuple[float, float, float, float]:
    """Return the left, right, low and high end of what an item covers on the stage, strokes included."""
    mark = item.mark
    if isinstance(mark, Image):
        return mark.x, mark.x + mark.width, mark.y, mark.y + mark.height
    if isinstance(mark, Formula):
        width, height = set_equation(mark.typst).size
        return mark.x - width / 2, mark.x + width / 2, mark.y - height / 2, mark.y + height / 2
    outline = _KINDS[type(mark)].outline(item)
    if not len(outline):
        return math.inf, -math.inf, math.inf, -math.inf  # covers nothing, and adds nothing to what it moves to
    (left, low), (right, high) = outline.min(axis=0), outline.max(axis=0)
    rim = _rim(item)
    return left - rim, right + rim, low - rim, high + rim


def _rim(item: Item) -> float:
    mark = item.mark
    if isinstance(mark, Text):
        return HALO * item.scale if mark.halo else 0.0
    if isinstance(mark, Cell):
        return (mark.frame or HAIRLINE * item.scale) / 2
    return getattr(mark, "width", 0.0) / 2 if isinstance(mark, Curve | Disc) else RIM
