"""Single moments as pixels or mobjects, without a scene."""

from __future__ import annotations

from manim import Mobject

from vizkit.animation._manim import draw
from vizkit.animation.frames import frame_of, stand_of
from vizkit.animation.mobjects import FRAME
from vizkit.animation.script import Play, beat_plays
from vizkit.animation.staging import still
from vizkit.stories.story import Beat, Story
from vizkit.theme import DARK, Theme, get
from vizkit.typing import Int

__all__ = ["pixels", "plays_of", "settled"]


def plays_of(story: Story, beat: Beat, theme: Theme) -> list[Play]:
    """Return the plays of one beat of a story in which something moves."""
    return [play for play in beat_plays(story, story.beats.index(beat), theme) if not play.waits]


def settled(story: Story, beat: Beat, theme: Theme | str = "dark") -> list[Mobject]:
    """Return the mobjects of a beat that has come to rest, from the back to the front."""
    ground = get(theme, DARK)
    frame = frame_of(stand_of(story, beat), ground)
    return still(Play(beat, 0.0, frame, frame), 1.0, ground)


def pixels(play: Play, share: float, theme: Theme, width: int, height: int) -> Int["height width rgba"]:
    """Return one moment of a play, drawn at a size in pixels, as bytes of shape (height, width, 4)."""
    options = {"pixel_width": width, "pixel_height": height, "frame_width": FRAME[0], "frame_height": FRAME[1]}
    return draw(still(play, share, theme), background_color=theme.ground, **options)
