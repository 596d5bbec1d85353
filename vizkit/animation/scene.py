"""The manim scene that plays a story."""

from __future__ import annotations

import re
from typing import Any

from manim import Mobject, Scene

from vizkit.animation._manim import StoryCamera, play_seconds, wait_seconds
from vizkit.animation.script import Play, plays
from vizkit.animation.staging import Change, Stage
from vizkit.animation.timing import cues
from vizkit.errors import ArgumentError
from vizkit.stories.story import Beat, Story
from vizkit.theme import DARK, Theme, get

__all__ = ["StoryScene"]


class StoryScene(Scene):
    """A scene that plays a story, beat by beat.

    A subclass names its ``story``, or defines `make_story`; ``theme`` is ``"dark"`` or
    ``"light"``. Each beat is a section of the video and a subtitle.

    Examples
    --------
    A file that ``manim -pql file.py Descent`` plays::

        class Descent(StoryScene):
            def make_story(self):
                return gradient_descent(...)
    """

    story: Story | None = None
    theme: Theme | str = "dark"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"camera_class": StoryCamera} | kwargs)

    def make_story(self) -> Story:
        """Return the story to play, unless the class has one as ``story``."""
        if self.story is None:
            raise ArgumentError(
                f"A story scene has a story or defines make_story(), but {type(self).__name__} does not."
            )
        return self.story

    @classmethod
    def of(cls, story: Story, theme: Theme | str = "dark") -> type[StoryScene]:
        """Return a scene class for a story, named after it.

        Examples
        --------
        >>> from samples import sample_story
        >>> StoryScene.of(sample_story()).__name__
        'Sample'
        """
        name = "".join(part.capitalize() for part in re.split(r"\W|_", story.name)) or "Story"
        return type(name, (cls,), {"story": story, "theme": theme, "__module__": cls.__module__})

    def construct(self) -> None:
        """Play the story."""
        story, theme = self.make_story(), get(self.theme, DARK)
        self.camera.background_color = theme.ground
        stage = Stage(theme)
        spans = {cue.name: cue for cue in cues(story)}
        for play in plays(story, theme):
            span = spans[play.beat.name]
            if play.opens:
                self.next_section(play.beat.name)
                if span.text:
                    self.add_subcaption(span.text, duration=span.end - span.start)
            self._play(play, stage)
            if play.waits:
                self.settled(play.beat, span.end)

    def settled(self, beat: Beat, seconds: float) -> None:
        """Is called when a beat has been played; ``seconds`` have passed since the start. For subclasses."""

    def _play(self, play: Play, stage: Stage) -> None:
        scenery = stage.enter(play)
        self.clear()
        self.add(*scenery.back, scenery.front)
        # An empty foreground keeps manim from drawing everything a second time over a still frame.
        self.add_foreground_mobject(Mobject())
        if play.waits:
            self.wait(wait_seconds(play.seconds), frozen_frame=True)
        else:
            self.play(Change(play, scenery, play_seconds(play.seconds)))
