"""What all commands of the command line are made with."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["command"]


def command(commands: Any, name: str, does: str, more: str = "") -> argparse.ArgumentParser:
    """Return the parser of a new command.

    Parameters
    ----------
    commands
        What argparse's ``add_subparsers`` gave.
    name
        The command.
    does
        What it does, as a line in the list of commands.
    more
        What its own help says beyond that.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> command(parser.add_subparsers(), "list", "name them", "One a line.").description
    'Name them. One a line.'
    """
    return commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}. {more}".rstrip())
