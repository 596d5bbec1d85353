"""What each command does; `vizkit.cli` reads the words, this module acts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vizkit import exhibits
from vizkit.errors import ArgumentError

__all__ = ["explain", "gallery", "list_exhibits", "render", "show"]


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
    from vizkit import plots

    exhibit = exhibits.get(options.name)
    if options.storyboard:
        figure = plots.storyboard(exhibit.make_story(), theme=options.theme)
    else:
        figure = plots.figure(exhibits.poster(exhibit), options.theme, title=exhibit.title)
    if options.output is not None:
        plots.save(figure, options.output)
        print(options.output)
        return 0
    return _window(figure)


def _window(figure: object) -> int:
    import matplotlib
    from matplotlib import pyplot

    if matplotlib.get_backend().lower() == "agg":
        raise ArgumentError("There is no screen to open a window on; name a file with -o FILE (.png, .svg or .pdf).")
    manager = pyplot.new_figure_manager_given_figure(
        pyplot.get_fignums()[-1] + 1 if pyplot.get_fignums() else 1, figure
    )
    manager.show()
    pyplot.show()
    return 0


def render(options: argparse.Namespace) -> int:
    """Render a story's video with its subtitles."""
    from vizkit.cli.progress import bar
    from vizkit.render import video

    exhibit = exhibits.get(options.name)
    story = exhibit.make_story()
    path = options.output or Path(f"{exhibit.name}.mp4")
    with bar(f"{exhibit.name}") as report:
        video(story, path, quality=options.quality, theme=options.theme, progress=report)
    print(path)
    return 0


def explain(options: argparse.Namespace) -> int:
    """Print a story as Markdown."""
    sys.stdout.write(exhibits.get(options.name).make_story().to_markdown())
    return 0


def gallery(options: argparse.Namespace) -> int:
    """Build the gallery and print the page to open."""
    from vizkit.cli.gallery import build

    page = build(options.output, quality=options.quality, jobs=options.jobs, chapters=options.chapters)
    print(page)
    return 0
