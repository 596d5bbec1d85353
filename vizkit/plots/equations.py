"""Setting an equation with mathtext, term by term in its roles' colours.

All terms stand on one baseline. The row is measured with mathtext's own metrics, then
centred in its box, and shrunk when it would not fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text

from vizkit.errors import RenderError
from vizkit.plots.artists import SMALLEST, font
from vizkit.theme import SIZES, Theme
from vizkit.views.board import Box
from vizkit.views.equation import Equation, Expr, Group, Op, Row, Term, parts
from vizkit.views.formula import to_mathtext
from vizkit.views.measure import CAP_HEIGHT, width

__all__ = ["TermArtist", "draw_equation", "mathtext_of"]

GAP = 0.2  # between terms, in em
GAP_RELATION = 0.3  # on either side of an operator such as =
BRACE_GAP = 0.16  # between a factor, its brace and its label
LABEL = SIZES["label"] / SIZES["equation"]  # size of a factor's label, in em of the equation
LABEL_ROOM = 2 * BRACE_GAP + LABEL  # from a factor's depth to below its label


class TermArtist(Text):
    """A term of an equation, which knows its expression, so that its numbers can be read back.

    ``prefix`` opens the names of its numbers.
    """

    def __init__(self, expr: Expr, prefix: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.expr, self.prefix = expr, prefix


@lru_cache(maxsize=1024)
def _measure(mathtext: str) -> tuple[float, float, float]:
    """Return width, height above and depth below the baseline, in em."""
    parsed = MathTextParser("path").parse(mathtext, dpi=72, prop=font(100.0))
    return parsed.width / 100, (parsed.height - parsed.depth) / 100, parsed.depth / 100


@dataclass(frozen=True, slots=True)
class _Piece:
    """A term with its size in em; ``label`` stands below its brace."""

    term: Term
    mathtext: str
    label: str = ""

    @property
    def wide(self) -> float:
        return max(_measure(self.mathtext)[0], width(self.label, LABEL))

    @property
    def above(self) -> float:
        return _measure(self.mathtext)[1]

    @property
    def depth(self) -> float:
        return _measure(self.mathtext)[2]

    @property
    def gap(self) -> float:
        return GAP_RELATION if isinstance(self.term.expr, Op) else GAP


def mathtext_of(expr: Expr, bold: bool = False) -> str:
    r"""Return an expression as mathtext with full-sized fractions and, when bold, bold figures.

    Examples
    --------
    >>> from vizkit.views.equation import literal
    >>> mathtext_of(literal(2), bold=True)
    '$\\mathbf{2}$'
    """
    text = to_mathtext(expr).replace(r"\frac", r"\dfrac")
    return text.replace(r"\mathrm", r"\mathbf") if bold else text


def _in_row(expr: Expr) -> Iterator[Expr]:
    """Yield an expression, or the items of a row that holds named factors."""
    if isinstance(expr, Row) and any(isinstance(part, Group) for part in parts(expr)):
        for item in expr.items:
            yield from _in_row(item)
    else:
        yield expr


def _pieces(equation: Equation) -> Iterator[_Piece]:
    """Yield what is set side by side."""
    for term in equation.terms:
        for expr in _in_row(term.expr):
            label = expr.label if isinstance(expr, Group) else ""
            yield _Piece(Term(expr, term.role, term.bold), mathtext_of(expr, term.bold), label)


def draw_equation(ax: Axes, equation: Equation, box: Box, theme: Theme, scale: float, prefix: str = "") -> None:
    """Set an equation in the middle of a box.

    A `Group` that is a term, or stands in a term's row, has its brace and label below.

    Parameters
    ----------
    ax
        Axes whose data units are the box's units.
    scale
        Points per unit.

    Raises
    ------
    RenderError
        If the equation would have to be smaller than 9 points to fit.
    """
    pieces = list(_pieces(equation))
    gaps = [max(left.gap, right.gap) for left, right in pairwise(pieces)]
    wide = sum(piece.wide for piece in pieces) + sum(gaps)
    above = max(piece.above for piece in pieces)
    brace = max((piece.depth for piece in pieces if piece.label), default=0)
    below = max(*(piece.depth for piece in pieces), brace + LABEL_ROOM if brace else 0)
    em = min(SIZES["equation"], box.width / wide, box.height / (above + below))
    if em * scale < SMALLEST:
        raise RenderError(
            f"An equation is set in {SMALLEST:g} points or more, but this one has {em * scale:.1f} points where it"
            f" fits {box.width:g} × {box.height:g} units: {to_mathtext(equation)}"
        )
    line = _Line(ax, em, scale, box.middle[1] - (above - below) * em / 2, brace + BRACE_GAP, f"{prefix}equation")
    x = box.middle[0] - wide * em / 2
    for index, (piece, gap) in enumerate(zip(pieces, [*gaps, 0.0], strict=True)):
        line.put(piece, x, theme.color(piece.term.role), index)
        x += (piece.wide + gap) * em


@dataclass(frozen=True, slots=True)
class _Line:
    """The line that terms are set on: size and baseline in the axes' units, braces so many em below it."""

    ax: Axes
    em: float
    scale: float
    baseline: float
    brace: float
    name: str

    def put(self, piece: _Piece, x: float, colour: str, index: int) -> None:
        """Set a piece whose room begins at x, and its brace when it has a label."""
        inner = _measure(piece.mathtext)[0] * self.em
        left = x + (piece.wide * self.em - inner) / 2
        looks = {"color": colour, "fontproperties": font(self.em * self.scale), "va": "baseline"}
        artist = TermArtist(piece.term.expr, f"{self.name}/", x=left, y=self.baseline, text=piece.mathtext, **looks)
        artist.set_gid(f"{self.name}:{index}")
        self.ax.add_artist(artist)
        if piece.label:
            self._brace(piece.label, (left, left + inner), colour, f"{self.name}:{index}.label")

    def _brace(self, label: str, ends: tuple[float, float], colour: str, gid: str) -> None:
        low, step = self.baseline - self.brace * self.em, BRACE_GAP / 2 * self.em
        left, right = ends
        line = Line2D([left, left, right, right], [low + step, low, low, low + step], color=colour)
        line.set_linewidth(2.5 * self.scale)
        self.ax.add_artist(line)
        size = max(LABEL * self.em, SMALLEST / self.scale)
        text = Text((left + right) / 2, low - BRACE_GAP * self.em - CAP_HEIGHT * size, label, parse_math=False, gid=gid)
        text.set(color=colour, fontproperties=font(size * self.scale), ha="center", va="baseline")
        self.ax.add_artist(text)
