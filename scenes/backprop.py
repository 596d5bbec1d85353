"""Backpropagation through the dosage network.

Play it with ``manim -pql scenes/backprop.py``. For a network of your own, record a run and return
``vizkit.stories.backprop(trace)``.
"""

from vizkit.animation import StoryScene
from vizkit.exhibits.descent import backprop
from vizkit.stories import Story


class Backprop(StoryScene):
    """Backpropagation through the dosage network."""

    def make_story(self) -> Story:
        """Record the run and tell it."""
        return backprop()
