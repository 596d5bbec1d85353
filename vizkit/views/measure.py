"""How wide a text is, from the bundled fonts' own advances.

Captions and titles are broken into the same lines in every medium, so the lines are found
here and not by a renderer. The measure leaves out kerning, which moves a line by less than
one per cent.
"""

from __future__ import annotations

from functools import cache

from vizkit.errors import ArgumentError
from vizkit.theme import font_path

__all__ = ["CAP_HEIGHT", "DESCENT", "fit_lines", "has_glyph", "width", "wrap"]

CAP_HEIGHT = 0.728  # of the em, as are the figures: what a number is centred by
DESCENT = 0.215  # of the em: how far g and y reach below the baseline

SHRINKING = 8  # steps from the full size of a text to its smallest


@cache
def _advances(face: str) -> dict[str, float]:
    """Return the advance of each character of a font, in em."""
    from fontTools.ttLib import TTFont

    with TTFont(font_path(face), lazy=True) as font:
        em, widths = font["head"].unitsPerEm, font["hmtx"]
        return {chr(code): widths[name][0] / em for code, name in font.getBestCmap().items()}


def has_glyph(character: str) -> bool:
    """Say whether both faces of the bundled text font have a character.

    Examples
    --------
    >>> has_glyph("é"), has_glyph("層")
    (True, False)
    """
    return all(character in _advances(face) for face in ("text", "bold"))


def width(text: str, size: float, bold: bool = False) -> float:
    """Return the width of one line of text, in the units of its size (em).

    Raises
    ------
    ArgumentError
        If the text holds a character that the bundled fonts do not have.

    Examples
    --------
    >>> width("11", 44) == 2 * width("1", 44)
    True
    >>> width("bold", 44, bold=True) > width("bold", 44)
    True
    """
    advances = _advances("bold" if bold else "text")
    try:
        return size * sum(map(advances.__getitem__, text))
    except KeyError:
        missing = min(set(text) - set(advances))
        raise ArgumentError(
            f"The fonts have no character {missing!r} (U+{ord(missing):04X}), given in {text!r}."
        ) from None


def _fill(words: list[str], size: float, room: float) -> list[str]:
    """Put as many words on each line as fit."""
    lines = [words[0]]
    for word in words[1:]:
        longer = f"{lines[-1]} {word}"
        if width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def wrap(text: str, size: float, room: float) -> list[str]:
    """Break a text into as few lines as fit the room, and those of nearly equal length.

    A word that is wider than the room has a line of its own.

    Examples
    --------
    >>> wrap("one two three four", 10, 1000)
    ['one two three four']
    >>> wrap("one two three four five", 10, 100)
    ['one two three', 'four five']
    """
    parts = text.split()
    if not parts:
        return []
    lines = _fill(parts, size, room)
    low, high = 0.0, room
    while high - low > size / 8:
        middle = (low + high) / 2
        narrower = _fill(parts, size, middle)
        if len(narrower) > len(lines):
            low = middle
        else:
            high, lines = middle, narrower
    return lines


def fit_lines(text: str, size: float, room: float, most: int = 2) -> tuple[float, list[str]]:
    """Break a text into at most so many lines, set smaller when that is needed; return size and lines.

    Raises
    ------
    ArgumentError
        If the text would have to be smaller than four fifths of the size.

    Examples
    --------
    >>> fit_lines("one two three four five", 10, 63)
    (9.75, ['one two three', 'four five'])
    """
    for step in range(SHRINKING + 1):
        smaller = size * (1 - 0.2 * step / SHRINKING)
        lines = wrap(text, smaller, room)
        if len(lines) <= most and all(width(line, smaller) <= room for line in lines):
            return smaller, lines
    raise ArgumentError(
        f"A text of {most} lines is at most {room:g} wide at a size of {0.8 * size:g}, but this one is longer: {text!r}"
    )
