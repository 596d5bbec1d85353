"""The bundled fonts for a page: cut down to the characters it shows, written into its style sheet."""

from __future__ import annotations

import base64
import logging
from functools import cache
from io import BytesIO

from vizkit.theme import font_path

__all__ = ["font_faces"]

FACES = {"text": ("Vizkit Sans", 400), "bold": ("Vizkit Sans", 600), "math": ("Vizkit Math", 400)}
ALWAYS = frozenset(map(chr, range(0x20, 0x7F)))


def font_faces(characters: str) -> str:
    """Return the ``@font-face`` rules of all faces, holding the given characters and ASCII.

    Examples
    --------
    >>> font_faces("−").count("@font-face")
    3
    """
    wanted = "".join(sorted(ALWAYS | set(characters)))
    rules = []
    for face, (family, weight) in FACES.items():
        data = base64.b64encode(_subset(face, wanted)).decode()
        source = f"url(data:font/woff;base64,{data}) format('woff')"
        rules.append(f"@font-face{{font-family:'{family}';font-weight:{weight};src:{source}}}")
    return "\n".join(rules)


@cache
def _subset(face: str, characters: str) -> bytes:
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    # manim opens the root logger for everything; what the subsetter has to say helps nobody here.
    logging.getLogger("fontTools.subset").setLevel(logging.WARNING)
    # The file's own time stamp stays, so the same page has the same bytes on every day.
    font = TTFont(font_path(face), recalcTimestamp=False)
    subsetter = Subsetter(Options(layout_features=["*"], notdef_outline=True, hinting=False))
    # Italic letters of formulas are characters of their own in a mathematical font.
    subsetter.populate(unicodes=[ord(c) for c in characters] + (_italics() if face == "math" else []))
    subsetter.subset(font)
    font.flavor = "woff"
    out = BytesIO()
    font.save(out)
    return out.getvalue()


def _italics() -> list[int]:
    return [*range(0x1D434, 0x1D468), 0x210E, *range(0x1D6E2, 0x1D71C)]
