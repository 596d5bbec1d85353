"""Videos of stories, and of any manim scene."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vizkit.errors import ArgumentError
from vizkit.files import as_path
from vizkit.render.children import workers
from vizkit.render.files import output_path, workshop
from vizkit.render.formats import FORMATS, Shot, format_of
from vizkit.render.quality import quality_of
from vizkit.theme import DARK, Theme, get

if TYPE_CHECKING:  # stories need NumPy and more, which a scene's processes load while this one does
    from vizkit.render.engine import Progress
    from vizkit.render.jobs import Executor
    from vizkit.stories.story import Story

__all__ = ["scene_video", "video"]


def video(
    story: Story,
    path: str | os.PathLike[str],
    quality: str = "qh",
    theme: Theme | str = "dark",
    *,
    format: str | None = None,
    transparent: bool = False,
    jobs: Executor | int | None = None,
    cache: bool = True,
    sections: bool = False,
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
        The file to write; its name ends in ``.mp4``, ``.webm``, ``.mov`` or ``.gif``. A name without such an ending is
        a folder for one PNG for each frame.
    quality
        ``ql`` (854 × 480, 15 frames a second), ``qm`` (1280 × 720, 30), ``qh`` (1920 × 1080, 60) or
        ``qk`` (3840 × 2160, 60).
    theme
        ``"dark"``, ``"light"``, or a theme.
    format
        ``mp4``, ``webm``, ``mov``, ``gif`` or ``png``, where the path does not say it.
    transparent
        Whether the ground is transparent: in ``webm`` and ``png``; in ``mov`` it always is.
    jobs
        How many processes draw, one for each core when None; or an executor.
    cache
        Whether segments are looked for and kept in the cache, see `vizkit.render.cache`.
    sections
        Whether each beat is written as a file of its own too, see `vizkit.render.sections`.
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
        If what was given is no story, the file's name ends otherwise, pictures shall have sections, or an mp4
        or gif a transparent ground.
    RenderError
        If the video cannot be made.
    """
    from vizkit.stories.story import Story

    if not isinstance(story, Story):
        raise ArgumentError(f"A video shows a story, but a {type(story).__name__} was given.")
    size, ground, kind = quality_of(quality), get(theme, DARK), format_of(path, format, transparent)
    target = output_path(path, FORMATS[kind].suffix)

    from vizkit.animation import cues
    from vizkit.render import stories
    from vizkit.render.engine import make
    from vizkit.render.finishing import finish, kept, subtitles
    from vizkit.render.sections import check_sections, sections_of

    shot = Shot(size.width, size.height, size.rate, "mp4" if kind == "gif" else kind)
    if sections:
        check_sections(target, shot)
    with workshop(target) as folder:
        work = stories.jobs(story, ground, shot)
        made = make(work, folder, workers(jobs), cache=kept(cache), progress=progress)
        apart = sections_of(work) if sections else ()
        finish(made, shot, target, folder, title=story.title, chapters=cues(story), sections=apart)
    subtitles(target, [cue for cue in cues(story) if cue.text])
    return target


def scene_video(
    file: str | os.PathLike[str],
    scene: str,
    path: str | os.PathLike[str],
    quality: str = "qh",
    *,
    format: str | None = None,
    transparent: bool = False,
    jobs: Executor | int | None = None,
    cache: bool = True,
    sections: bool = False,
    progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> Path:
    """Write a manim scene as a video: the frames that manim renders, drawn side by side.

    Sections become chapters, sounds are in the file, and what is said lies beside it as ``.srt`` and ``.vtt``. A
    scene whose plays cannot be made apart, since they depend on having drawn those before, is found out by comparing
    and drawn in one piece. Without a seed in manim's configuration, random numbers have the seed 0.

    Parameters
    ----------
    file
        The Python file.
    scene
        The name of its class; may be empty where there is only one.
    path, quality, format, transparent, jobs, cache, progress
        As for `vizkit.render.video`.
    sections
        Whether each section is written as a file of its own too, as manim does with ``--save_sections``.
    notice
        Is told when a scene is drawn in one piece, and why.

    Returns
    -------
    Path
        The video's path.

    Raises
    ------
    MissingExtraError
        If manim is not installed.
    UnknownNameError
        If there is no such scene, quality or format.
    ArgumentError
        If there is no such file, pictures shall have sections, or an mp4 or gif a transparent ground.
    OutputError
        If the video cannot be written.
    RenderError
        If the scene fails; the message says in which line.
    """
    source_file = as_path(file)
    if not source_file.is_file():
        raise ArgumentError(f"A scene lies in a Python file, but there is no file {str(file)!r}.")
    size, kind = quality_of(quality), format_of(path, format, transparent)
    target = output_path(path, FORMATS[kind].suffix)

    from vizkit.render.troupes import ready

    shot = Shot(size.width, size.height, size.rate, "mp4" if kind == "gif" else kind)
    with ready(jobs) as troupe:
        # What follows is loaded here while the first process of the block loads it there.
        from vizkit.render.films import filmed
        from vizkit.render.finishing import kept
        from vizkit.render.sections import check_sections
        from vizkit.render.sessions import Source

        if sections:
            check_sections(target, shot)
        with workshop(target) as folder:
            media = folder / "media"
            media.mkdir()
            source = Source(str(source_file.resolve()), scene, os.getcwd(), str(media.resolve()))
            hands, known = workers(jobs), kept(cache)
            return filmed(source, shot, target, folder, hands, known, progress, notice, sections, troupe)
