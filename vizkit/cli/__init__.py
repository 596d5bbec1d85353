"""The command line: ``vizkit list | show | render | explain | gallery | report | inspect | export``.

Errors of vizkit's own tree become one line on standard error and exit code 2. What vizkit did not
foresee is a fault of its own and keeps its traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import vizkit
from vizkit.cli import clusters
from vizkit.cli.faults import is_fault, one_line
from vizkit.cli.inspecting import add_export, add_inspect, run_argument
from vizkit.cli.parts import command
from vizkit.cli.rendering import options as render_options
from vizkit.errors import VizkitError

__all__ = ["main"]

QUALITIES = ("ql", "qm", "qh", "qk")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    It is 0 when all was done, 1 when `inspect` finds that a run is not whole, 2 after an error, 130 after an
    interruption, 141 when the reader of a pipe has gone.

    Parameters
    ----------
    arguments
        The words after ``vizkit``; of the process itself when None.

    Raises
    ------
    SystemExit
        If the words are no command, with exit code 2; after ``--help`` and ``--version`` with 0.

    Examples
    --------
    >>> main(["list", "--names"])  # doctest: +ELLIPSIS
    weight_bias
    ...
    0
    """
    options = _parser().parse_args(arguments)
    try:
        code = options.run(options)
        sys.stdout.flush()
        return code
    except VizkitError as error:
        if is_fault(error):
            raise
        sys.stderr.write(f"vizkit: {one_line(error)}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("vizkit: interrupted; what was finished is kept\n")
        return 130
    except BrokenPipeError:  # the reader of a pipe, such as head, has gone
        _forget_output()
        return 141


def _forget_output() -> None:
    """Send what is still to be written nowhere, so that the end of the process does not try it again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="vizkit",
        description="Neural networks explained with their own numbers.",
        epilog="vizkit COMMAND --help explains a command. Exit codes: 0 done; 1 a recorded run is not whole (inspect);"
        " 2 something to mend, which is told in one line; 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"vizkit {vizkit.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands", required=True, parser_class=_Parser)
    for add in (_list, _show, _render, _explain, _gallery, _report, add_inspect, add_export):
        add(commands)
    return parser


def _list(commands: Any) -> None:
    parser = command(commands, "list", "name the exhibits", "Each has a figure; some tell a story in steps as well.")
    parser.add_argument("--names", action="store_true", help="the names only, one a line")
    parser.set_defaults(run=_run("list_exhibits"))


def _show(commands: Any) -> None:
    parser = command(commands, "show", "show an exhibit's figure in a window, or write it to a file")
    parser.add_argument("name", metavar="NAME", help="an exhibit, see vizkit list")
    parser.add_argument("-o", dest="output", metavar="FILE", type=Path, help="write .png, .svg or .pdf here")
    parser.add_argument("--storyboard", action="store_true", help="all steps of its story on one sheet")
    _theme(parser, "light", "for a light or a dark ground")
    parser.set_defaults(run=_run("show"))


def _render(commands: Any) -> None:
    parser = command(
        commands,
        "render",
        "render the video of a story, or of a manim scene in a file",
        "Subtitles are written beside it. What was drawn before is not drawn again.",
    )
    render_options(parser)
    _work(parser)
    _quality(parser, "qh")
    _theme(parser, "dark", "of a story; a scene has its own colours")
    parser.set_defaults(run=_run("render"), theme=None)


def _explain(commands: Any) -> None:
    parser = command(commands, "explain", "print a story as Markdown: each step with its numbers")
    parser.add_argument("name", metavar="NAME", help="an exhibit with a story, see vizkit list")
    parser.set_defaults(run=_run("explain"))


def _gallery(commands: Any) -> None:
    parser = command(
        commands,
        "gallery",
        "build the gallery, a site that opens from disk",
        "Trains, records, draws and renders every exhibit, and prints the page to open. What is up to date is left.",
    )
    _folder(parser, "site")
    parser.add_argument(
        "--chapters", metavar="DIR", type=Path, help="chapters of your own in Markdown (default: vizkit's, in gallery)"
    )
    clusters.option(parser)
    _work(parser)
    _quality(parser, "qm", "the videos in ")
    parser.set_defaults(run=_run("gallery"))


def _report(commands: Any) -> None:
    parser = command(
        commands,
        "report",
        "build a gallery of everything that applies to a recorded run",
        "Prints the page to open. Of a damaged run, or one that still goes on, the steps that are whole are shown.",
    )
    run_argument(parser)
    _folder(parser, "report")
    parser.add_argument(
        "--sample", metavar="N", type=_index, default=0, help="which sample of each batch, counted from 0 (default: 0)"
    )
    parser.add_argument("--step", metavar="N", type=_index, help="a recorded step (default: the most telling)")
    parser.add_argument("--layer", metavar="NAME", help="the convolution that is told and drawn (default: the first)")
    parser.add_argument("--videos", action="store_true", help="render the stories as videos too")
    _work(parser)
    _quality(parser, "qm", "the videos in ")
    parser.set_defaults(run=_run("report"), quality=None)


def _folder(parser: argparse.ArgumentParser, default: str) -> None:
    told = f"its folder (default: {default})"
    parser.add_argument("-o", dest="output", metavar="DIR", type=Path, default=Path(default), help=told)


def _work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs", metavar="N", type=_jobs, default=None, help="processes side by side (default: one for each core)"
    )


def _index(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"it must be a whole number from 0 up, but {text!r} was given")
    return int(text)


def _jobs(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"jobs must be a whole number from 1 up, but {text!r} was given")
    return int(text)


def _quality(parser: argparse.ArgumentParser, default: str, what: str = "") -> None:
    sizes = ("480p15: 480 lines, 15 frames a second", "720p30", "1080p60", "2160p60")
    group = parser.add_mutually_exclusive_group()
    for quality, size in zip(QUALITIES, sizes, strict=True):
        mark = ", the default" if quality == default else ""
        group.add_argument(f"-{quality}", dest="quality", action="store_const", const=quality, help=what + size + mark)
    parser.set_defaults(quality=default)


def _theme(parser: argparse.ArgumentParser, default: str, what: str) -> None:
    parser.add_argument("--theme", choices=("dark", "light"), default=default, help=f"{what} (default: {default})")


def _run(name: str):
    """Return a function that imports the command only when it is called."""

    def run(options: argparse.Namespace) -> int:
        from vizkit.cli import commands

        return getattr(commands, name)(options)

    return run
