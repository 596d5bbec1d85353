"""Making the files of one exhibit: figures in both grounds, the video, the stepper, the text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from vizkit import exhibits
from vizkit.exhibits import Exhibit
from vizkit.files import make_folder, write

__all__ = ["FIGURES", "STORY", "expected", "make"]

GROUNDS = ("light", "dark")
FIGURES = tuple(f"figure-{ground}.{suffix}" for ground in GROUNDS for suffix in ("png", "svg"))
STORY = ("storyboard.png", "story.html", "story.md", "video.mp4", "video.vtt", "video.srt")

Report = Callable[[float], None]


def expected(exhibit: Exhibit) -> tuple[str, ...]:
    """Return the names of the files that an exhibit's folder holds."""
    return FIGURES + (STORY if exhibit.story else ())


def make(name: str, folder: Path, quality: str, report: Report) -> None:
    """Make all files of an exhibit; `report` is told the share that is done, 0 to 1."""
    exhibit = exhibits.get(name)
    make_folder(folder)
    _figures(exhibit, folder)
    report(0.1 if exhibit.story else 1.0)
    if exhibit.story:
        _story(exhibit, folder, quality, lambda share: report(0.1 + 0.9 * share))


def _figures(exhibit: Exhibit, folder: Path) -> None:
    from vizkit import plots

    shown = exhibits.poster(exhibit)
    for file, ground in zip(FIGURES, _each_twice(GROUNDS), strict=True):
        plots.save(plots.figure(shown, ground, title=exhibit.title), folder / file)


def _each_twice(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        yield from (name, name)


def _story(exhibit: Exhibit, folder: Path, quality: str, report: Report) -> None:
    from vizkit import plots, render, web

    story = exhibit.make_story()
    plots.save(plots.storyboard(story, theme="light"), folder / "storyboard.png")
    write(folder / "story.html", web.story_page(story))
    write(folder / "story.md", story.to_markdown())
    report(0.1)
    render.video(story, folder / "video.mp4", quality, progress=lambda share, beat: report(0.1 + 0.9 * share))
