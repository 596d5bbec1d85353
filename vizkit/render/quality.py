"""The qualities of a video, under the names that manim's users know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vizkit.errors import unknown_name

__all__ = ["QUALITIES", "Quality", "quality_of"]


@dataclass(frozen=True, slots=True)
class Quality:
    """Width and height of a frame in pixels, and frames per second."""

    width: int
    height: int
    rate: int


QUALITIES: Mapping[str, Quality] = MappingProxyType(
    {
        "ql": Quality(854, 480, 15),
        "qm": Quality(1280, 720, 30),
        "qh": Quality(1920, 1080, 60),
        "qk": Quality(3840, 2160, 60),
    }
)


def quality_of(name: str) -> Quality:
    """Return a quality by its name: ``ql``, ``qm``, ``qh`` or ``qk``.

    Examples
    --------
    >>> quality_of("qm")
    Quality(width=1280, height=720, rate=30)
    """
    if name not in QUALITIES:
        raise unknown_name("quality", name, QUALITIES)
    return QUALITIES[name]
