"""manim's renderer, led play by play: each is drawn, or walked through without drawing.

A play that is walked through leaves what a drawn one leaves. As a rule it is done as when drawing, frame by frame,
only that nothing is drawn: updaters, trackers and random numbers get the same steps. (manim's own way of skipping
takes one step for the whole play, which leaves updaters elsewhere.) Where nothing has an updater and all animations are
ones of manim's whose end does not depend on the way, the play's last frame is enough.

`Guide.play` is `CairoRenderer.play` of manim 0.22 without its cache, with a place to stop at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from manim import Animation, Mobject, Scene, Wait, config
from manim.renderer.cairo_renderer import CairoRenderer
from manim.scene.scene_file_writer import SceneFileWriter

from vizkit.render.encoding import Encoder
from vizkit.typing import Int

__all__ = ["Guide", "Writer", "steady"]

# Animations that call a user's function, or whose every step begins where the last one ended.
_STEPWISE = {
    "ApplyMethodUpdater", "ChangeSpeed", "ChangingDecimal", "ChangeDecimalToValue", "MaintainPositionRelativeTo",
    "PhaseFlow", "UpdateFromFunc", "UpdateFromAlphaFunc",
}  # fmt: skip


class Writer(SceneFileWriter):
    """Keeps manim's record of sections, subtitles and sounds, and hands frames on instead of writing them."""

    frames: Callable[[Int["height width rgba"], int], None] | None = None
    listens = True  # to sounds

    def add_sound(self, *args: Any, **kwargs: Any) -> None:
        """Add a sound, where they are wanted."""
        if self.listens:
            super().add_sound(*args, **kwargs)

    def begin_animation(self, *args: Any, **kwargs: Any) -> None:
        """Open no file."""

    def end_animation(self, *args: Any, **kwargs: Any) -> None:
        """Close no file."""

    def write_frame(self, pixels: Int["height width rgba"], *, repeat: int = 1) -> None:
        """Hand a frame on."""
        if self.frames is not None:
            self.frames(pixels, repeat)

    def finish(self) -> None:
        """Join nothing."""


class Guide(CairoRenderer):
    """A renderer that asks before each play whether to draw it.

    Parameters
    ----------
    ask
        Is called with the scene when a play's animations are known and have not begun; returns an encoder to draw
        the play with, or None to walk through it.
    exact
        Whether plays are walked through frame by frame always.
    """

    def __init__(self, ask: Callable[[Scene], Encoder | None], *, exact: bool, **options: Any) -> None:
        super().__init__(file_writer_class=Writer, **options)
        self.guide = (ask, exact)
        self.walks = False
        self.frames = self.pictures = self.curves = 0  # of the last play: frames, different ones, curves in each

    def play(self, scene: Scene, *args: Any, **kwargs: Any) -> None:
        """Draw a play, or walk through it."""
        self.skip_animations = self._original_skipping_status
        self.update_skipping_status()
        scene.compile_animation_data(*args, **kwargs)
        if self.skip_animations:  # by the scene's own wish: the play has no frames
            self.time += scene.duration
            self.walks, encoder = True, None
        else:
            encoder = self.guide[0](scene)
            self.walks, self.frames, self.pictures = encoder is None, 0, 0
        self.file_writer.frames = encoder.add if encoder is not None else None
        self.file_writer.add_partial_movie_file(None if self.skip_animations else str(self.num_plays))
        scene.begin_animations()
        self.curves = sum(len(each.points) for each in scene.moving_mobjects) // 4
        self.save_static_frame_data(scene, scene.static_mobjects)
        if scene.is_current_animation_frozen_frame():
            self.update_frame(scene, mobjects=scene.moving_mobjects)
            self.freeze_current_frame(scene.duration)
        elif self.walks and not self.skip_animations and not self.guide[1] and steady(scene):
            self._leap(scene)
        else:
            scene.play_internal()
        self.num_plays += 1

    def update_frame(self, scene: Scene, *args: Any, **kwargs: Any) -> None:
        """Draw, unless this play is walked through."""
        if not self.walks:
            super().update_frame(scene, *args, **kwargs)

    def save_static_frame_data(self, scene: Scene, static_mobjects: Iterable[Mobject]) -> Any:
        """Draw what stands still, unless this play is walked through."""
        if self.walks:
            self.static_image = None
            return None
        return super().save_static_frame_data(scene, static_mobjects)

    def render(self, scene: Scene, time: float, moving_mobjects: Iterable[Mobject] | None = None) -> None:
        """Draw a frame; the encoder copies what it keeps, so no copy is made for it."""
        self.update_frame(scene, moving_mobjects)
        self.add_frame(self.camera.pixel_array)

    def freeze_current_frame(self, duration: float) -> None:
        """Show the frame for a while."""
        self.add_frame(self.camera.pixel_array, num_frames=int(duration / (1 / self.camera.frame_rate)))

    def add_frame(self, frame: Int["height width rgba"], num_frames: int = 1) -> None:
        """Count a frame, and hand it on."""
        if num_frames and not self.skip_animations:
            self.frames, self.pictures = self.frames + num_frames, self.pictures + 1
            super().add_frame(frame, num_frames)

    def scene_finished(self, scene: Scene) -> None:
        """Write nothing."""

    def _leap(self, scene: Scene) -> None:
        """Go through a play in one step to its last frame, and end it as `Scene.play_internal` does."""
        times = np.arange(0, scene.duration, 1 / config["frame_rate"])
        for _ in times:
            self.add_frame(self.camera.pixel_array)
        scene.update_to_time(times[-1])
        for animation in scene.animations:
            animation.finish()
            animation.clean_up_from_scene(scene)
        scene.update_mobjects(0)
        self.static_image = None


def steady(scene: Scene) -> bool:
    """Say whether a play depends on nothing but its animations: no updaters, and all of them known."""
    if scene.is_current_animation_frozen_frame():
        return True
    if scene.updaters or scene.always_update_mobjects or scene.stop_condition is not None:
        return False
    animations = list(_all(scene.animations))
    mobjects = [*scene.mobjects, *(each.mobject for each in animations if each.mobject is not None)]
    updated = any(member.updaters for mobject in mobjects for member in mobject.get_family())
    return not updated and all(_known(each) for each in animations)


def _all(animations: Iterable[Animation]) -> Iterator[Animation]:
    for animation in animations:
        yield animation
        yield from _all(getattr(animation, "animations", ()))


def _known(animation: Animation) -> bool:
    """Say whether an animation is one of manim's, or vizkit's, that shows a moment and keeps nothing of the last."""
    kinds = [each for each in type(animation).__mro__ if each.__name__ in _STEPWISE]
    module = type(animation).__module__.partition(".")[0]
    return not kinds and module in ("manim", "vizkit") and not isinstance(animation, Wait)
