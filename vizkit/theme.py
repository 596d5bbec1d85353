"""The theme: colours by role, sizes and fonts.

This is the only place where a colour, a font or a text size is written. Lengths are in
stage units: a video frame is a stage of 1920 × 1080 of them, whatever its pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from vizkit.errors import ArgumentError, unknown_name

__all__ = ["DARK", "FONTS", "LIGHT", "ROLES", "SIZES", "STAGE", "Theme", "contrast", "font_path", "get", "mix"]

STAGE = (1920.0, 1080.0)

ROLES = (
    "input", "positive", "negative", "bias", "activation", "output", "target", "loss", "gradient", "update",
    "focus", "ink", "muted", "lines",
)  # fmt: skip

# Text sizes (em) in stage units. At 480 lines a label's figures are 14 pixels high.
SIZES: Mapping[str, float] = MappingProxyType(
    {
        "title": 60.0,
        "heading": 48.0,
        "caption": 46.0,
        "equation": 56.0,
        "label": 44.0,
        "value": 44.0,
        "tick": 44.0,
        "small": 44.0,
    }
)

FONTS: Mapping[str, str] = MappingProxyType(
    {"text": "VizkitSans-Regular.ttf", "bold": "VizkitSans-SemiBold.ttf", "math": "VizkitMath-Regular.otf"}
)

TEXT_CONTRAST = 4.5
DIMMED = 0.4
DIMMED_TEXT = 5.5  # contrast that a dimmed text keeps with the ground, so that it also reads on a faint fill


@cache
def font_path(face: str = "text") -> Path:
    """Return the file of a bundled font: ``text``, ``bold`` or ``math``.

    Examples
    --------
    >>> font_path("bold").name
    'VizkitSans-SemiBold.ttf'
    """
    if face not in FONTS:
        raise unknown_name("font", face, FONTS)
    return Path(str(resources.files("vizkit") / "assets" / "fonts" / FONTS[face]))


def _channels(colour: str) -> tuple[float, float, float]:
    if len(colour) != 7 or not colour.startswith("#"):
        raise ArgumentError(f"A colour is written #rrggbb, but {colour!r} was given.")
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def mix(first: str, second: str, share: float) -> str:
    """Return the colour that is ``share`` of the way from the first to the second, in sRGB.

    Examples
    --------
    >>> mix("#000000", "#ffffff", 0.5)
    '#808080'
    """
    if not 0 <= share <= 1:
        raise ArgumentError(f"A share lies between 0 and 1, but {share!r} was given.")
    pairs = zip(_channels(first), _channels(second), strict=True)
    return "#" + "".join(f"{int((a + (b - a) * share) * 255 + 0.5):02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance).

    Examples
    --------
    >>> contrast("#000000", "#ffffff")
    21.0
    """
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


@dataclass(frozen=True, slots=True)
class Theme:
    """One ground with a colour for every role."""

    name: str
    ground: str
    roles: Mapping[str, str]

    def __post_init__(self) -> None:
        if missing := sorted(set(ROLES) - set(self.roles)):
            raise ArgumentError(f"A theme has a colour for every role, but {self.name!r} lacks {missing}.")

    def color(self, role: str) -> str:
        """Return the colour of a role as ``#rrggbb``."""
        if role not in self.roles:
            raise unknown_name("colour role", role, self.roles)
        return self.roles[role]

    def dimmed(self, colour: str, *, text: bool = False) -> str:
        """Return a colour stepped back towards the ground; a text stays readable on it."""
        share = DIMMED
        while text and contrast(mix(self.ground, colour, share), self.ground) < DIMMED_TEXT and share < 1:
            share = min(1.0, share + 0.05)
        return mix(self.ground, colour, share)

    def shade(self, role: str, strength: float) -> str:
        """Return the ground filled with ``strength`` (0 to 1) of a role's colour."""
        return mix(self.ground, self.color(role), 0.85 * min(max(strength, 0.0), 1.0))

    def signed(self, strength: float) -> str:
        """Return the diverging map's colour for a strength from −1 to 1, the ground at 0."""
        return self.shade("negative" if strength < 0 else "positive", abs(strength))

    def on(self, fill: str) -> str:
        """Return a text colour that reads well on a fill: ink, else ground, else black or white."""
        for colour in (self.color("ink"), self.ground):
            if contrast(colour, fill) >= TEXT_CONTRAST:
                return colour
        # One of these always reaches 4.58 : 1, the square root of the 21 between them.
        return max(("#000000", "#ffffff"), key=lambda colour: contrast(colour, fill))


def _theme(name: str, ground: str, **roles: str) -> Theme:
    return Theme(name, ground, MappingProxyType(roles))


# Both palettes were found by a search that keeps each role near its hue while every pair of
# roles stays apart for normal, protan, deutan and tritan vision (tests/test_theme.py measures it).
DARK = _theme(
    "dark", "#10141b", ink="#e8ecf1", muted="#98a2b1", lines="#343c49", focus="#ffffff",
    input="#44bff2", positive="#7099fc", negative="#ec7d6e", bias="#c064c4", activation="#fbdc5d", output="#07ebb3",
    target="#4da001", loss="#f3b76a", gradient="#e14f79", update="#9266f9",
)  # fmt: skip

LIGHT = _theme(
    "light", "#ffffff", ink="#171c24", muted="#5f6874", lines="#d3d8df", focus="#000000",
    input="#0676ba", positive="#1b3793", negative="#d43d0e", bias="#9b2e9c", activation="#816f0c", output="#1c7350",
    target="#0e5a1e", loss="#873600", gradient="#bf174e", update="#6b41df",
)  # fmt: skip

_THEMES = {"dark": DARK, "light": LIGHT}


def get(theme: Theme | str | None, default: Theme = LIGHT) -> Theme:
    """Return a theme from itself, its name, or None for the default.

    Examples
    --------
    >>> get("dark").ground
    '#10141b'
    """
    if theme is None:
        return default
    if isinstance(theme, Theme):
        return theme
    if theme not in _THEMES:
        raise unknown_name("theme", theme, _THEMES)
    return _THEMES[theme]
