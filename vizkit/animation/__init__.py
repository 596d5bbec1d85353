"""Stories as manim scenes.

`StoryScene` plays a story; a subclass of it in a file is played by the ``manim`` command.
`read` gives back the numbers that mobjects show. This package needs the extra ``video``.
"""

from __future__ import annotations

import logging

from vizkit.errors import missing_extra

_level = logging.getLogger().level
try:
    import manim  # noqa: F401
    import typst  # noqa: F401
except ImportError as error:
    raise missing_extra(error.name or "manim", "video") from error
# manim opens the root logger for every library's remarks; who imports vizkit did not ask for those.
logging.getLogger().setLevel(_level)

from vizkit.animation.reading import read
from vizkit.animation.scene import StoryScene
from vizkit.animation.timing import cues

__all__ = ["StoryScene", "cues", "read"]
