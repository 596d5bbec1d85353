"""All use of manim's internals that are not its public interface, and why each is needed.

`paint` and `paint_halo` write a mobject's colour arrays. The public ``set_fill`` and ``set_stroke`` parse
colours and visit the whole family, which takes longer than drawing a small shape; colours
here are ready numbers, set on one shape in every frame.

`wait_seconds` and `play_seconds` give a duration that manim turns into exactly as many
frames as it says: a wait is cut to whole frames by truncation, a play counts the frames
before its end, and both would gain or lose one to rounding.

`StoryCamera` keeps each shape's path as cairo holds it. manim's camera builds every path anew
in Python in every frame, even of a shape that only changes its colour; that was the largest
part of the time. What is drawn is the same to the pixel.

`draw` has a camera draw mobjects outside of a scene, for stills.
"""

from __future__ import annotations

from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import cairo
import numpy as np
from manim import Camera, Mobject, VMobject

from vizkit.typing import Float

__all__ = ["RGBA", "StoryCamera", "draw", "paint", "paint_halo", "play_seconds", "wait_seconds"]

RGBA: TypeAlias = "tuple[float, float, float, float]"

# The outline and the path of each shape that has been drawn. Not an attribute of the shape, since manim's cache
# tells plays apart by all that a shape holds.
_PATHS: WeakKeyDictionary[VMobject, tuple[np.ndarray, Any]] = WeakKeyDictionary()

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


class StoryCamera(Camera):
    """A camera that builds the path of a shape again only when its outline has changed."""

    def set_cairo_context_path(self, ctx: cairo.Context, vmobject: VMobject) -> StoryCamera:
        """Make a shape's path the current one."""
        points, path = _PATHS.get(vmobject, (None, None))
        if points is vmobject.points:
            ctx.new_path()
            ctx.append_path(path)
            return self
        super().set_cairo_context_path(ctx, vmobject)
        if len(vmobject.points):
            _PATHS[vmobject] = (vmobject.points, ctx.copy_path())
        return self


def wait_seconds(seconds: float) -> float:
    """Return the duration that manim cuts down to ``seconds`` in whole frames."""
    return seconds + _NUDGE


def play_seconds(seconds: float) -> float:
    """Return the run time for which manim draws the frames of ``seconds`` and none more."""
    return seconds - _NUDGE


def draw(mobjects: list[Mobject], **options: Any) -> Float["height width rgba"]:
    """Return the pixels of mobjects drawn by a camera with these options."""
    camera = StoryCamera(**options)
    camera.capture_mobjects(mobjects)
    return camera.pixel_array
