"""``--cluster``: the command line's way to other machines."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vizkit.cli.needs import require_extra
from vizkit.errors import ArgumentError

if TYPE_CHECKING:
    from vizkit.render.cluster import Cluster

__all__ = ["joined", "option"]


def option(parser: argparse.ArgumentParser) -> None:
    """Add ``--cluster`` to a command."""
    parser.add_argument(
        "--cluster", metavar="ADDRESS", help="draw on a Dask cluster: its scheduler's address, or 'local' to try it out"
    )


@contextmanager
def joined(address: str | None, jobs: int | None = None) -> Iterator[Cluster | None]:
    """Connect to a cluster for the time of a ``with`` block; do nothing where there is no address.

    Raises
    ------
    ArgumentError
        If processes of this computer are asked for too.
    RenderError
        If there is no scheduler at the address.
    """
    if address is None:
        yield None
        return
    if jobs is not None and address != "local":
        raise ArgumentError("--jobs is for this computer; a cluster has as many workers as joined it.")
    require_extra("video")
    require_extra("cluster")
    from vizkit.render.cluster import Cluster

    with _quiet(), warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: sys.stderr.write(f"vizkit: {message}\n")
        with Cluster(address, workers=jobs) as cluster:
            yield cluster


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own reports from the terminal: what matters is told by vizkit, in its own words."""
    import distributed  # noqa: F401  (it sets up its logging when it is imported)

    log = logging.getLogger("distributed")
    handlers, passes, log.handlers, log.propagate = log.handlers, log.propagate, [logging.NullHandler()], False
    try:
        yield
    finally:
        log.handlers, log.propagate = handlers, passes
