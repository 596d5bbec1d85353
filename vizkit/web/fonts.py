"""The bundled fonts for a page: cut down to the characters it shows, written into its style sheet."""

from __future__ import annotations

import base64
from functools import cache
from io import BytesIO
from typing import Any

from vizkit.theme import font_path

__all__ = ["font_faces"]

FACES = (
    ("text", "Vizkit Sans", 400),
    ("bold", "Vizkit Sans", 600),
    ("math", "Vizkit Math", 400),
    ("math", "Vizkit Math", 600),
)
ALWAYS = frozenset(map(chr, range(0x20, 0x7F)))
# Italic letters of formulas are characters of their own in a mathematical font, and so are bold ones.
ITALIC = (*range(0x1D434, 0x1D468), 0x210E, *range(0x1D6E2, 0x1D71C))
BOLD = {
    **{ord("0") + index: 0x1D7CE + index for index in range(10)},
    **{ord("A") + index: 0x1D400 + index for index in range(26)},
    **{ord("a") + index: 0x1D41A + index for index in range(26)},
}


def font_faces(characters: str) -> str:
    """Return the ``@font-face`` rules of all faces, holding the given characters and ASCII.

    Examples
    --------
    >>> font_faces("−").count("@font-face")
    4
    """
    wanted = "".join(sorted(ALWAYS | set(characters)))
    rules = []
    for face, family, weight in FACES:
        data = base64.b64encode(_subset(face, wanted, face == "math" and weight > 400)).decode()
        source = f"url(data:font/woff;base64,{data}) format('woff')"
        rules.append(f"@font-face{{font-family:'{family}';font-weight:{weight};src:{source}}}")
    return "\n".join(rules)


@cache
def _subset(face: str, characters: str, embolden: bool) -> bytes:
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    # The file's own time stamp stays, so the same page has the same bytes on every day.
    font = TTFont(font_path(face), recalcTimestamp=False)
    if embolden:
        _embolden(font)
    subsetter = Subsetter(Options(layout_features=["*"], notdef_outline=True, hinting=False))
    subsetter.populate(unicodes=[ord(c) for c in characters] + [*(ITALIC if face == "math" else ())])
    subsetter.subset(font)
    font.flavor = "woff"
    out = BytesIO()
    font.save(out)
    return out.getvalue()


def _embolden(font: Any) -> None:
    """Show letters and figures by the font's own bold ones, which a browser cannot reach by weight."""
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap |= {plain: table.cmap[bold] for plain, bold in BOLD.items() if bold in table.cmap}
