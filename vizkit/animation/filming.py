"""The frames of a play, one after the other, as manim's own scene would draw them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from vizkit.animation._manim import StoryCamera, play_seconds, wait_seconds
from vizkit.animation.mobjects import FRAME
from vizkit.animation.script import Play
from vizkit.animation.staging import Stage
from vizkit.theme import Theme
from vizkit.typing import Int

__all__ = ["drawn", "film", "length"]


def length(play: Play, rate: int) -> int:
    """Return how many frames a play has at a rate: manim cuts a wait down and rounds a play up."""
    if play.waits:
        return int(wait_seconds(play.seconds) * rate)
    return math.ceil(play_seconds(play.seconds) * rate)


def drawn(play: Play, rate: int) -> int:
    """Return how many of a play's frames have to be drawn."""
    return 1 if play.waits else length(play, rate)


def film(
    play: Play, theme: Theme, size: tuple[int, int], rate: int, *, clear: bool = False
) -> Iterator[tuple[Int["height width rgba"], int]]:
    """Yield each different frame of a play and how often it is shown.

    Parameters
    ----------
    play
        The play; nothing but it is needed.
    theme
        The theme, for the ground.
    size
        Width and height in pixels.
    rate
        Frames per second.
    clear
        Whether the ground is transparent.

    Yields
    ------
    tuple
        Bytes of shape (height, width, 4), which the next frame overwrites, and a count.
    """
    camera = _camera(theme, size, clear)
    scenery = Stage(theme).enter(play)
    camera.capture_mobjects(scenery.back)
    if play.waits:
        camera.capture_mobjects([scenery.front])
        yield camera.pixel_array, length(play, rate)
        return
    still = camera.pixel_array.copy()
    for number in range(length(play, rate)):
        camera.set_pixel_array(still)
        scenery.show(number / rate / play_seconds(play.seconds))
        camera.capture_mobjects([scenery.front])
        yield camera.pixel_array, 1


def _camera(theme: Theme, size: tuple[int, int], clear: bool) -> StoryCamera:
    width, height = size
    return StoryCamera(
        background_color=theme.ground,
        background_opacity=0.0 if clear else 1.0,
        pixel_width=width,
        pixel_height=height,
        frame_width=FRAME[0],
        frame_height=FRAME[1],
    )
