"""What each command does; `vizkit.cli` reads the words, this module acts.

What can be checked is checked before anything long begins: the name, the file, the screen.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vizkit import exhibits
from vizkit.cli.needs import require
from vizkit.cli.targets import check_target
from vizkit.errors import ArgumentError
from vizkit.exhibits import Exhibit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["explain", "gallery", "list_exhibits", "render", "report", "show", "teller"]

FIGURES = ("pdf", "png", "svg")


def list_exhibits(options: argparse.Namespace) -> int:
    """Print the exhibits by chapter, or their names alone."""
    chapter = None
    for exhibit in exhibits.all_exhibits():
        if options.names:
            print(exhibit.name)
            continue
        if exhibit.chapter != chapter:
            print(f"{'' if chapter is None else chr(10)}{exhibit.chapter}")
            chapter = exhibit.chapter
        print(f"  {exhibit.name:22} {exhibit.summary} [{', '.join(exhibit.media)}]")
    return 0


def show(options: argparse.Namespace) -> int:
    """Draw an exhibit's figure into a file, or into a window when there is a screen."""
    exhibit = teller(options.name) if options.storyboard else exhibits.get(options.name)
    if options.output is None:
        finish = _screen()
    else:
        check_target(options.output, FIGURES)
        finish = _file(options.output)
    require([exhibit], video=False)
    finish(_figure(exhibit, options))
    return 0


def _figure(exhibit: Exhibit, options: argparse.Namespace) -> Figure:
    from vizkit import plots

    if options.storyboard:
        return plots.storyboard(exhibit.make_story(), theme=options.theme)
    return plots.figure(exhibits.poster(exhibit), theme=options.theme)


def _file(path: Path) -> Callable[[Figure], None]:
    def finish(figure: Figure) -> None:
        from vizkit import plots

        plots.save(figure, path)
        print(path)

    return finish


def _screen() -> Callable[[Figure], None]:
    """Return what opens a figure in a window.

    Raises
    ------
    ArgumentError
        If there is no screen.
    """
    import matplotlib
    from matplotlib import pyplot
    from matplotlib.backends import BackendFilter, backend_registry

    backend = matplotlib.get_backend()
    hint = "name a file with -o FILE (.png, .svg or .pdf)"
    if backend.lower() in backend_registry.list_builtin(BackendFilter.NON_INTERACTIVE):
        raise ArgumentError(f"There is no screen to open a window on (matplotlib's backend is {backend}); {hint}.")
    try:
        pyplot.switch_backend(backend)
    except ImportError as error:
        raise ArgumentError(f"matplotlib cannot open a window with its backend {backend}: {error}; {hint}.") from error

    def finish(figure: Figure) -> None:
        window = pyplot.figure(figsize=figure.get_size_inches(), dpi=figure.dpi)
        window.canvas.figure = figure  # pyplot opens windows for its own figures only; this one takes its place
        figure.set_canvas(window.canvas)
        pyplot.show(block=True)

    return finish


def render(options: argparse.Namespace) -> int:
    """Render the video of a story, or of a scene in a file."""
    from vizkit.cli.rendering import render

    return render(options)


def explain(options: argparse.Namespace) -> int:
    """Print a story as Markdown."""
    exhibit = teller(options.name)
    require([exhibit], video=False)
    if hasattr(sys.stdout, "reconfigure"):  # minus signs and indices, also where a pipe is not UTF-8 by itself
        sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(exhibit.make_story().to_markdown())
    return 0


def gallery(options: argparse.Namespace) -> int:
    """Build the gallery and print the page to open."""
    from vizkit.cli.gallery import build

    how = {"jobs": options.jobs, "chapters": options.chapters, "cluster": options.cluster}
    print(build(options.output, quality=options.quality, **how))
    return 0


def report(options: argparse.Namespace) -> int:
    """Build the report of a recorded run and print the page to open."""
    from vizkit.cli.report import Request, build

    if options.quality and not options.videos:
        raise ArgumentError(f"-{options.quality} is the quality of the videos; --videos makes them.")
    request = Request(options.recording, options.sample, options.step, options.layer)
    quality = (options.quality or "qm") if options.videos else None
    print(build(request, options.output, quality=quality, jobs=options.jobs))
    return 0


def teller(name: str) -> Exhibit:
    """Return an exhibit that tells a story."""
    exhibit = exhibits.get(name)
    if exhibit.story is None:
        stories = ", ".join(other.name for other in exhibits.all_exhibits() if other.story)
        raise ArgumentError(f"The exhibit {name!r} is a figure and tells no story; those that do are: {stories}.")
    return exhibit
