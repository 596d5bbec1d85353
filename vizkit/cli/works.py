"""Making the files of one exhibit: figures in both grounds, the steps, the text, the video."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vizkit import exhibits
from vizkit.exhibits import Exhibit
from vizkit.files import make_folder, write
from vizkit.stories.story import Beat, Story
from vizkit.views.picture import View

__all__ = ["FIGURES", "STEPS", "VIDEO", "expected", "make", "write_figures", "write_story"]

GROUNDS = ("light", "dark")
FIGURES = tuple(f"figure-{ground}.{suffix}" for ground in GROUNDS for suffix in ("png", "svg"))
STEPS = ("storyboard.png", "story.html", "story.md")
VIDEO = ("video.mp4", "video.vtt", "video.srt")

Report = Callable[[float], None]


def expected(exhibit: Exhibit) -> tuple[str, ...]:
    """Return the names of the files that an exhibit's folder holds."""
    return FIGURES + (STEPS + VIDEO if exhibit.story else ())


def make(name: str, folder: Path, quality: str, report: Report) -> None:
    """Make all files of an exhibit; `report` is told the share that is done, 0 to 1."""
    exhibit = exhibits.get(name)
    make_folder(folder)
    write_figures(exhibits.poster(exhibit), exhibit.title, folder)
    report(0.1 if exhibit.story else 1.0)
    if exhibit.story:
        write_story(exhibit.make_story(), folder, quality, lambda share: report(0.1 + 0.9 * share))


def write_figures(shown: View | Beat, title: str, folder: Path) -> None:
    """Write a view or beat as PNG and SVG on both grounds."""
    from vizkit import plots

    for file in FIGURES:
        ground = "light" if "light" in file else "dark"
        plots.save(plots.figure(shown, ground, title=title), folder / file)


def write_story(story: Story, folder: Path, quality: str | None, report: Report) -> None:
    """Write a story as storyboard, page and text, and as a video unless the quality is None."""
    from vizkit import plots, web

    plots.save(plots.storyboard(story, theme="light"), folder / "storyboard.png")
    write(folder / "story.html", web.story_page(story))
    write(folder / "story.md", story.to_markdown())
    report(0.1 if quality else 1.0)
    if quality:
        from vizkit import render

        render.video(story, folder / "video.mp4", quality, progress=lambda share, beat: report(0.1 + 0.9 * share))
