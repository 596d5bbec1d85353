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

`steady_renderer` writes frames that stand still faster: manim's encoder converts a frame from RGB
to YUV again for each repetition, which takes longer than compressing it, and in an explanation
most frames are repetitions. The file is the same to the byte.

`draw` has a camera draw mobjects outside of a scene, for stills.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import av
import cairo
import numpy as np
from manim import Camera, Mobject, VMobject
from manim.renderer.cairo_renderer import CairoRenderer
from manim.scene.scene_file_writer import SceneFileWriter
from manim.scene.video_segment_encoder import VideoSegmentEncoder

from vizkit.typing import Float, Int

__all__ = ["RGBA", "StoryCamera", "draw", "paint", "paint_halo", "play_seconds", "steady_renderer", "wait_seconds"]

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


class _SteadyEncoder(VideoSegmentEncoder):
    """An encoder that converts a frame once, however often it is repeated."""

    def write_frame(self, pixels: Int["height width rgba"], *, repeat: int = 1) -> None:
        """Encode a frame, an array of bytes with shape (height, width, 4), ``repeat`` times."""
        self._validate_frame(pixels, repeat)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgba").reformat(format=self.spec.pixel_format)
        frame.time_base = 1 / self.spec.frame_rate
        for _ in range(repeat):
            frame.pts = self._next_pts
            self._next_pts += 1
            for packet in self._stream.encode(frame):
                self._container.mux(packet)


class _SteadyWriter(SceneFileWriter):
    def _create_segment_encoder(self, target: Path) -> VideoSegmentEncoder:
        return _SteadyEncoder(target=target, spec=self.video_encoder)


def steady_renderer() -> CairoRenderer:
    """Return a renderer for a `StoryScene` whose still frames cost little."""
    return CairoRenderer(file_writer_class=_SteadyWriter, camera_class=StoryCamera)


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
