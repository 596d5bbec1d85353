"""All use of manim's internals that are not its public interface, and why each is needed.

`paint` and `paint_halo` write a mobject's colour arrays. The public ``set_fill`` and ``set_stroke`` parse
colours and visit the whole family, which takes longer than drawing a small shape; colours
here are ready numbers, set on one shape in every frame.

`wait_seconds` and `play_seconds` give a duration that manim turns into exactly as many
frames as it says: a wait is cut to whole frames by truncation, a play counts the frames
before its end, and both would gain or lose one to rounding.

`draw` has a camera draw mobjects outside of a scene, for stills.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from manim import Camera, Mobject, VMobject

from vizkit.typing import Float

__all__ = ["RGBA", "draw", "paint", "paint_halo", "play_seconds", "wait_seconds"]

RGBA: TypeAlias = "tuple[float, float, float, float]"

_NUDGE = 1e-4  # seconds; far below a frame, far above the rounding of a running sum


def paint(mobject: VMobject, *, fill: RGBA | None = None, stroke: RGBA | None = None, width: float = 0.0) -> None:
    """Set a shape's fill and stroke (rgba from 0 to 1); the stroke's width is manim's."""
    mobject.fill_rgbas = np.asarray([fill or (0.0, 0.0, 0.0, 0.0)])
    mobject.stroke_rgbas = np.asarray([stroke or (0.0, 0.0, 0.0, 0.0)])
    mobject.stroke_width = width if stroke is not None else 0.0


def paint_halo(mobject: VMobject, colour: RGBA, width: float) -> None:
    """Set the stroke that is drawn behind a shape's fill."""
    mobject.background_stroke_rgbas = np.asarray([colour])
    mobject.background_stroke_width = width


def wait_seconds(seconds: float) -> float:
    """Return the duration that manim cuts down to ``seconds`` in whole frames."""
    return seconds + _NUDGE


def play_seconds(seconds: float) -> float:
    """Return the run time for which manim draws the frames of ``seconds`` and none more."""
    return seconds - _NUDGE


def draw(mobjects: list[Mobject], **options: Any) -> Float["height width rgba"]:
    """Return the pixels of mobjects drawn by a camera with these options."""
    camera = Camera(**options)
    camera.capture_mobjects(mobjects)
    return camera.pixel_array
