"""Making videos and stills of stories.

`video` writes a story as an MP4 with its subtitles beside it, `still` one moment as a PNG.
Both need the extra ``video``, which is loaded when they are first called.
"""

from __future__ import annotations

from vizkit.render.quality import QUALITIES, Quality
from vizkit.render.stills import still
from vizkit.render.videos import video

__all__ = ["QUALITIES", "Quality", "still", "video"]
