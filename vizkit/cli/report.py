"""Building a report: a small gallery of everything that applies to one recorded run."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from vizkit.cli import workers
from vizkit.cli.ledger import Ledger, fingerprint
from vizkit.cli.needs import require_extra
from vizkit.cli.pages import site
from vizkit.cli.progress import bar
from vizkit.cli.report_pages import head, sections
from vizkit.cli.report_plan import Candidate, Item, Request, candidates, plan
from vizkit.cli.report_run import open_run
from vizkit.cli.workers import Task
from vizkit.cli.works import FIGURES, STEPS, VIDEO, Hall, write_figures, write_story
from vizkit.files import make_folder, write

__all__ = ["build", "make"]

LEDGER = "report.json"
FIGURE, STORY, FILM = 2.0, 10.0, 60.0  # expected seconds of each
TOGETHER = 3  # figures that one process makes, as each process reads the run anew


def build(request: Request, output: Path, *, quality: str | None = None, jobs: int | None = None) -> Path:
    """Build the report of a run and return the path of its first page.

    What was made from the same run with the same options is left as it is.

    Parameters
    ----------
    request
        Which run, and which sample, step and layer of it.
    output
        The folder of the report; made when it is not there.
    quality
        Of the stories' videos: ``ql``, ``qm``, ``qh`` or ``qk``; None makes no videos.
    jobs
        Processes; one for each core when None.

    Raises
    ------
    TraceFileError
        If the file is no trace, or nothing of it can be read.
    ArgumentError
        If the run has no such sample, step or layer.
    OutputError
        If the folder cannot be written.
    MissingExtraError
        If videos are wanted and manim is not installed.
    """
    if quality:
        require_extra("video")
    run = open_run(request)
    make_folder(output)
    if run.damage:
        sys.stderr.write(f"vizkit: Only a part of the file could be read: {run.damage}\n")
    done = plan(run)
    ledger = Ledger(output, _stamp(request, quality), partial(_expected, quality=quality), LEDGER)
    stale = ledger.stale(done.items)
    if stale:
        ledger.strike(stale)
        costs = {item.name: FIGURE if item.story is None else FILM if quality else STORY for item in stale}
        with bar("report") as shown:
            workers.run(
                _tasks(stale, output, quality),
                jobs or os.cpu_count() or 1,
                partial(make, request),
                Hall(costs, ledger, shown),
            )
    for path, content in site(sections(run, done, output, bool(quality)), head(run)).items():
        make_folder((output / path).parent)
        write(output / path, content)
    return (output / "index.html").resolve()


def make(request: Request, name: str, folder: Path, quality: str, report: workers.Tell) -> None:
    """Make all files of one item of a report in its folder; an empty quality makes no video."""
    item = _find(candidates(open_run(request)), name).build()
    make_folder(folder)
    write_figures(item.poster(), item.title, folder)
    report(0.2 if item.story else 1.0)
    if item.story:
        write_story(item.story, folder, quality or None, lambda share: report(0.2 + 0.8 * share))


def _find(found: Sequence[Candidate], name: str) -> Candidate:
    return next(candidate for candidate in found if candidate.name == name)


def _expected(item: Item, quality: str | None) -> tuple[str, ...]:
    """Return the names of the files that an item's folder holds."""
    return FIGURES + STEPS * (item.story is not None) + VIDEO * (item.story is not None and quality is not None)


def _tasks(stale: Sequence[Item], output: Path, quality: str | None) -> list[Task]:
    """Return what one process does: a story, or a few figures; stories take longest and come first."""
    stories = [[item] for item in stale if item.story]
    figures = [item for item in stale if not item.story]
    groups = stories + [figures[at : at + TOGETHER] for at in range(0, len(figures), TOGETHER)]
    return [Task(tuple((i.name, output / "exhibits" / i.name) for i in group), quality or "") for group in groups]


def _stamp(request: Request, quality: str | None) -> str:
    """Return a fingerprint of all that a report is made from."""
    found = hashlib.sha256(repr((request.name, request.sample, request.step, request.layer)).encode())
    with request.path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            found.update(piece)
    return fingerprint(f"{quality or ''} {found.hexdigest()}")
