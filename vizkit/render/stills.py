"""One moment of a story as a PNG."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from vizkit.errors import ArgumentError
from vizkit.files import write
from vizkit.render.files import output_path
from vizkit.render.quality import quality_of
from vizkit.theme import DARK, Theme, get

if TYPE_CHECKING:
    from vizkit.animation.script import Play
    from vizkit.stories.story import Beat, Story

__all__ = ["still"]


def still(
    story: Story | Beat,
    path: str | os.PathLike[str],
    beat: str | None = None,
    *,
    alpha: float = 1.0,
    quality: str = "qh",
    theme: Theme | str = "dark",
) -> Path:
    """Write one moment of a story as a PNG.

    Parameters
    ----------
    story
        A story, or a beat to be shown without one.
    path
        The file to write; its name ends in ``.png``.
    beat
        The beat's name; the last one if it is left out.
    alpha
        The moment: 0 when the beat begins, 1 when everything has come to rest.
    quality
        ``ql``, ``qm``, ``qh`` or ``qk``: 480, 720, 1080 or 2160 lines.
    theme
        ``"dark"``, ``"light"``, or a theme.

    Raises
    ------
    ArgumentError
        If ``alpha`` lies outside 0 to 1, or the file's name ends otherwise.
    UnknownNameError
        If there is no such beat, quality or theme.
    OutputError
        If the file cannot be written.
    """
    from vizkit.stories.story import Beat, Story

    if not isinstance(story, Story | Beat):
        raise ArgumentError(f"A still shows a story or a beat, but a {type(story).__name__} was given.")
    if not isinstance(alpha, float | int) or not 0.0 <= alpha <= 1.0:
        raise ArgumentError(f"alpha is a number from 0 to 1, but {alpha!r} was given.")
    whole = story if isinstance(story, Story) else Story(name=story.name, title=story.place, summary="", beats=(story,))
    size, ground, target = quality_of(quality), get(theme, DARK), output_path(path, ".png")
    shown = whole.beats[-1] if beat is None else whole.beat(beat)

    from PIL import Image

    from vizkit.animation.picturing import pixels, plays_of

    play, share = _moment(plays_of(whole, shown, ground), alpha)
    picture = BytesIO()
    Image.fromarray(pixels(play, share, ground, size.width, size.height)).convert("RGB").save(picture, "PNG")
    write(target, picture.getvalue(), "picture")
    return target


def _moment(plays: list[Play], alpha: float) -> tuple[Play, float]:
    """Return the play of a beat, and the share of it, in which a share of its movement has passed."""
    left = alpha * sum(play.seconds for play in plays)
    for play in plays[:-1]:
        if left < play.seconds:
            return play, left / play.seconds
        left -= play.seconds
    return plays[-1], min(left / plays[-1].seconds, 1.0)
