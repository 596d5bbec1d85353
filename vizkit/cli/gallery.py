"""Building the gallery: which exhibits are stale, making them side by side, then the pages."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import multiprocessing
import os
import queue
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import vizkit
from vizkit.cli import works
from vizkit.cli.chapters import read_chapters
from vizkit.cli.progress import Bar, bar
from vizkit.exhibits import Exhibit
from vizkit.files import make_folder, write

__all__ = ["build"]

LEDGER = "gallery.json"  # what each exhibit was made from
LIBRARIES = ("numpy", "matplotlib", "manim", "scikit-learn", "typst")
# Expected seconds of a figure and of a story, to hand out the long work first.
COST = {"figure": 4.0, "story": 60.0}


def build(output: Path, *, quality: str = "qm", jobs: int | None = None, chapters: Path | None = None) -> Path:
    """Build the gallery and return the path of its first page.

    What was made from the same sources at the same quality is left as it is, so a second
    build changes no file.

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

    Raises
    ------
    OutputError
        If the folder cannot be written.
    MissingExtraError
        If manim or scikit-learn is not installed.
    """
    from vizkit.cli import pages

    hung = read_chapters(chapters)
    make_folder(output)
    stamp = _stamp(quality)
    ledger = _read_ledger(output)
    stale = [exhibit for chapter in hung for exhibit in chapter.exhibits if not _fresh(exhibit, output, stamp, ledger)]
    if stale:
        _make_all(stale, output, quality, jobs or os.cpu_count() or 1, stamp, ledger)
    for path, content in pages.pages(hung, output).items():
        make_folder((output / path).parent)
        write(output / path, content)
    return (output / "index.html").resolve()


def _stamp(quality: str) -> str:
    """Fingerprint of all that an exhibit's files depend on."""
    root = Path(vizkit.__file__).parent
    sources = [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    found = hashlib.sha256("\0".join([quality, *(f"{name} {_version(name)}" for name in LIBRARIES)]).encode())
    for path in sorted(sources):
        found.update(str(path.relative_to(root)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _read_ledger(output: Path) -> dict[str, Any]:
    """Return what was made before; a ledger that cannot be read counts as none."""
    path = output / LEDGER
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _fresh(exhibit: Exhibit, output: Path, stamp: str, ledger: dict[str, Any]) -> bool:
    folder = output / "exhibits" / exhibit.name
    return ledger.get(exhibit.name) == stamp and all((folder / name).is_file() for name in works.expected(exhibit))


def _make_all(
    stale: Sequence[Exhibit], output: Path, quality: str, jobs: int, stamp: str, ledger: dict[str, Any]
) -> None:
    """Make exhibits in processes of their own, the longest first; what is finished is kept."""
    context = multiprocessing.get_context("spawn")
    messages = context.Queue()
    ordered = sorted(stale, key=_cost, reverse=True)
    with bar("gallery") as shown, ProcessPoolExecutor(jobs, context, _listen, (messages,)) as pool:
        running = {pool.submit(_make, e.name, output / "exhibits" / e.name, quality): e for e in ordered}
        try:
            _watch(running, messages, shown, lambda done: _enter(done, output, stamp, ledger))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _cost(exhibit: Exhibit) -> float:
    return COST["story" if exhibit.story else "figure"]


def _enter(exhibit: Exhibit, output: Path, stamp: str, ledger: dict[str, Any]) -> None:
    ledger[exhibit.name] = stamp
    write(output / LEDGER, json.dumps(ledger, indent=1, sort_keys=True) + "\n")


def _watch(running: dict[Future[None], Exhibit], messages: Any, shown: Bar, enter: Any) -> None:
    whole = sum(_cost(exhibit) for exhibit in running.values())
    costs = {exhibit.name: _cost(exhibit) for exhibit in running.values()}
    shares = dict.fromkeys(costs, 0.0)
    left = dict(running)
    while left:
        note = ""
        try:
            name, share = messages.get(timeout=0.2)
            shares[name] = share
        except queue.Empty:
            pass
        for future in [future for future in left if future.done()]:
            future.result()  # raises what went wrong in the process
            exhibit = left.pop(future)
            enter(exhibit)
            shares[exhibit.name], note = 1.0, exhibit.name
            shown(sum(costs[name] * shares[name] for name in costs) / whole, note)
        if not note:
            shown(sum(costs[name] * shares[name] for name in costs) / whole)


_messages: Any = None  # of a worker process: where it reports to


def _listen(messages: Any) -> None:
    global _messages
    _messages = messages


def _make(name: str, folder: Path, quality: str) -> None:
    works.make(name, folder, quality, lambda share: _messages.put((name, share)))
