"""Making videos of stories and scenes, and stills of stories.

`video` writes a story as a file with its subtitles beside it, `scene_video` any manim scene, and `still` one moment of
a story as a PNG. All need the extra ``video``, which is loaded when one of them is first called.
"""

from __future__ import annotations

from vizkit.render.quality import QUALITIES, Quality
from vizkit.render.stills import still
from vizkit.render.videos import scene_video, video

__all__ = ["QUALITIES", "Quality", "scene_video", "still", "video"]
