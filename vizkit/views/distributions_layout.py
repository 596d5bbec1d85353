"""Where the histograms of several layers stand on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vizkit.views.labels import label_width
from vizkit.views.marks import Cell, Curve, Mark, Text, points
from vizkit.views.naming import fitted
from vizkit.views.scaled import Scaled
from vizkit.views.text import Words, tally, words

if TYPE_CHECKING:
    from vizkit.views.distributions import Spread

__all__ = ["Panels"]

WIDE = 1820.0  # of all panels together
GAP = 72.0
TITLE, TICKS = 74.0, 66.0  # above and below the histograms
BAND = 74.0  # from one histogram to the next
FULL = 0.84  # of the band that the fullest bin takes
ROLES = {"weights": "positive", "activations": "activation", "gradients": "gradient"}


class Panels:
    """Rows of up to three panels of equal size."""

    def __init__(self, amount: int, steps: int) -> None:
        self.columns = min(amount, 3) if amount != 4 else 2
        self.rows = -(-amount // self.columns)
        self.across = min((WIDE - GAP * (self.columns - 1)) / self.columns, 1100.0)
        self.bands = steps
        self.up = TITLE + BAND * steps + TICKS
        self.width = self.columns * self.across + GAP * (self.columns - 1)
        self.height = self.rows * self.up + GAP / 2 * (self.rows - 1)

    def corner(self, at: int) -> tuple[float, float]:
        """Return the upper left corner of a panel."""
        row, column = divmod(at, self.columns)
        return column * (self.across + GAP), self.height - row * (self.up + GAP / 2)

    def panel(self, at: int, spread: Spread, name: str, what: str) -> list[Mark]:
        """Return a panel: the layer's name, a histogram for each step, the ends of the range."""
        left, top = self.corner(at)
        label = self.label(spread)
        inner, wide = left + label, self.across - label
        scale = Scaled(spread.edges[[0, -1]])
        marks = self._title(at, spread, name, f"{what} {scale.unit}".strip(), scale.unit)
        marks.append(Text(key=f"{at}:step", role="muted", words=words("step"), x=inner - 16, y=top - 24, ha="right"))
        for index, (step, counts) in enumerate(zip(spread.steps, spread.counts, strict=True)):
            base = top - TITLE - BAND * (index + 1)
            place = (inner, base, wide)
            marks.append(
                Text(key=f"{at}:step:{index}", role="muted", words=words(tally(f"step[{at}][{index}]", step)),
                     x=inner - 16, y=base + 18, ha="right")
            )  # fmt: skip
            marks += _histogram(f"{at}:{index}", counts, place, ROLES[what], _signs(spread, what))
        return [*marks, *_ends(at, spread, scale, (inner, top - self.up + TICKS, wide))]

    def label(self, spread: Spread) -> float:
        """Return the room for the steps' numbers at the left of a panel."""
        return max(map(label_width, ["step", *(str(tally("step", step)) for step in spread.steps)])) + 20

    def _title(self, at: int, spread: Spread, name: str, *notes: str) -> list[Mark]:
        left, top = self.corner(at)
        left, right = left + self.label(spread), left + self.across
        name = fitted(name, right - left, bold=True)
        marks: list[Mark] = [Text(key=f"{at}:title", words=words(name), x=left, y=top - 24, ha="left", bold=True)]
        lost = words(tally(f"lost[{at}]", spread.lost), " not finite")
        for said in [lost] if spread.lost else map(words, notes):
            if str(said) and label_width(name, bold=True) + 40 + label_width(said) <= right - left:
                role = "loss" if spread.lost else "muted"
                marks.append(Text(key=f"{at}:note", role=role, words=said, x=right, y=top - 24, ha="right"))
                break
        return marks


def _signs(spread: Spread, what: str) -> list[str]:
    """Return each bin's role: of weights, those below zero have the colour of negative ones."""
    middles = (spread.edges[:-1] + spread.edges[1:]) / 2
    return ["negative" if what == "weights" and middle < 0 else ROLES[what] for middle in middles]


def _histogram(
    key: str, counts: np.ndarray, place: tuple[float, float, float], role: str, roles: list[str]
) -> list[Mark]:
    """Return bars on a base line, and their outline, which is what can be read back."""
    left, base, wide = place
    bar, most = wide / len(counts), float(counts.max()) or 1.0
    heights = counts / most * BAND * FULL
    marks: list[Mark] = [
        Cell(key=f"{key}:bar:{at}", role=roles[at], x=left + at * bar, y=base, width=bar, height=high, fill=0.75)
        for at, high in enumerate(heights)
        if high > 0
    ]
    xs = left + bar * np.repeat(np.arange(len(counts) + 1), 2)
    ys = base + np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])
    outline = Curve(key=f"{key}:outline", role="muted", points=points(xs, ys), width=2, depth=2)
    return [*marks, outline]


def _ends(at: int, spread: Spread, scale: Scaled, place: tuple[float, float, float]) -> list[Mark]:
    """Return the ends of the range as numbers below the last histogram, and where zero is."""
    left, base, wide = place
    low, high = float(spread.edges[0]), float(spread.edges[-1])
    texts: list[tuple[str, Words, float, str]] = [
        ("low", words(scale.quantity(f"low[{at}]", low)), left, "left"),
        ("high", words(scale.quantity(f"high[{at}]", high)), left + wide, "right"),
    ]
    marks: list[Mark] = []
    if low < 0 < high:
        zero = left + wide * -low / (high - low)
        line = points([zero, zero], [base, base + BAND * len(spread.steps)])
        marks.append(Curve(key=f"{at}:zero:line", role="lines", points=line, width=2, shows=False, depth=0))
        widths = [label_width(str(said)) for _, said, _, _ in texts]
        if left + widths[0] + 40 < zero < left + wide - widths[1] - 40:
            texts.append(("zero", words("0"), zero, "center"))
    return marks + [
        Text(key=f"{at}:{name}", role="muted", words=said, x=x, y=base - 12, ha=ha, va="top", size="tick")
        for name, said, x, ha in texts
    ]
