"""Equations as structure, with numbers bound to quantities.

An equation is a row of terms. A term is an expression with a colour role; the expressions
are the few that lessons need. `vizkit.views.formula` writes an equation as mathtext,
Typst, MathML or plain text, so each medium sets the same formula with the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from vizkit.errors import ArgumentError
from vizkit.views.text import Quantity, number

__all__ = [
    "Equation",
    "Expr",
    "Fraction",
    "Function",
    "Group",
    "Literal",
    "Op",
    "Paren",
    "Power",
    "Row",
    "Sum",
    "Symbol",
    "Term",
    "Value",
    "derivative",
    "equation",
    "literal",
    "parts",
    "row",
    "symbol",
]

OPERATORS = {
    "=": "=",
    "+": "+",
    "-": "−",
    "*": "×",
    ".": "·",
    "/": "/",
    "~": "≈",
    ",": ",",
    "<": "<",
    ">": ">",
    "->": "→",
}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name such as SSR, w₃ or ŷᵢ. One letter is set in italics, a word upright."""

    name: str
    sub: str = ""
    hat: bool = False
    prime: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant of the formula itself, such as the 2 of a square's derivative."""

    text: str


@dataclass(frozen=True, slots=True)
class Value:
    """A number that a trace or computation gave."""

    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Op:
    """An operator between two expressions; one of the keys of `OPERATORS`."""

    sign: str

    def __post_init__(self) -> None:
        if self.sign not in OPERATORS:
            raise ArgumentError(f"An operator is one of {' '.join(OPERATORS)}, but {self.sign!r} was given.")


@dataclass(frozen=True, slots=True)
class Row:
    """Expressions side by side."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Fraction:
    """A numerator over a denominator."""

    above: Expr
    below: Expr


@dataclass(frozen=True, slots=True)
class Paren:
    """An expression in parentheses."""

    inner: Expr


@dataclass(frozen=True, slots=True)
class Group:
    """An expression with a line below it and a short label there, to name a factor."""

    inner: Expr
    label: str


@dataclass(frozen=True, slots=True)
class Power:
    """A base with an exponent."""

    base: Expr
    exponent: Expr


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum over an index of what follows it."""

    index: str


@dataclass(frozen=True, slots=True)
class Function:
    """A named function applied to an expression, such as softplus(x)."""

    name: str
    argument: Expr


Expr: TypeAlias = "Symbol | Literal | Value | Op | Row | Fraction | Paren | Group | Power | Sum | Function"


@dataclass(frozen=True, slots=True)
class Term:
    """A part of an equation with its colour role."""

    expr: Expr
    role: str = "ink"
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Equation:
    """Terms in reading order, set on one line."""

    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        values: dict[str, float] = {}
        for quantity in self._numbers():
            if values.setdefault(quantity.name, quantity.value) != quantity.value:
                raise ArgumentError(
                    f"Each number of an equation has a name of its own, but {quantity.name!r} is both"
                    f" {values[quantity.name]!r} and {quantity.value!r}."
                )

    def _numbers(self) -> Iterator[Quantity]:
        return (part.quantity for term in self.terms for part in parts(term.expr) if isinstance(part, Value))

    def quantities(self) -> dict[str, float]:
        """Return the name and value of each number that came from a trace."""
        return {quantity.name: quantity.value for quantity in self._numbers()}


def parts(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and everything in it, in reading order.

    Examples
    --------
    >>> [type(part).__name__ for part in parts(Paren(Symbol("x")))]
    ['Paren', 'Symbol']
    """
    yield expr
    for name in ("items", "above", "below", "inner", "base", "exponent", "argument"):
        inner = getattr(expr, name, ())
        for child in inner if isinstance(inner, tuple) else (inner,):
            yield from parts(child)


def symbol(name: str) -> Symbol:
    """Return a symbol from a short spelling: ``b_3``, ``ŷ_i`` written ``^y_i``, ``x'``.

    Examples
    --------
    >>> symbol("^y_i")
    Symbol(name='y', sub='i', hat=True, prime=False)
    """
    hat, prime = name.startswith("^"), name.endswith("'")
    stem, _, sub = name.removeprefix("^").removesuffix("'").partition("_")
    if not stem:
        raise ArgumentError(f"A symbol needs a name, but {name!r} was given.")
    return Symbol(stem, sub, hat, prime)


def literal(value: float, digits: int = 0) -> Literal:
    """Return a constant of the formula, formatted as every other number is.

    Examples
    --------
    >>> literal(-2)
    Literal(text='−2')
    """
    return Literal(number(value, digits))


def _expr(item: Expr | Quantity | str) -> Expr:
    if isinstance(item, Quantity):
        return Value(item)
    if isinstance(item, str):
        return Op(item) if item in OPERATORS else symbol(item)
    return item


def row(*items: Expr | Quantity | str) -> Row:
    """Return expressions side by side; strings are operators or symbols, see `symbol`.

    Examples
    --------
    >>> row("y_i", "-", "^y_i").items[1]
    Op(sign='-')
    """
    return Row(tuple(_expr(item) for item in items))


def derivative(of: str, by: str) -> Fraction:
    """Return the fraction d of / d by.

    Examples
    --------
    >>> derivative("SSR", "b_3").below
    Row(items=(Symbol(name='d', sub='', hat=False, prime=False), Symbol(name='b', sub='3', hat=False, prime=False)))
    """
    return Fraction(row("d", of), row("d", by))


def equation(*items: Term | Expr | Quantity | str) -> Equation:
    """Return an equation from terms, expressions, quantities, operators and symbols.

    Examples
    --------
    >>> from vizkit.views.text import quantity
    >>> equation(derivative("SSR", "b_3"), "=", Term(Value(quantity("slope", -15.66)), "gradient")).quantities()
    {'slope': -15.66}
    """
    return Equation(tuple(item if isinstance(item, Term) else Term(_expr(item)) for item in items))
