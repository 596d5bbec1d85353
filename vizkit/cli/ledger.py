"""What the gallery was made from: a fingerprint for each exhibit, kept in a file of the site."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import vizkit
from vizkit.cli import works
from vizkit.files import write

__all__ = ["Ledger", "fingerprint"]

NAME = "gallery.json"
Named = TypeVar("Named")  # an exhibit, or anything else with a name whose files lie in a folder of that name
LIBRARIES = ("numpy", "matplotlib", "manim", "scikit-learn", "typst")


def fingerprint(quality: str) -> str:
    """Return a fingerprint of all that an exhibit's files depend on: sources, libraries, quality."""
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


class Ledger:
    """Which exhibits of a site were made, and from what.

    Parameters
    ----------
    site
        The site's folder.
    stamp
        The fingerprint of what exhibits would be made from now.
    expected
        Says which files an exhibit's folder holds.
    name
        The ledger's file in the site's folder.
    """

    def __init__(
        self, site: Path, stamp: str, expected: Callable[[Any], tuple[str, ...]] = works.expected, name: str = NAME
    ) -> None:
        self.site = site
        self.stamp = stamp
        self.expected = expected
        self.path = site / name
        self.entries = _read(self.path)

    def stale(self, exhibits: Iterable[Named]) -> tuple[Named, ...]:
        """Return the exhibits that were made from something else, or of which a file is missing."""
        return tuple(exhibit for exhibit in exhibits if not self._fresh(exhibit))

    def _fresh(self, exhibit: Any) -> bool:
        folder = self.site / "exhibits" / exhibit.name
        made = self.entries.get(exhibit.name) == self.stamp
        return made and all((folder / name).is_file() for name in self.expected(exhibit))

    def strike(self, exhibits: Iterable[Any]) -> None:
        """Forget exhibits that are about to be made again.

        Raises
        ------
        OutputError
            If the ledger cannot be written.
        """
        for exhibit in exhibits:
            self.entries.pop(exhibit.name, None)
        self._write()

    def enter(self, name: str) -> None:
        """Note that an exhibit is made.

        Raises
        ------
        OutputError
            If the ledger cannot be written.
        """
        self.entries[name] = self.stamp
        self._write()

    def _write(self) -> None:
        write(self.path, json.dumps(self.entries, indent=1, sort_keys=True) + "\n")


def _read(path: Path) -> dict[str, object]:
    """Return what was made before; of a ledger that cannot be read, nothing."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # then all is made again, and `strike` finds what cannot be written
        return {}
    return found if isinstance(found, dict) else {}
