"""``vizkit inspect`` and ``vizkit export``: what is in a recorded run, and its numbers for other tools."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vizkit.cli.parts import command
from vizkit.cli.targets import check_target
from vizkit.errors import TraceFileError

if TYPE_CHECKING:
    from vizkit.trace.contents import Contents

__all__ = ["add_export", "add_inspect", "export", "inspect", "run_argument"]

DAMAGED = 1  # the exit code for a file that is not whole


def add_inspect(commands: Any) -> None:
    """Add ``inspect`` to the commands of the command line."""
    parser = command(
        commands,
        "inspect",
        "say what is in a recorded run, and whether it is whole",
        "The exit code is 1 for a file that is damaged or was not written to its end.",
    )
    run_argument(parser)
    parser.add_argument("--verify", action="store_true", help="check every byte")
    parser.set_defaults(run=inspect)


def add_export(commands: Any) -> None:
    """Add ``export`` to the commands of the command line."""
    parser = command(
        commands,
        "export",
        "write the numbers of a recorded run for other tools",
        "Each quantity of each layer is one array over the steps, named kind/layer/quantity. A file that is there is"
        " replaced.",
    )
    run_argument(parser)
    formats = ".npz, .safetensors or .arrow"
    parser.add_argument("-o", dest="output", metavar="FILE", type=Path, required=True, help=f"write {formats} here")
    parser.add_argument(
        "--partial", action="store_true", help="of a damaged run, or one that still goes on, the steps that are whole"
    )
    parser.set_defaults(run=export)


def run_argument(parser: argparse.ArgumentParser) -> None:
    """Add the file of a recorded run to a command."""
    parser.add_argument(
        "recording",
        metavar="RUN.vkt",
        type=Path,
        help="a recorded run, that is what vizkit.record(model, path=...) or trace.save(...) wrote",
    )


def inspect(options: argparse.Namespace) -> int:
    """Print what is in a trace file; return 1 when it is damaged or was not written to its end."""
    from vizkit.trace.contents import look_into

    contents = look_into(options.recording, verify=options.verify)
    for line in _lines(options.recording.name, contents):
        print(_printable(line))
    return DAMAGED if contents.faults else 0


def export(options: argparse.Namespace) -> int:
    """Write the numbers of a recorded run in another format and print the file."""
    from vizkit.trace import load
    from vizkit.trace.export import SUFFIXES

    check_target(options.output, [suffix.removeprefix(".") for suffix in SUFFIXES])
    try:
        print(load(options.recording, partial=options.partial).export(options.output))
    except TraceFileError as error:
        if not options.partial and _holds_whole_steps(options.recording):
            error.add_note("On the command line, --partial exports the steps that are whole.")
        raise
    return 0


def _holds_whole_steps(path: Path) -> bool:
    from vizkit.trace import load

    try:
        return bool(load(path, partial=True).steps)
    except TraceFileError:
        return False


def _lines(name: str, contents: Contents) -> Iterator[str]:
    trace, log = contents.trace, contents.trace.log
    model = trace.model
    yield f"{name}: {model.name!r}, a model of {model.framework or 'an unknown framework'} in {model.dtype or '?'}"
    steps = trace.steps
    span = f" ({steps[0]} to {steps[-1]})" if steps else ""
    yield f"steps     {len(steps):,}{span}, {len(trace):,} events, {log.epoch_count:,} epochs"
    yield f"bytes     {contents.nbytes:,} in the file, {trace.nbytes:,} in all events' arrays, shared ones each time"
    yield f"complete  {'yes' if trace.complete else 'no'}"
    yield "layers"
    for node, shares in groupby(contents.shares, key=lambda share: share.node):
        kinds = [f"{share.kind} {share.events:,} ({share.nbytes:,} bytes)" for share in shares]
        yield f"  {node.name} [{node.kind}]: {', '.join(kinds)}"
    for missing in trace.missing():
        where = " ".join(part for part in (missing.node, missing.kind) if part)
        yield f"missing   {where + ': ' if where else ''}{missing.reason}"
    for fault in contents.faults:
        yield f"damaged   {fault}"
    if contents.rows is not None and not contents.faults:
        yield f"verified  every byte; {contents.rows:,} rows"


def _printable(line: str) -> str:
    """The line without what would move the cursor or change colours; names come from the file."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in line
    )
