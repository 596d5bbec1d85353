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
from vizkit.plots.artists import font
from vizkit.theme import SIZES, Theme
from vizkit.views.board import Box
from vizkit.views.equation import Equation, Expr, Group, Op, Row, Term
from vizkit.views.formula import to_mathtext
from vizkit.views.measure import CAP_HEIGHT, width

__all__ = ["TermArtist", "draw_equation", "mathtext_of"]

GAP = 0.2  # between terms, in em
GAP_RELATION = 0.3  # on either side of an operator such as =
BRACE_GAP = 0.16  # between a factor, its brace and its label
SMALLEST = 9.0  # points


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
        return max(_measure(self.mathtext)[0], width(self.label, SIZES["label"] / SIZES["equation"]))

    @property
    def above(self) -> float:
        return _measure(self.mathtext)[1]

    @property
    def below(self) -> float:
        depth = _measure(self.mathtext)[2]
        return depth + (2 * BRACE_GAP + SIZES["label"] / SIZES["equation"] if self.label else 0.0)

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


def _pieces(equation: Equation) -> Iterator[_Piece]:
    """Yield what is set side by side; a row that holds named factors is taken apart."""
    for term in equation.terms:
        in_row = isinstance(term.expr, Row) and any(isinstance(item, Group) for item in term.expr.items)
        for expr in term.expr.items if in_row else (term.expr,):
            label = expr.label if isinstance(expr, Group) else ""
            yield _Piece(Term(expr, term.role, term.bold), mathtext_of(expr, term.bold), label)


def draw_equation(ax: Axes, equation: Equation, box: Box, theme: Theme, scale: float, prefix: str = "") -> None:
    """Set an equation in the middle of a box.

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
    above, below = max(piece.above for piece in pieces), max(piece.below for piece in pieces)
    em = min(SIZES["equation"], box.width / wide, box.height / (above + below))
    if em * scale < SMALLEST:
        raise RenderError(
            f"An equation is set in {SMALLEST:g} points or more, but this one has {em * scale:.1f} points where it"
            f" fits {box.width:g} × {box.height:g} units: {to_mathtext(equation)}"
        )
    x, baseline = box.middle[0] - wide * em / 2, box.middle[1] - (above - below) * em / 2
    for index, (piece, gap) in enumerate(zip(pieces, [*gaps, 0.0], strict=True)):
        _set(ax, piece, (x, baseline), (em, scale), theme.color(piece.term.role), (prefix, index))
        x += (piece.wide + gap) * em


def _set(
    ax: Axes, piece: _Piece, at: tuple[float, float], sizes: tuple[float, float], colour: str, name: tuple[str, int]
) -> None:
    (x, baseline), (em, scale), (prefix, index) = at, sizes, name
    gid = f"{prefix}equation:{index}"
    inner, _, depth = _measure(piece.mathtext)
    left = x + (piece.wide - inner) * em / 2
    looks = {"color": colour, "fontproperties": font(em * scale), "va": "baseline", "gid": gid}
    ax.add_artist(TermArtist(piece.term.expr, f"{prefix}equation/", x=left, y=baseline, text=piece.mathtext, **looks))
    if piece.label:
        top, step = baseline - (depth + BRACE_GAP) * em, BRACE_GAP / 2 * em
        ends = [left, left, left + inner * em, left + inner * em]
        ax.add_artist(Line2D(ends, [top + step, top, top, top + step], color=colour, linewidth=2.5 * scale))
        size = max(SIZES["label"] / SIZES["equation"] * em, SMALLEST / scale)
        middle, low = x + piece.wide * em / 2, top - BRACE_GAP * em - CAP_HEIGHT * size
        label = looks | {"fontproperties": font(size * scale), "ha": "center", "gid": f"{gid}.label"}
        ax.add_artist(Text(middle, low, piece.label, parse_math=False, **label))
