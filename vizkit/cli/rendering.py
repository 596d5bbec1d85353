"""``vizkit render``: the video of a story of vizkit's own, or of a scene in anybody's file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vizkit.cli import clusters
from vizkit.errors import ArgumentError

__all__ = ["options", "render"]

FORMATS = ("mp4", "webm", "mov", "gif", "png")


def options(parser: argparse.ArgumentParser) -> None:
    """Add the command's own options; quality, theme and jobs are those of other commands too."""
    parser.add_argument(
        "name", metavar="NAME|FILE.py", help="an exhibit with a story, see vizkit list; or manim scenes"
    )
    parser.add_argument("scene", metavar="SCENE", nargs="?", help="a file's scene, where it has several")
    parser.add_argument("-o", dest="output", metavar="FILE", type=Path, help="the video (default: NAME.mp4, SCENE.mp4)")
    parser.add_argument("--format", choices=FORMATS, help="what -o does not say; png is a folder of pictures")
    parser.add_argument(
        "-t", "--transparent", action="store_true", help="a transparent ground, in webm and png; mov always has it"
    )
    clusters.option(parser)
    parser.add_argument(
        "--save-sections",
        "--save_sections",
        dest="sections",
        action="store_true",
        help="write each section, or beat, as a video of its own too, with a list of them",
    )
    parser.add_argument("--no-cache", dest="cache", action="store_false", help="draw everything, and keep nothing")


def render(given: argparse.Namespace) -> int:
    """Render a video with its subtitles."""
    is_file = given.name.endswith(".py")
    if given.scene and not is_file:
        raise ArgumentError(f"A scene is named after a file, but {given.name!r} is none: its name ends in .py.")
    if given.theme and is_file:
        raise ArgumentError("A theme is for stories of vizkit's own; a scene has the colours that it gives itself.")
    path = given.output or _default(given, is_file)
    print(_scene(given, path) if is_file else _story(given, path))
    return 0


def _default(given: argparse.Namespace, is_file: bool) -> Path:
    name = (given.scene or Path(given.name).stem) if is_file else given.name
    return Path(name if given.format == "png" else f"{name}.{given.format or 'mp4'}")


def _story(given: argparse.Namespace, path: Path) -> Path:
    from vizkit.cli.commands import teller
    from vizkit.cli.needs import require
    from vizkit.cli.progress import bar
    from vizkit.render import video

    exhibit = teller(given.name)
    _check(path, given)
    require([exhibit])
    how = {"quality": given.quality, "theme": given.theme or "dark", **_ways(given)}
    with clusters.joined(given.cluster, given.jobs) as cluster, bar(exhibit.name) as report:
        return video(exhibit.make_story(), path, jobs=cluster or given.jobs, progress=report, **how)


def _scene(given: argparse.Namespace, path: Path) -> Path:
    from vizkit.cli.needs import require_extra
    from vizkit.cli.progress import bar
    from vizkit.render import scene_video

    if not Path(given.name).is_file():
        raise ArgumentError(f"A scene lies in a Python file, but there is no file {given.name!r}.")
    _check(path, given)
    require_extra("video")
    how = {"notice": _tell, **_ways(given)}
    with clusters.joined(given.cluster, given.jobs) as cluster, bar(given.scene or path.stem) as report:
        hands = cluster or given.jobs
        return scene_video(given.name, given.scene or "", path, given.quality, jobs=hands, progress=report, **how)


def _ways(given: argparse.Namespace) -> dict[str, object]:
    """Return the options that stories and scenes share."""
    names = ("format", "transparent", "cache", "sections")
    return {name: getattr(given, name) for name in names}


def _check(path: Path, given: argparse.Namespace) -> None:
    """Raise when the video could not be written here, before the long work is done."""
    from vizkit.render.files import output_path
    from vizkit.render.formats import FORMATS, format_of

    output_path(path, FORMATS[format_of(path, given.format, given.transparent)].suffix)


def _tell(text: str) -> None:
    sys.stderr.write(f"vizkit: {text}\n")
