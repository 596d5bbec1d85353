"""A story as a video.

The scene is played by manim with settings of its own, whatever the user's configuration
file says; all of manim's files go to a folder beside the output that is gone afterwards.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vizkit.errors import ArgumentError, OutputError, RenderError, VizkitError
from vizkit.files import write
from vizkit.render.files import moved, output_path, workshop
from vizkit.render.quality import Quality, quality_of
from vizkit.render.subtitles import srt, webvtt
from vizkit.stories.story import Beat, Story
from vizkit.theme import DARK, Theme, get

if TYPE_CHECKING:
    from vizkit.animation import StoryScene

__all__ = ["Progress", "video"]

Progress = Callable[[float, str], None]

# x264: "veryfast" takes half the time of "medium" at the same PSNR here; the matrix by which RGB becomes YUV is named.
ENCODER = {"preset": "veryfast", "crf": "20", "tune": "animation", "x264-params": "colormatrix=smpte170m"}


def video(
    story: Story,
    path: str | os.PathLike[str],
    quality: str = "qh",
    theme: Theme | str = "dark",
    *,
    progress: Progress | None = None,
) -> Path:
    """Write a story as an MP4, with its subtitles beside it as ``.srt`` and ``.vtt``.

    The same story gives the same frames, and as the first video of a process the same bytes; in
    later ones some bytes of the encoder's side information differ. The beats are chapters.

    Parameters
    ----------
    story
        The story to play.
    path
        The file to write; its name ends in ``.mp4``.
    quality
        ``ql`` (854 × 480, 15 frames a second), ``qm`` (1280 × 720, 30), ``qh`` (1920 × 1080, 60) or
        ``qk`` (3840 × 2160, 60).
    theme
        ``"dark"``, ``"light"``, or a theme.
    progress
        Is called after each beat with the share that is done, 0 to 1, and the beat's name.

    Returns
    -------
    Path
        The video's path.

    Raises
    ------
    MissingExtraError
        If manim is not installed.
    OutputError
        If the file cannot be written.
    ArgumentError
        If what was given is no story, or the file's name ends otherwise.
    RenderError
        If the video cannot be made.
    """
    if not isinstance(story, Story):
        raise ArgumentError(f"A video shows a story, but a {type(story).__name__} was given.")
    size, ground, target = quality_of(quality), get(theme, DARK), output_path(path, ".mp4")

    from vizkit.animation import StoryScene, cues
    from vizkit.render.container import finished

    spans = cues(story)
    with workshop(target) as folder:
        scene_class = StoryScene.of(story, ground)
        raw = _played(_reporting(scene_class, spans[-1].end, progress), size, folder)
        made = finished(raw, folder / target.name, story.title, spans)
        moved(made, target)
    said = [cue for cue in spans if cue.text]
    write(target.with_suffix(".srt"), srt(said), "subtitles")
    write(target.with_suffix(".vtt"), webvtt(said), "subtitles")
    return target


def _reporting(scene_class: type[StoryScene], whole: float, progress: Progress | None) -> type[StoryScene]:
    """Return the scene class, telling how far it has come."""
    if progress is None:
        return scene_class

    def settled(self: StoryScene, beat: Beat, seconds: float) -> None:
        progress(seconds / whole, beat.name)

    return type(scene_class.__name__, (scene_class,), {"settled": settled, "__module__": scene_class.__module__})


def _settings(size: Quality, folder: Path) -> dict[str, Any]:
    return {
        "media_dir": str(folder), "video_dir": str(folder), "partial_movie_dir": str(folder / "parts"),
        "images_dir": str(folder), "log_dir": str(folder), "log_to_file": False, "output_file": "raw",
        "pixel_width": size.width, "pixel_height": size.height, "frame_rate": size.rate,
        "frame_width": 128 / 9, "frame_height": 8.0, "renderer": "cairo", "format": "mp4", "dry_run": False,
        "background_opacity": 1.0, "disable_caching": True, "save_sections": False, "preview": False,
        "live_preview": False, "show_in_file_browser": False, "write_all": False, "from_animation_number": 0,
        "upto_animation_number": -1, "progress_bar": "none", "max_inflight_encoders": 2,
        "video_codec": "auto", "pixel_format": "auto", "video_encoder_options": ENCODER,
    }  # fmt: skip


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep manim's reports off the standard output."""
    log = logging.getLogger("manim")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def _played(scene_class: type[StoryScene], size: Quality, folder: Path) -> Path:
    """Play a scene into a folder and return the video that manim wrote.

    Raises
    ------
    RenderError
        If the encoder fails; its own error is the cause.
    """
    import av
    from manim import tempconfig

    from vizkit.animation._manim import steady_renderer

    with tempconfig(_settings(size, folder)), _quiet():
        try:
            scene = scene_class(renderer=steady_renderer())
            scene.render()
        except VizkitError:
            raise
        except OSError as error:
            raise OutputError(f"The video cannot be written: {error}.") from error
        except av.error.FFmpegError as error:
            raise RenderError(f"The encoder could not write {scene_class.__name__}: {error}") from error
        return Path(scene.renderer.file_writer.movie_file_path)
