"""Making the files of one exhibit: figures in both grounds, the steps, the text, the video."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vizkit import exhibits
from vizkit.cli.clusters import joined
from vizkit.exhibits import Exhibit
from vizkit.files import make_folder, write
from vizkit.stories.story import Beat, Story
from vizkit.views.picture import View

if TYPE_CHECKING:
    from vizkit.cli.ledger import Ledger
    from vizkit.cli.progress import Bar

__all__ = ["FIGURES", "STEPS", "VIDEO", "Hall", "expected", "make", "write_figures", "write_story"]

GROUNDS = ("light", "dark")
FIGURES = tuple(f"figure-{ground}.{suffix}" for ground in GROUNDS for suffix in ("png", "svg"))
STEPS = ("storyboard.png", "story.html", "story.md")
VIDEO = ("video.mp4", "video.vtt", "video.srt")

Report = Callable[[float], None]


class Hall:
    """Hears how far each exhibit is, enters in the ledger what is finished, and shows the share of the whole.

    Parameters
    ----------
    costs
        Expected seconds of each exhibit by its name.
    ledger
        Where what is finished is entered.
    shown
        The bar that shows the share of the whole.
    """

    def __init__(self, costs: Mapping[str, float], ledger: Ledger, shown: Bar) -> None:
        self.costs = costs
        self.shares = dict.fromkeys(costs, 0.0)
        self.ledger = ledger
        self.shown = shown

    def __call__(self, name: str, share: float) -> None:
        """Take the share of an exhibit that is done; 1 when it is finished."""
        self.shares[name] = share
        if share == 1.0:
            self.ledger.enter(name)
        done = sum(cost * self.shares[name] for name, cost in self.costs.items())
        self.shown(done / sum(self.costs.values()), name if share == 1.0 else "")


def expected(exhibit: Exhibit) -> tuple[str, ...]:
    """Return the names of the files that an exhibit's folder holds."""
    return FIGURES + (STEPS + VIDEO if exhibit.story else ())


def make(name: str, folder: Path, quality: str, report: Report, cluster: str | None = None) -> None:
    """Make all files of an exhibit; `report` is told the share that is done, 0 to 1.

    Parameters
    ----------
    cluster
        The address of a Dask scheduler whose workers draw the video.
    """
    exhibit = exhibits.get(name)
    make_folder(folder)
    write_figures(exhibits.poster(exhibit), exhibit.title, folder)
    report(0.1 if exhibit.story else 1.0)
    if exhibit.story:
        write_story(exhibit.make_story(), folder, quality, lambda share: report(0.1 + 0.9 * share), cluster)


def write_figures(shown: View | Beat, title: str, folder: Path) -> None:
    """Write a view or beat as PNG and SVG on both grounds."""
    from vizkit import plots

    for file in FIGURES:
        ground = "light" if "light" in file else "dark"
        plots.save(plots.figure(shown, ground, title=title), folder / file)


def write_story(story: Story, folder: Path, quality: str | None, report: Report, cluster: str | None = None) -> None:
    """Write a story as storyboard, page and text, and as a video unless the quality is None."""
    from vizkit import plots, web

    plots.save(plots.storyboard(story, theme="light"), folder / "storyboard.png")
    write(folder / "story.html", web.story_page(story))
    write(folder / "story.md", story.to_markdown())
    report(0.1 if quality else 1.0)
    if quality:
        from vizkit import render

        def hear(share: float, beat: str) -> None:
            report(0.1 + 0.9 * share)

        with joined(cluster) as hands:
            render.video(story, folder / "video.mp4", quality, jobs=hands, progress=hear)
