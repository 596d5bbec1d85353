"""The light that runs along lines: a bright head with a fading tail, on all lines at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from manim import CapStyleType, LineJointType, VGroup, VMobject

from vizkit.animation import outlines
from vizkit.animation._manim import paint
from vizkit.animation.frames import Frame
from vizkit.animation.items import RGB, Item, rgb
from vizkit.animation.mobjects import on_frame, stroke_width
from vizkit.errors import ArgumentError
from vizkit.stories.story import Pulse
from vizkit.theme import Theme
from vizkit.typing import Float
from vizkit.views.marks import Arrow, Curve

__all__ = ["Light", "light"]

TAIL = 0.3  # of a line's length
# of each layer: share of the tail, width (times the line's, plus), opacity
LAYERS = ((1.0, 3.0, 16.0, 0.10), (0.75, 2.0, 9.0, 0.18), (0.55, 1.0, 3.0, 0.55), (0.3, 1.0, 3.0, 1.0))
GLOW, HEAD = 17.0, 8.0  # radius of the head's glow and of the head


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A line that a light runs along, in its direction, and the line's width."""

    points: Float["point xy"]
    width: float


def _way(item: Item, backward: bool) -> Way:
    mark = item.mark
    if isinstance(mark, Arrow):
        points = outlines.arrow_line(mark)
    elif isinstance(mark, Curve):
        points = mark.points
    else:
        raise ArgumentError(f"A pulse runs along curves and arrows, but {item.name!r} is a {type(mark).__name__}.")
    return Way(points[::-1] if backward else points, mark.width)


class Light(VGroup):
    """Lights on several lines; `show` sets how far they have come."""

    def __init__(self, ways: list[Way], colour: RGB, core: RGB) -> None:
        looks = {"cap_style": CapStyleType.ROUND, "joint_type": LineJointType.ROUND}
        self.ways, self.colour, self.core = ways, colour, core
        super().__init__(*(VMobject(**looks) for _ in range(len(LAYERS) + 2)))
        self.show(0.0)

    def show(self, share: float) -> None:
        """Put the heads this share of the way, 0 to 1; at both ends nothing is seen."""
        head = share * (1.0 + TAIL)
        for (tail, times, plus, opacity), part in zip(LAYERS, self.submobjects, strict=False):
            lines = [self._line(way, head - tail * TAIL, head) for way in self.ways]
            part.points = _joined(lines)
            width = stroke_width(times * max(way.width for way in self.ways) + plus)
            paint(part, stroke=(*self.colour, opacity), width=width)
        self._show_heads(head)

    def _line(self, way: Way, start: float, end: float) -> Float["point xy"]:
        if end <= 0.0 or start >= 1.0:
            return np.zeros((0, 2))
        return outlines.polyline(outlines.part(way.points, start, end))

    def _show_heads(self, head: float) -> None:
        fade = max(0.0, min(1.0, 12 * head, 12 * (1.0 - head)))
        tips = [outlines.part(way.points, 0.0, max(head, 1e-6))[-1] for way in self.ways]
        glow, core = self.submobjects[-2:]
        glow.points = _joined([outlines.circle(x, y, GLOW) for x, y in tips])
        core.points = _joined([outlines.circle(x, y, HEAD) for x, y in tips])
        paint(glow, fill=(*self.colour, 0.35 * fade))
        paint(core, fill=(*self.core, fade))


def _joined(lines: list[Float["point xy"]]) -> Float["point xyz"]:
    return on_frame(np.concatenate(lines))


def light(pulse: Pulse, frame: Frame, theme: Theme) -> Light:
    """Return the light of a pulse over a frame.

    Raises
    ------
    ArgumentError
        If the pulse names a mark that is neither a curve nor an arrow.
    """
    ways = [_way(frame.items[key], pulse.backward) for key in pulse.along]
    colour = rgb(theme.color(pulse.role))
    return Light(ways, colour, (colour + 2 * rgb(theme.color("focus"))) / 3)
