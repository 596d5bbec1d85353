"""Load manim: say what is missing when it cannot be loaded, and leave the logging as it was.

manim opens the root logger for every library's remarks when it is imported; who imports
vizkit did not ask for those.
"""

from __future__ import annotations

import logging

from vizkit.errors import RenderError, missing_extra

_level = logging.getLogger().level
try:
    import manim  # noqa: F401
    import typst  # noqa: F401
except ModuleNotFoundError as error:
    raise missing_extra(error.name or "manim", "video") from error
except ImportError as error:  # as a rule a system library
    raise RenderError(f"manim is installed, but something that it needs cannot be loaded: {error}") from error
logging.getLogger().setLevel(_level)
