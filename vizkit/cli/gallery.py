"""Building the gallery: which exhibits are stale, making them side by side, then the pages."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from vizkit.cli import workers, works
from vizkit.cli.chapters import read_chapters
from vizkit.cli.clusters import joined
from vizkit.cli.ledger import Ledger, fingerprint
from vizkit.cli.needs import require, require_extra
from vizkit.cli.progress import bar
from vizkit.cli.workers import Task
from vizkit.cli.works import Hall
from vizkit.exhibits import Exhibit
from vizkit.files import make_folder, write

__all__ = ["build"]

# Expected seconds of a figure and of a story, to hand out the long work first.
FIGURE, STORY = 4.0, 60.0


def build(
    output: Path,
    *,
    quality: str = "qm",
    jobs: int | None = None,
    chapters: Path | None = None,
    cluster: str | None = None,
) -> Path:
    """Build the gallery and return the path of its first page.

    What was made from the same sources at the same quality is left as it is, so a second
    build changes no file. After an error or an interruption the exhibits that were finished stay.

    Parameters
    ----------
    output
        The folder of the site; made when it is not there.
    quality
        Of the videos: ``ql``, ``qm``, ``qh`` or ``qk``.
    jobs
        Processes; one for each core when None.
    chapters
        The folder of the chapters' Markdown, see `read_chapters`.
    cluster
        The address of a Dask scheduler whose workers draw the videos, or ``"local"``; this computer when None.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    MissingExtraError
        If manim or scikit-learn is not installed.
    RenderError
        If an exhibit could not be made.
    """
    from vizkit.cli import pages

    require_extra("gallery")
    hung = read_chapters(chapters)
    make_folder(output)
    ledger = Ledger(output, fingerprint(quality))
    stale = ledger.stale(exhibit for chapter in hung for exhibit in chapter.exhibits)
    if stale:
        require(stale)
        ledger.strike(stale)
        costs = {exhibit.name: _cost([exhibit]) for exhibit in stale}
        with joined(cluster) as found, bar("gallery") as shown:
            make = partial(works.make, cluster=found.contact) if found else works.make
            workers.run(_tasks(stale, output, quality), jobs or os.cpu_count() or 1, make, Hall(costs, ledger, shown))
    for path, content in pages.pages(hung, output).items():
        make_folder((output / path).parent)
        write(output / path, content)
    return (output / "index.html").resolve()


def _tasks(stale: Sequence[Exhibit], output: Path, quality: str) -> list[Task]:
    """Return what one process does: a story, or all figures of one module of recipes. The longest comes first.

    The recipes of a module share their runs, so a network is trained once for all its figures.
    """
    groups: dict[str, list[Exhibit]] = {}
    for exhibit in stale:
        groups.setdefault(exhibit.story or (exhibit.figure or "").partition(":")[0], []).append(exhibit)
    ordered = sorted(groups.values(), key=_cost, reverse=True)
    return [Task(tuple((e.name, output / "exhibits" / e.name) for e in group), quality) for group in ordered]


def _cost(exhibits: Iterable[Exhibit]) -> float:
    return sum(STORY if exhibit.story else FIGURE for exhibit in exhibits)
