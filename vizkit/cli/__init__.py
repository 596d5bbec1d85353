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
from typing import NoReturn

import vizkit
from vizkit.cli import clusters
from vizkit.cli.faults import is_fault, one_line
from vizkit.cli.inspecting import add_commands
from vizkit.cli.rendering import options as render_options
from vizkit.errors import VizkitError

__all__ = ["main"]

QUALITIES = ("ql", "qm", "qh", "qk")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 2 after an error, 130 after an interruption.

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
    parser = _Parser(prog="vizkit", description="Neural networks explained with their own numbers.")
    parser.add_argument("--version", action="version", version=f"vizkit {vizkit.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    _list(commands.add_parser("list", help="name the exhibits"))
    _show(commands.add_parser("show", help="show an exhibit's figure in a window, or write it to a file"))
    _render(commands.add_parser("render", help="render the video of a story, or of a scene in a file"))
    _explain(commands.add_parser("explain", help="print a story as Markdown"))
    _gallery(commands.add_parser("gallery", help="build the gallery, a site that opens from disk"))
    _report(commands.add_parser("report", help="build a gallery of everything that applies to a recorded run"))
    add_commands(commands)  # inspect and export
    return parser


def _list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--names", action="store_true", help="print the names only")
    parser.set_defaults(run=_run("list_exhibits"))


def _show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="an exhibit, see vizkit list")
    parser.add_argument("-o", dest="output", metavar="FILE", type=Path, help="write .png, .svg or .pdf here")
    parser.add_argument("--storyboard", action="store_true", help="all beats of the story instead of its poster")
    _theme(parser, "light")
    parser.set_defaults(run=_run("show"))


def _render(parser: argparse.ArgumentParser) -> None:
    render_options(parser)
    parser.add_argument("--jobs", metavar="N", type=_jobs, default=None, help="processes (default: one a core)")
    _quality(parser, "qh")
    _theme(parser, "dark")
    parser.set_defaults(run=_run("render"), theme=None)


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="an exhibit with a story, see vizkit list")
    parser.set_defaults(run=_run("explain"))


def _gallery(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", dest="output", metavar="DIR", type=Path, default=Path("site"), help="default: site")
    parser.add_argument("--jobs", metavar="N", type=_jobs, default=None, help="processes (default: one a core)")
    parser.add_argument("--chapters", metavar="DIR", type=Path, help="chapters in Markdown (default: gallery)")
    clusters.option(parser)
    _quality(parser, "qm")
    parser.set_defaults(run=_run("gallery"))


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="RUN.vkt", type=Path, help="a recorded run, see Trace.save")
    parser.add_argument("-o", dest="output", metavar="DIR", type=Path, default=Path("report"), help="default: report")
    parser.add_argument("--sample", metavar="N", type=_index, default=0, help="of the recorded batch (default: 0)")
    parser.add_argument("--step", metavar="N", type=_index, help="a recorded step (default: the most telling)")
    parser.add_argument("--layer", metavar="NAME", help="the convolution that is told and drawn (default: the first)")
    parser.add_argument("--videos", action="store_true", help="render the stories as videos too")
    parser.add_argument("--jobs", metavar="N", type=_jobs, default=None, help="processes (default: one a core)")
    _quality(parser, "qm")
    parser.set_defaults(run=_run("report"))


def _index(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"it must be a whole number from 0 up, but {text!r} was given")
    return int(text)


def _jobs(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"jobs must be a whole number from 1 up, but {text!r} was given")
    return int(text)


def _quality(parser: argparse.ArgumentParser, default: str) -> None:
    sizes = ("480p15", "720p30", "1080p60", "2160p60")
    group = parser.add_mutually_exclusive_group()
    for quality, size in zip(QUALITIES, sizes, strict=True):
        mark = ", the default" if quality == default else ""
        group.add_argument(f"-{quality}", dest="quality", action="store_const", const=quality, help=size + mark)
    parser.set_defaults(quality=default)


def _theme(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--theme", choices=("dark", "light"), default=default, help=f"default: {default}")


def _run(name: str):
    """Return a function that imports the command only when it is called."""

    def run(options: argparse.Namespace) -> int:
        from vizkit.cli import commands

        return getattr(commands, name)(options)

    return run
