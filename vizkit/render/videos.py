"""A story as a video."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from vizkit.errors import ArgumentError
from vizkit.render.files import output_path, workshop
from vizkit.render.formats import FORMATS, Shot, format_of
from vizkit.render.quality import quality_of
from vizkit.stories.story import Story
from vizkit.theme import DARK, Theme, get

if TYPE_CHECKING:
    from vizkit.render.engine import Progress
    from vizkit.render.jobs import Executor

__all__ = ["video"]


def video(
    story: Story,
    path: str | os.PathLike[str],
    quality: str = "qh",
    theme: Theme | str = "dark",
    *,
    format: str | None = None,
    jobs: Executor | int | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Path:
    """Write a story as a video, with its subtitles beside it as ``.srt`` and ``.vtt``.

    The same story gives the same bytes. The beats are chapters. The plays are drawn side by side, and those that
    were drawn before are taken from the cache, also after an interruption.

    Parameters
    ----------
    story
        The story to play.
    path
        The file to write; its name ends in ``.mp4``, ``.webm``, ``.mov`` (with a transparent ground) or ``.gif``. A
        name without such an ending is a folder for one PNG for each frame.
    quality
        ``ql`` (854 × 480, 15 frames a second), ``qm`` (1280 × 720, 30), ``qh`` (1920 × 1080, 60) or
        ``qk`` (3840 × 2160, 60).
    theme
        ``"dark"``, ``"light"``, or a theme.
    format
        ``mp4``, ``webm``, ``mov``, ``gif`` or ``png``, where the path does not say it.
    jobs
        How many processes draw, one for each core when None; or an executor.
    cache
        Whether segments are looked for and kept in the cache, see `vizkit.render.cache`.
    progress
        Is called after each play with the share that is done, 0 to 1, and the beat's name.

    Returns
    -------
    Path
        The video's path.

    Raises
    ------
    MissingExtraError
        If manim is not installed.
    UnknownNameError
        If there is no such quality, theme or format.
    OutputError
        If the file cannot be written.
    ArgumentError
        If what was given is no story, or the file's name ends otherwise.
    RenderError
        If the video cannot be made.
    """
    if not isinstance(story, Story):
        raise ArgumentError(f"A video shows a story, but a {type(story).__name__} was given.")
    size, ground, kind = quality_of(quality), get(theme, DARK), format_of(path, format)
    target = output_path(path, FORMATS[kind].suffix)

    from vizkit.animation import cues
    from vizkit.render import stories
    from vizkit.render.engine import make
    from vizkit.render.finishing import finish, kept, subtitles, workers

    shot = Shot(size.width, size.height, size.rate, "mp4" if kind == "gif" else kind)
    with workshop(target) as folder:
        work = stories.jobs(story, ground, shot)
        made = make(work, folder, workers(jobs), cache=kept(cache), progress=progress)
        finish(made, shot, target, folder, title=story.title, chapters=cues(story))
    subtitles(target, [cue for cue in cues(story) if cue.text])
    return target
