"""A convolution over the letter O.

Play it with ``manim -pql scenes/convolution.py``. For a network of your own, record a run and return
``vizkit.stories.convolution(trace)``.
"""

from vizkit.animation import StoryScene
from vizkit.exhibits.images import convolution
from vizkit.stories import Story


class Convolution(StoryScene):
    """A convolution over the letter O."""

    def make_story(self) -> Story:
        """Record the run and tell it."""
        return convolution()
