"""Load manim: say what to install when it is missing, and leave the logging as it was.

manim opens the root logger for every library's remarks when it is imported; who imports
vizkit did not ask for those.
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
logging.getLogger().setLevel(_level)
