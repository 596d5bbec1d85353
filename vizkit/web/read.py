"""Reading a story's page back: every number it shows, under the name it shows it by.

The agreement test compares this with what the story says it shows. Texts are read as text,
curves and dots from their coordinates in the picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from html.parser import HTMLParser

import numpy as np

from vizkit.views.marks import Values

__all__ = ["read"]

VOID = {"meta", "link", "br", "hr", "img", "input"}


def read(page: str) -> dict[str, Values]:
    """Return, for each beat of a story's page, its numbers by name.

    Names are as in `vizkit.stories.story.Beat.quantities`: ``panel/number``, ``caption/number``,
    ``equation/number``. Numbers in texts have the digits shown; curves are arrays of shape
    (points, 2) in data units, exact to a hundredth of a stage unit.
    """
    reader = _Reader()
    reader.feed(page)
    return reader.beats


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.beats: dict[str, Values] = {}
        self.zone = ""
        self.open: list[tuple[str, str]] = []  # of each open element: its tag, the number it holds
        self.text = ""
        self.point: Callable[[float, float], tuple[float, float]] = lambda x, y: (x, y)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        kinds = found.get("class", "").split()
        if tag == "section" and "beat" in kinds:
            self.now = self.beats.setdefault(found["id"], {})
        self.zone = next(
            (zone for zone in ("caption", "equation") if zone in kinds), found.get("data-panel", self.zone)
        )
        if "data-plane" in found:
            self.point = _inverse(found)
        name = found.get("data-quantity", "")
        if name and tag in _SHAPES:
            self.now |= {f"{self.zone}/{key}": value for key, value in _SHAPES[tag](name, found, self.point).items()}
            name = ""
        if tag not in VOID:
            self.open.append((tag, name))
            self.text = "" if name else self.text

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            opened, name = self.open.pop()
            if name:
                self.now[f"{self.zone}/{name}"] = float(self.text.replace("−", "-").replace(",", ""))
            if opened == tag:
                return


def _inverse(found: dict[str, str]) -> Callable[[float, float], tuple[float, float]]:
    x0, x1, y0, y1 = map(float, found["data-bounds"].split())
    left, top, width, height = map(float, found["data-plane"].split())
    across, up = found["data-scales"].split()

    def point(x: float, y: float) -> tuple[float, float]:
        return _along((x - left) / width, x0, x1, across), _along((top + height - y) / height, y0, y1, up)

    return point


def _along(share: float, low: float, high: float, scale: str) -> float:
    if scale == "log":
        return low * math.exp(share * math.log(high / low))
    return low + share * (high - low)


def _curve(name: str, found: dict[str, str], point: Callable[..., tuple[float, float]]) -> Values:
    if "data-value" in found:
        return {name: float(found["data-value"])}
    pairs = [tuple(map(float, pair.split(","))) for pair in found["points"].split()]
    return {name: np.asarray([point(*pair) for pair in pairs])}


def _dot(name: str, found: dict[str, str], point: Callable[..., tuple[float, float]]) -> Values:
    x, y = point(float(found["cx"]), float(found["cy"]))
    return {f"{name}.x": x, f"{name}.y": y}


def _image(name: str, found: dict[str, str], point: Callable[..., tuple[float, float]]) -> Values:
    values = np.asarray([float(value) for value in found["data-value"].split()])
    return {name: values.reshape(-1, int(found["data-columns"]))}


_SHAPES = {"polyline": _curve, "circle": _dot, "g": _image}
