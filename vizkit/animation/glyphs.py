"""Text as outlines: each glyph is taken from its font once, and a label is one shape.

A label's outline is put together from cached glyphs, so a counting number costs a few
array copies per frame. Lengths are in em until they are placed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTFont

from vizkit.errors import DataError
from vizkit.theme import font_path
from vizkit.typing import Float
from vizkit.views.marks import Text

__all__ = ["Face", "Run", "face", "label", "run"]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A line of text as one outline.

    ``outline`` has shape (4 · curves, 2): cubic Bézier curves in em, the baseline at 0, the text
    starting at x = 0. ``width`` is its advance, ``rise`` the height of a capital, ``top`` that of
    an l and ``dip`` the depth of a p.
    """

    text: str
    outline: Float["point xy"]
    width: float
    rise: float
    top: float
    dip: float


class _Outline(BasePen):
    """Collects a glyph's contours as cubic Bézier curves, each contour closed."""

    def __init__(self, glyphs: object) -> None:
        super().__init__(glyphs)
        self.curves: list[tuple[tuple[float, float], ...]] = []
        self._start = (0.0, 0.0)

    def _moveTo(self, pt: tuple[float, float]) -> None:
        self._start = pt

    def _lineTo(self, pt: tuple[float, float]) -> None:
        start = self._getCurrentPoint()
        self.curves.append((start, _between(start, pt, 1 / 3), _between(start, pt, 2 / 3), pt))

    def _curveToOne(self, pt1: tuple[float, float], pt2: tuple[float, float], pt3: tuple[float, float]) -> None:
        self.curves.append((self._getCurrentPoint(), pt1, pt2, pt3))

    def _closePath(self) -> None:
        if self._getCurrentPoint() != self._start:
            self._lineTo(self._start)


def _between(start: tuple[float, float], end: tuple[float, float], share: float) -> tuple[float, float]:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


class Face:
    """One bundled font: outlines, advances and kerning of its glyphs, in em."""

    def __init__(self, name: str) -> None:
        self._font = TTFont(font_path(name), lazy=True)
        self._glyphs = self._font.getGlyphSet()
        self._names = self._font.getBestCmap()
        self._unit = 1.0 / self._font["head"].unitsPerEm
        self._kerning = _kerning(self._font)
        self._pairs: dict[tuple[str, str], int] = {}
        self._outlines: dict[str, np.ndarray] = {}
        self.rise = self._font["OS/2"].sCapHeight * self._unit
        self.top = float(self.outline("l")[:, 1].max())
        self.dip = -float(self.outline("p")[:, 1].min())

    def glyph(self, character: str) -> str:
        """Return the name of a character's glyph.

        Raises
        ------
        DataError
            If the font has no such character.
        """
        found = self._names.get(ord(character))
        if found is None:
            raise DataError(
                f"A text can only hold characters of the bundled font, but {character!r} (U+{ord(character):04X}) came."
            )
        return found

    def advances(self, text: str) -> Float["glyph"]:
        """Return how far each glyph of a text moves the pen, kerning included, shape (characters,)."""
        names = [self.glyph(character) for character in text]
        steps = [self._glyphs[name].width for name in names]
        for at, pair in enumerate(pairwise(names)):
            steps[at] += self._kern(*pair)
        return np.asarray(steps, dtype=float) * self._unit

    def _kern(self, first: str, second: str) -> int:
        if (first, second) not in self._pairs:
            steps = (_pair_step(table, first, second) for table in self._kerning)
            self._pairs[first, second] = next((step for step in steps if step is not None), 0)
        return self._pairs[first, second]

    def outline(self, character: str) -> Float["point xy"]:
        """Return a character's outline, shape (4 · curves, 2)."""
        name = self.glyph(character)
        if name not in self._outlines:
            pen = _Outline(self._glyphs)
            self._glyphs[name].draw(pen)
            self._outlines[name] = np.asarray(pen.curves, dtype=float).reshape(-1, 2) * self._unit
        return self._outlines[name]


def _kerning(font: TTFont) -> list[Any]:
    """Return the tables of the font's ``kern`` feature, in the order in which they are asked."""
    table = font["GPOS"].table
    wanted = {at for record in table.FeatureList.FeatureRecord if record.FeatureTag == "kern"
              for at in record.Feature.LookupListIndex}  # fmt: skip
    parts = [part for at in sorted(wanted) for part in table.LookupList.Lookup[at].SubTable]
    return [getattr(part, "ExtSubTable", part) for part in parts]


def _pair_step(table: Any, first: str, second: str) -> int | None:
    """Return what a pair table adds between two glyphs, None if it does not know the pair."""
    if first not in table.Coverage.glyphs:
        return None
    if table.Format == 1:
        pairs = table.PairSet[table.Coverage.glyphs.index(first)].PairValueRecord
        values = [record.Value1 for record in pairs if record.SecondGlyph == second]
        return getattr(values[0], "XAdvance", 0) if values else None
    row = table.Class1Record[table.ClassDef1.classDefs.get(first, 0)].Class2Record
    return getattr(row[table.ClassDef2.classDefs.get(second, 0)].Value1, "XAdvance", 0)


@cache
def face(name: str = "text") -> Face:
    """Return a bundled font, ``text`` or ``bold``, opened once.

    Examples
    --------
    >>> round(face("text").rise, 3)
    0.728
    """
    return Face(name)


@lru_cache(maxsize=8192)
def run(text: str, name: str = "text") -> Run:
    """Return a line of text as one outline.

    Examples
    --------
    >>> line = run("−15.66")
    >>> line.text, line.outline.shape[1], round(line.width, 1)
    ('−15.66', 2, 3.5)
    """
    font = face(name)
    steps = font.advances(text)
    starts = np.concatenate([[0.0], np.cumsum(steps)])
    pieces = [font.outline(letter) + np.asarray((start, 0.0)) for letter, start in zip(text, starts, strict=False)]
    outline = np.concatenate(pieces) if pieces else np.zeros((0, 2))
    outline.setflags(write=False)
    return Run(text, outline, float(starts[-1]), font.rise, font.top, font.dip)


def label(mark: Text, em: float) -> Float["point xy"]:
    """Return a text's outline; ``em`` is its size.

    The middle of a text is that of its capitals and figures; its top and bottom leave room for
    the tallest and deepest letters, so that labels side by side stand on one line.
    """
    line = run(str(mark.words), "bold" if mark.bold else "text")
    across = {"left": 0.0, "center": 0.5, "right": 1.0}[mark.ha]
    up = {"bottom": -line.dip, "center": line.rise / 2, "top": line.top}[mark.va]
    return line.outline * em + (mark.x - across * line.width * em, mark.y - up * em)
