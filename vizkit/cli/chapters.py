"""The gallery's chapters: Markdown files in which a line ``@exhibit NAME`` hangs an exhibit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from vizkit import exhibits
from vizkit.errors import ArgumentError, DataError, UnknownNameError
from vizkit.exhibits import Exhibit

__all__ = ["Chapter", "read_chapters"]

# All of the line is the name, so that a slip in it is found.
_EXHIBIT = re.compile(r"^@exhibit\b(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A title and, in order, pieces of Markdown and exhibits."""

    slug: str
    title: str
    parts: tuple[str | Exhibit, ...]

    @property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """The exhibits that hang in this chapter."""
        return tuple(part for part in self.parts if isinstance(part, Exhibit))


def read_chapters(folder: Path | None) -> tuple[Chapter, ...]:
    """Return the chapters of a folder in the order of their file names.

    Without a folder: those of ``gallery`` in the working directory if it is there, else one
    chapter for each chapter of the catalogue.

    Raises
    ------
    ArgumentError
        If the folder holds no Markdown, or an exhibit hangs twice.
    DataError
        If a file has no title, or is no text.
    UnknownNameError
        If a file hangs an exhibit that does not exist.
    """
    if folder is None:
        folder = Path("gallery")
        if not any(folder.glob("*.md")):
            return _catalogue()
    files = sorted(folder.glob("*.md"))
    if not files:
        raise ArgumentError(f"A folder of chapters holds Markdown files (*.md), but {str(folder)!r} holds none.")
    return _unique(tuple(_read(path) for path in files))


def _read(path: Path) -> Chapter:
    first, _, rest = _text(path).partition("\n")
    title = first.removeprefix("# ").strip()
    if not first.startswith("# ") or not title:
        raise DataError(f"A chapter begins with a title ('# ...'), but {path.name} begins with {first[:40]!r}.")
    pieces = _EXHIBIT.split(rest)
    parts: list[str | Exhibit] = []
    for index, piece in enumerate(pieces):
        if index % 2:
            parts.append(_hung(piece, path.name))
        elif piece.strip():
            parts.append(piece.strip())
    return Chapter(path.stem, title, tuple(parts))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The chapter {str(path)!r} cannot be read as text: {error}.") from error


def _hung(name: str, file: str) -> Exhibit:
    """Return the exhibit that a line ``@exhibit NAME`` hangs."""
    try:
        return exhibits.get(name.strip())
    except UnknownNameError as error:
        error.add_note(f"It hangs in {file}.")
        raise


def _unique(chapters: tuple[Chapter, ...]) -> tuple[Chapter, ...]:
    places: dict[str, list[str]] = {}
    for chapter in chapters:
        for exhibit in chapter.exhibits:
            places.setdefault(exhibit.name, []).append(f"{chapter.slug}.md")
    for name, files in places.items():
        if len(files) > 1:
            raise ArgumentError(f"An exhibit hangs in one place of the gallery, but {name!r} hangs in {files}.")
    return chapters


def _catalogue() -> tuple[Chapter, ...]:
    titles = dict.fromkeys(exhibit.chapter for exhibit in exhibits.all_exhibits())
    return tuple(
        Chapter(
            slug=re.sub(r"\W+", "-", title.lower()),
            title=title,
            parts=tuple(exhibit for exhibit in exhibits.all_exhibits() if exhibit.chapter == title),
        )
        for title in titles
    )
