"""Gradient descent on the last bias of the dosage network.

Play it with ``manim -pql scenes/gradient_descent.py``. For a network of your own, record a run and return
``vizkit.stories.gradient_descent(trace, ...)``.
"""

from vizkit.animation import StoryScene
from vizkit.exhibits.descent import gradient_descent
from vizkit.stories import Story


class GradientDescent(StoryScene):
    """Gradient descent on the last bias of the dosage network."""

    def make_story(self) -> Story:
        """Record the run and tell it."""
        return gradient_descent()
