"""A model's architecture: its layers from top to bottom, what each gives, and how many parameters it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vizkit.trace import Trace
from vizkit.trace.sources import describe
from vizkit.views.architecture_flow import Link, Row, read_flow
from vizkit.views.grids import canvas
from vizkit.views.labels import label_width
from vizkit.views.marks import Arrow, Cell, Curve, Disc, Mark, Text, points
from vizkit.views.naming import fitted
from vizkit.views.picture import Picture, View
from vizkit.views.text import Words, tally, words

__all__ = ["ArchitectureView"]

MOST = 18  # rows that can be read on one page
PITCH = 72.0  # from row to row
INDENT = 44.0
KIND, NAME, SHAPE = 660.0, 460.0, 460.0  # the widest that a column of texts becomes
GAP = 56.0  # between columns
BAR = 220.0  # as long as the most parameters
LANE = 40.0  # what a way around reaches to the left for each row that it passes
WIDEST = 190.0


@dataclass(frozen=True, eq=False)
class ArchitectureView(View):
    """The layers of a model in the order in which data pass them, with every way around.

    Attributes
    ----------
    rows
        The layers; one that contains others stands above them.
    links
        Which layer's output goes where, by the rows' numbers; −1 is the input.
    inputs
        The input's shape without the batch.
    more
        How many layers stand in no row, and their parameters.

    Examples
    --------
    >>> rows = (Row("hidden", "Dense", (2,), 4), Row("output", "Dense", (1,), 3))
    >>> view = ArchitectureView(rows, (Link(-1, 0), Link(0, 1)), inputs=(1,))
    >>> view.parameters, view.quantities()["parameters[0]"]
    (7, 4.0)
    """

    rows: tuple[Row, ...]
    links: tuple[Link, ...] = ()
    inputs: tuple[int | None, ...] = ()
    more: tuple[int, int] = (0, 0)

    @classmethod
    def from_trace(cls, trace: Trace, *, most: int = MOST) -> ArchitectureView:
        """Make the view of a recorded model with at most so many rows.

        Of a network with more layers than that, layers within layers are folded first; then the middle
        is left out and counted.
        """
        rows, links = read_flow(trace, most)
        first = trace.model.layers[0].input_shape
        inputs = first[0] if first and isinstance(first[0], tuple | list) else first
        if len(rows) <= most:
            return cls(rows, links, tuple(inputs[1:]))
        head, tail = most - most // 2, len(rows) - most // 2
        left_out = rows[head:tail]
        places = {-1: -1, **{at: at for at in range(head)}}
        places |= {at: at - tail + head for at in range(tail, len(rows))}
        kept = [Link(places[link.source], places[link.target], link.how) for link in links
                if link.source in places and link.target in places]  # fmt: skip
        more = (len(left_out), sum(row.parameters for row in left_out))
        return cls((*rows[:head], *rows[tail:]), tuple(kept), tuple(inputs[1:]), more)

    @classmethod
    def ensure(cls, data: Any, **options: Any) -> ArchitectureView:
        """Return a view from itself, from a trace, or from a built model of vizkit.

        Raises
        ------
        ArgumentError
            If the data are none of these, or know no layers.
        """
        if isinstance(data, cls):
            return data
        if isinstance(data, Trace):
            return cls.from_trace(data, **options)
        return cls.from_trace(Trace(describe(data)), **options)

    @property
    def parameters(self) -> int:
        """How many parameters all layers have together."""
        return sum(row.parameters for row in self.rows) + self.more[1]

    @property
    def _gap_after(self) -> int:
        """The row after which layers are left out; none of them when none are."""
        return len(self.rows) - len(self.rows) // 2 - 1 if self.more[0] else len(self.rows)

    def draw(self) -> Picture:
        """Draw the ways of the data at the left, then kind, name, shape and parameters in columns."""
        sheet = _Sheet(self)
        marks = [*sheet.heads(), *sheet.ways(), *sheet.table(), *sheet.foot()]
        return canvas(marks, sheet.right, sheet.height)


class _Sheet:
    """Where the columns and rows of an architecture stand."""

    def __init__(self, view: ArchitectureView) -> None:
        self.view = view
        rows = view.rows
        self.kinds = [fitted(row.kind, KIND - INDENT * row.depth, bold=True) for row in rows]
        self.names = [fitted(row.name.rpartition("/")[2], NAME) if row.name else "" for row in rows]
        self.shapes = [_shape(f"shape[{at}]", row.shape) for at, row in enumerate(rows)]
        indents = [INDENT * row.depth for row in rows]
        reach = max((_reach(link) for link in self.spans()), default=0.0)
        self.lane = reach + 16.0
        self.left = self.lane + 52.0
        wide = [indent + label_width(kind, bold=True) for indent, kind in zip(indents, self.kinds, strict=True)]
        self.name_x = self.left + max(label_width("input", bold=True), *wide) + GAP
        self.shape_x = self.name_x + max(map(label_width, ["layer", *self.names])) + GAP
        shapes = [*self.shapes, _shape("shape[input]", view.inputs)]
        self.numbers_x = self.shape_x + max(map(label_width, ["output", *shapes])) + GAP + label_width("parameters")
        self.right = self.numbers_x + (BAR + 24 if len(rows) > 1 else 0)
        self.height = PITCH * (len(rows) + 3 + bool(view.more[0]))

    def y(self, at: int) -> float:
        """Return the middle of a row; −1 is the input's."""
        return self.height - PITCH * (at + 2.5 + (at > self.view._gap_after))

    def spans(self) -> list[Link]:
        """Return the links that pass other layers."""
        return [link for link in self.view.links if self._passed(link)]

    def _passed(self, link: Link) -> int:
        """Return how many layers lie between a link's ends."""
        return sum(not row.group for row in self.view.rows[link.source + 1 : link.target])

    def heads(self) -> list[Mark]:
        """Return the names of the columns."""
        y = self.y(-1) + PITCH
        marks: list[Mark] = [
            Text(key=f"head:{name}", role="muted", words=words(name), x=x, y=y, ha=ha)
            for name, x, ha in (
                ("layer", self.left, "left"), ("name", self.name_x, "left"), ("output", self.shape_x, "left"),
                ("parameters", self.numbers_x, "right"),
            )
        ]  # fmt: skip
        line = y - PITCH / 2
        rule = points([0, self.right], [line, line])
        return [*marks, Curve(key="rule", role="lines", points=rule, width=2, shows=False)]

    def ways(self) -> list[Mark]:
        """Return the points where layers stand and the lines along which data flow."""
        marks: list[Mark] = [_dot("input:dot", self.lane, self.y(-1), "input", False)]
        last = max(at for at, row in enumerate(self.view.rows) if not row.group)
        for at, row in enumerate(self.view.rows):
            if not row.group:
                role = "output" if at == last else "activation"
                marks.append(_dot(f"row:{at}:dot", self.lane, self.y(at), role, not row.parameters))
        for link in self.view.links:
            marks += self._way(link)
        return marks

    def _way(self, link: Link) -> list[Mark]:
        key, top, bottom = f"way:{link.source}:{link.target}", self.y(link.source) - 18, self.y(link.target) + 18
        unsure = link.how == "order"
        if not self._passed(link):
            ends = points([self.lane, self.lane], [top, bottom + 14])
            line = Curve(key=key, role="muted", points=ends, width=4, dashed=unsure, shows=False)
            tip = Arrow(
                key=f"{key}:tip", role="muted", start=(self.lane, bottom + 16), end=(self.lane, bottom), width=4
            )
            return [line, tip]
        reach, turn = _reach(link), np.linspace(0, np.pi, 49)
        middle, half = (top + bottom) / 2, (top - bottom) / 2
        arc = points(self.lane - 14 - (reach - 14) * np.sin(turn) ** 0.6, middle + half * np.cos(turn))
        line = Curve(key=key, role="ink", points=arc, width=4, dashed=unsure, shows=False)
        return [line, Arrow(key=f"{key}:tip", role="ink", start=tuple(arc[-4]), end=tuple(arc[-1]), width=4)]

    def table(self) -> list[Mark]:
        """Return the texts of each row, and a bar as long as its share of the most parameters."""
        most = max((row.parameters for row in self.view.rows), default=0) or 1
        marks = [_text("input", "input", self.left, self.y(-1), "input", bold=True),
                 _text("input:shape", _shape("shape[input]", self.view.inputs), self.shape_x, self.y(-1))]  # fmt: skip
        for at, row in enumerate(self.view.rows):
            y, x = self.y(at), self.left + INDENT * row.depth
            role = "muted" if row.group else "ink"
            marks.append(_text(f"row:{at}:kind", self.kinds[at], x, y, role, bold=True))
            if row.name:
                marks.append(_text(f"row:{at}:name", self.names[at], self.name_x, y, "muted"))
            if row.shape and not row.group:
                marks.append(_text(f"row:{at}:shape", self.shapes[at], self.shape_x, y))
            if row.parameters:
                amount = words(tally(f"parameters[{at}]", row.parameters))
                marks.append(_text(f"row:{at}:parameters", amount, self.numbers_x, y, ha="right"))
                marks += self._bar(f"row:{at}:bar", y, row.parameters / most)
        return marks

    def _bar(self, key: str, y: float, share: float) -> list[Mark]:
        if len(self.view.rows) < 2:
            return []
        length = max(BAR * share, 3.0)
        return [Cell(key=key, role="positive", x=self.numbers_x + 24, y=y - 13, width=length, height=26, fill=0.8)]

    def foot(self) -> list[Mark]:
        """Return how many parameters there are in all, and what was left out."""
        y = self.y(len(self.view.rows))
        line = points([0, self.right], [y + PITCH / 2, y + PITCH / 2])
        total = words(tally("parameters", self.view.parameters))
        marks: list[Mark] = [
            Curve(key="sum", role="lines", points=line, width=2, shows=False),
            _text("total", "in all", self.left, y, bold=True),
            _text("total:parameters", total, self.numbers_x, y, ha="right", bold=True),
        ]
        if self.view.more[0]:
            here = self.y(self.view._gap_after) - PITCH
            amount, hidden = tally("more", self.view.more[0]), tally("more parameters", self.view.more[1])
            marks.append(_text("more", words("… ", amount, " more layers"), self.left, here, "muted"))
            marks.append(_text("more:parameters", words(hidden), self.numbers_x, here, "muted", ha="right"))
        return marks


def _reach(link: Link) -> float:
    """Return how far to the left a way around goes."""
    return min(WIDEST, 30.0 + LANE * (link.target - link.source - 1))


def _dot(key: str, x: float, y: float, role: str, hollow: bool) -> Mark:
    return Disc(key=key, role=role, x=x, y=y, radius=14.0, strength=0.0 if hollow else 1.0)


def _text(
    key: str, said: Words | str, x: float, y: float, role: str = "ink", *, ha: str = "left", bold: bool = False
) -> Text:
    shown = words(said) if isinstance(said, str) else said
    return Text(key=key, role=role, words=shown, x=x, y=y, ha=ha, bold=bold)


def _shape(name: str, shape: Sequence[int | None]) -> Words:
    """Return lengths joined by ×; one that is not fixed is written as a letter."""
    parts = [tally(f"{name}[{at}]", length) if length is not None else "n" for at, length in enumerate(shape)]
    return words(*[part for length in parts for part in (" × ", length)][1:])
