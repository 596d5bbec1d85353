"""The light that runs along lines: a bright head with a fading tail, on all lines at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from manim import VGroup, VMobject

from vizkit.animation._manim import paint
from vizkit.animation.frames import Frame
from vizkit.animation.items import RGB, Item, rgb
from vizkit.animation.mobjects import on_frame
from vizkit.errors import ArgumentError
from vizkit.stories.story import Pulse
from vizkit.theme import Theme
from vizkit.typing import Float
from vizkit.views import outlines
from vizkit.views.marks import Arrow, Curve

__all__ = ["Light", "light"]

TAIL = 0.34  # of a line's length
# of each layer, from the back: share of the tail, radius of the head beyond half the line's width, opacity
LAYERS = (
    (1.0, 17.0, 0.07),
    (0.92, 13.0, 0.09),
    (0.84, 9.5, 0.13),
    (0.76, 6.5, 0.22),
    (0.68, 4.0, 0.55),
    (0.6, 1.5, 1.0),
)
CORE = (0.35, 0.0, 0.9)  # the innermost layer, nearly white


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
        self.ways = ways
        self.layers = [*((layer, colour) for layer in LAYERS), (CORE, core)]
        super().__init__(*(VMobject() for _ in self.layers))
        self.show(0.0)

    def show(self, share: float) -> None:
        """Put the heads this share of the way, 0 to 1; at both ends nothing is seen."""
        head = share * (1.0 + TAIL)
        fade = max(0.0, min(1.0, 10 * head, 4 * (1.0 + TAIL - head)))
        for ((tail, plus, opacity), colour), part in zip(self.layers, self.submobjects, strict=True):
            drops = [outlines.drop(w.points, (head - tail * TAIL, head), w.width / 2 + plus) for w in self.ways]
            part.points = on_frame(np.concatenate(drops))
            paint(part, fill=(*colour, opacity * fade))


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
