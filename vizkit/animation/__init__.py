"""Stories as manim scenes.

`StoryScene` plays a story; a subclass of it in a file is played by the ``manim`` command.
`read` gives back the numbers that mobjects show. This package needs the extra ``video``.
"""

from __future__ import annotations

from vizkit.animation import _loading  # noqa: F401  (first: it checks that manim is there)
from vizkit.animation.reading import read
from vizkit.animation.scene import StoryScene
from vizkit.animation.timing import cues

__all__ = ["StoryScene", "cues", "read"]
