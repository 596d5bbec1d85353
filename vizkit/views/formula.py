"""An equation written in each medium's own language.

`to_mathtext` for matplotlib, `to_typst` for videos, `to_mathml` for web pages and `to_plain`
for text. One function per language and kind of expression, in one table each; what a name
contains is escaped where it enters a language.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any, TypeAlias

from vizkit.views import equation as eq
from vizkit.views.equation import Equation, Expr
from vizkit.views.text import subscript

__all__ = ["to_mathml", "to_mathtext", "to_plain", "to_typst"]

Writer: TypeAlias = Callable[[Expr], str]
Table: TypeAlias = Mapping[type, Callable[[Any, Writer], str]]


def _writer(table: Table) -> Writer:
    def write(expr: Expr) -> str:
        return table[type(expr)](expr, write)

    return write


# Plain text -----------------------------------------------------------------------------


def _plain_symbol(node: eq.Symbol, _: Writer) -> str:
    accent = "\u0302" if node.hat else ""
    known = {"i": "ᵢ", "j": "ⱼ", "n": "ₙ"}
    sub = "".join(known.get(letter, subscript(letter)) for letter in node.sub)
    return unicodedata.normalize("NFC", node.name + accent) + sub + ("′" if node.prime else "")


def _plain_fraction(node: eq.Fraction, write: Writer) -> str:
    above, below = (
        part if " " not in part or part.startswith("d ") else f"({part})"
        for part in (write(node.above), write(node.below))
    )
    return f"{above} / {below}"


def _in_line(pieces: Iterable[str]) -> str:
    return " ".join(pieces).replace(" ,", ",")


_PLAIN: Table = {
    eq.Symbol: _plain_symbol,
    eq.Literal: lambda node, write: node.text,
    eq.Value: lambda node, write: node.quantity.text,
    eq.Op: lambda node, write: eq.OPERATORS[node.sign],
    eq.Row: lambda node, write: _in_line(write(item) for item in node.items),
    eq.Fraction: _plain_fraction,
    eq.Paren: lambda node, write: f"({write(node.inner)})",
    eq.Group: lambda node, write: write(node.inner),
    eq.Power: lambda node, write: f"{write(node.base)}^{write(node.exponent)}",
    eq.Sum: lambda node, write: f"Σ{_plain_symbol(eq.Symbol('', node.index), write)}",
    eq.Function: lambda node, write: f"{node.name}({write(node.argument)})",
}
_plain = _writer(_PLAIN)


def to_plain(equation: Equation) -> str:
    """Return an equation as one line of Unicode text.

    Examples
    --------
    >>> residual = eq.Paren(eq.row("y_i", "-", "^y_i"))
    >>> to_plain(eq.equation(eq.derivative("SSR", "b_3"), "=", eq.literal(-2), ".", residual))
    'd SSR / d b₃ = −2 · (yᵢ − ŷᵢ)'
    """
    return _in_line(_plain(term.expr) for term in equation.terms)


# Mathtext (matplotlib) ------------------------------------------------------------------

_MATHTEXT_OPS = {"*": r"\times", ".": r"\cdot", "~": r"\approx", "-": "-", "->": r"\rightarrow"}


def _mathtext_name(name: str) -> str:
    escaped = "".join(_mathtext_letter(letter) for letter in name)
    return escaped if len(name) == 1 and name.isalpha() else rf"\mathrm{{{escaped}}}"


def _mathtext_letter(letter: str) -> str:
    """Escape what mathtext reads as a command; what it has no escape for is replaced by its likeness."""
    if letter in "$%_{}":
        return "\\" + letter
    if ord(letter) > 0x1FFFF or not letter.isprintable():
        return "?"
    return {"#": "♯", " ": "\\ ", "\\": "∖", "^": "ˆ", "~": "∼", "'": "’", "`": "‘", '"': "”"}.get(letter, letter)


def _mathtext_symbol(node: eq.Symbol, _: Writer) -> str:
    stem = _mathtext_name(node.name)
    stem = rf"\hat{{{stem}}}" if node.hat else stem
    sub = f"_{{{_mathtext_name(node.sub)}}}" if node.sub else ""
    return stem + ("'" if node.prime else "") + sub


def _mathtext_number(text: str) -> str:
    return rf"\mathrm{{{text.replace('−', '-').replace(',', '{,}')}}}"


_MATHTEXT: Table = {
    eq.Symbol: _mathtext_symbol,
    eq.Literal: lambda node, write: _mathtext_number(node.text),
    eq.Value: lambda node, write: _mathtext_number(node.quantity.text),
    eq.Op: lambda node, write: _MATHTEXT_OPS.get(node.sign, node.sign),
    eq.Row: lambda node, write: r"\,".join(write(item) for item in node.items),
    eq.Fraction: lambda node, write: rf"\frac{{{write(node.above)}}}{{{write(node.below)}}}",
    eq.Paren: lambda node, write: rf"\left({write(node.inner)}\right)",
    eq.Group: lambda node, write: write(node.inner),
    eq.Power: lambda node, write: f"{write(node.base)}^{{{write(node.exponent)}}}",
    eq.Sum: lambda node, write: rf"\sum_{{{_mathtext_name(node.index)}}}",
    eq.Function: lambda node, write: rf"{_mathtext_name(node.name)}\left({write(node.argument)}\right)",
}
_mathtext = _writer(_MATHTEXT)


def to_mathtext(expr: Equation | Expr) -> str:
    r"""Return an equation, or one expression, as mathtext with its dollar signs.

    Examples
    --------
    >>> to_mathtext(eq.equation(eq.symbol("b_3"), "=", eq.literal(2)))
    '$b_{\\mathrm{3}} = \\mathrm{2}$'
    """
    terms = [term.expr for term in expr.terms] if isinstance(expr, Equation) else [expr]
    return f"${' '.join(_mathtext(term) for term in terms)}$"


# Typst ----------------------------------------------------------------------------------

_TYPST_OPS = {"*": "times", ".": "dot.op", "-": "minus", "~": "approx", "/": "slash", "->": "arrow.r", ",": "\\,"}


def _typst_string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _typst_name(name: str) -> str:
    return f"italic({_typst_string(name)})" if len(name) == 1 and name.isalpha() else _typst_string(name)


def _typst_symbol(node: eq.Symbol, _: Writer) -> str:
    stem = f"hat({_typst_name(node.name)})" if node.hat else _typst_name(node.name)
    upper = "^prime" if node.prime else ""
    return f"{stem}{upper}_({_typst_name(node.sub)})" if node.sub else stem + upper


_TYPST: Table = {
    eq.Symbol: _typst_symbol,
    eq.Literal: lambda node, write: _typst_string(node.text),
    eq.Value: lambda node, write: _typst_string(node.quantity.text),
    eq.Op: lambda node, write: _TYPST_OPS.get(node.sign, node.sign),
    eq.Row: lambda node, write: " thin ".join(write(item) for item in node.items),
    eq.Fraction: lambda node, write: f"frac({write(node.above)}, {write(node.below)})",
    eq.Paren: lambda node, write: f"lr(({write(node.inner)}))",
    eq.Group: lambda node, write: f"attach(limits(underline({write(node.inner)})), b: {_typst_string(node.label)})",
    eq.Power: lambda node, write: f"{write(node.base)}^({write(node.exponent)})",
    eq.Sum: lambda node, write: f"limits(sum)_({_typst_name(node.index)})",
    eq.Function: lambda node, write: f"{_typst_name(node.name)} lr(({write(node.argument)}))",
}
_typst = _writer(_TYPST)


def to_typst(expr: Equation | Expr) -> str:
    """Return an equation, or one expression, as the inside of a Typst formula.

    Examples
    --------
    >>> to_typst(eq.equation(eq.symbol("SSR"), "=", eq.literal(2)))
    '"SSR" = "2"'
    """
    terms = [term.expr for term in expr.terms] if isinstance(expr, Equation) else [expr]
    return " ".join(_typst(term) for term in terms)


# MathML ---------------------------------------------------------------------------------


def _mathml_symbol(node: eq.Symbol, _: Writer) -> str:
    stem = f"<mi>{escape(node.name)}</mi>"
    stem = f'<mover accent="true">{stem}<mo>^</mo></mover>' if node.hat else stem
    stem = f"<msup>{stem}<mo>′</mo></msup>" if node.prime else stem
    return f"<msub>{stem}<mi>{escape(node.sub)}</mi></msub>" if node.sub else stem


def _mathml_value(node: eq.Value, _: Writer) -> str:
    name = escape(node.quantity.name, quote=True)
    return f'<mn data-quantity="{name}">{escape(node.quantity.text)}</mn>'


def _mathml_parens(inner: Expr, write: Writer) -> str:
    # Browsers leave a stretched parenthesis the room of its widest variant, so only tall content stretches it.
    tall = any(isinstance(part, (eq.Fraction, eq.Group, eq.Sum)) for part in eq.parts(inner))
    still = "" if tall else ' stretchy="false"'
    return f"<mrow><mo{still}>(</mo>{write(inner)}<mo{still}>)</mo></mrow>"


_MATHML: Table = {
    eq.Symbol: _mathml_symbol,
    eq.Literal: lambda node, write: f"<mn>{escape(node.text)}</mn>",
    eq.Value: _mathml_value,
    eq.Op: lambda node, write: f"<mo>{escape(eq.OPERATORS[node.sign])}</mo>",
    eq.Row: lambda node, write: f"<mrow>{''.join(write(item) for item in node.items)}</mrow>",
    eq.Fraction: lambda node, write: f"<mfrac>{write(node.above)}{write(node.below)}</mfrac>",
    eq.Paren: lambda node, write: _mathml_parens(node.inner, write),
    eq.Group: lambda node, write: (
        f'<munder><mrow class="under">{write(node.inner)}</mrow><mtext>{escape(node.label)}</mtext></munder>'
    ),
    eq.Power: lambda node, write: f"<msup>{write(node.base)}{write(node.exponent)}</msup>",
    eq.Sum: lambda node, write: f"<munder><mo>∑</mo><mi>{escape(node.index)}</mi></munder>",
    eq.Function: lambda node, write: f"<mrow><mi>{escape(node.name)}</mi>{_mathml_parens(node.argument, write)}</mrow>",
}
_mathml = _writer(_MATHML)


def to_mathml(equation: Equation) -> str:
    """Return an equation as a MathML element; numbers carry their name as ``data-quantity``.

    Each term is an ``mrow`` whose class is its colour role.

    Examples
    --------
    >>> to_mathml(eq.equation(eq.symbol("x")))
    '<math display="block"><mrow class="role-ink"><mi>x</mi></mrow></math>'
    """
    rows = [
        f'<mrow class="role-{escape(term.role, quote=True)}{" bold" if term.bold else ""}">{_mathml(term.expr)}</mrow>'
        for term in equation.terms
    ]
    return f'<math display="block">{"".join(rows)}</math>'
