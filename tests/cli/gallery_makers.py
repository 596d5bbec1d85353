"""Makers of exhibits that stand in for the real one; processes import them by name."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path

from vizkit import exhibits
from vizkit.cli import works
from vizkit.errors import OutputError, RenderError
from vizkit.files import make_folder

Report = Callable[[float], None]


def plain(name: str, folder: Path, quality: str, report: Report) -> None:
    """Write small files under the right names, and who wrote them beside the site."""
    make_folder(folder)
    report(0.5)
    for file in works.expected(exhibits.get(name)):
        text = "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHello.\n" if file.endswith(".vtt") else f"{name} {quality}"
        (folder / file).write_text(text, encoding="utf-8")
    threads = "/".join(os.environ.get(key, "-") for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"))
    with (folder.parents[2] / "made.log").open("a", encoding="utf-8") as log:
        log.write(f"{name} {os.getpid()} {threads}\n")


def _unless(name: str, wrong: str, folder: Path, quality: str, report: Report) -> None:
    """Make all but one exhibit; of that one, wait until another is finished and entered."""
    if name != wrong:
        plain(name, folder, quality, report)
        return
    ledger = folder.parents[1] / "gallery.json"
    until = time.monotonic() + 20
    while '"weight_bias"' not in ledger.read_text(encoding="utf-8") and time.monotonic() < until:
        time.sleep(0.02)


def refused(name: str, folder: Path, quality: str, report: Report) -> None:
    """Fail at one exhibit as a disk that is full does."""
    _unless(name, "kernels", folder, quality, report)
    if name == "kernels":
        raise OutputError("The file 'x.png' cannot be written:\nNo space left on device.")


def faulty(name: str, folder: Path, quality: str, report: Report) -> None:
    """Fail at one exhibit by a mistake of the programmer's."""
    _unless(name, "kernels", folder, quality, report)
    if name == "kernels":
        {}["no such key"]


def faulty_video(name: str, folder: Path, quality: str, report: Report) -> None:
    """Fail at one exhibit as `vizkit.render` does when manim meets a mistake of the programmer's."""
    _unless(name, "kernels", folder, quality, report)
    if name == "kernels":
        try:
            {}["no such key"]
        except KeyError as error:
            raise RenderError("manim could not play Story.") from error


def dying(name: str, folder: Path, quality: str, report: Report) -> None:
    """End the process at one exhibit, as the system does when memory runs out."""
    _unless(name, "kernels", folder, quality, report)
    if name == "kernels":
        os._exit(9)


def slow(name: str, folder: Path, quality: str, report: Report) -> None:
    """Work at one exhibit for ever, in a folder that is to be gone afterwards, and let no exception through."""
    _unless(name, "kernels", folder, quality, report)
    if name == "kernels":
        lock = multiprocessing.get_context("spawn").RLock()  # as a progress bar does
        make_folder(folder)
        (folder / ".work" / "parts").mkdir(parents=True)
        (folder / ".figure.png.1.part").touch()
        (folder / "begun").write_text(str(os.getpid()), encoding="utf-8")
        while lock:
            with contextlib.suppress(BaseException):  # so do callbacks of compiled code
                time.sleep(60)
