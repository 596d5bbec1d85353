"""The words on a picture, and the one place where a number becomes text.

A label or caption is a `Words`: pieces of plain text and quantities in order. A quantity
keeps its name and its exact value beside the text that is shown, so that a test can
follow each number on screen back to where it was computed.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterator
from dataclasses import dataclass

from vizkit.errors import ArgumentError, DataError
from vizkit.typing import Real

__all__ = ["Quantity", "Words", "count", "number", "quantity", "sentence", "subscript", "tally", "words"]

MINUS = "−"
_SUBSCRIPTS = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")


def number(value: Real, digits: int = 2) -> str:
    """Return a number as it is shown: rounded to `digits` decimals, with a true minus sign.

    Parameters
    ----------
    value
        A finite scalar.
    digits
        Decimals after the point, 0 to 15.

    Raises
    ------
    DataError
        If the value is NaN or infinite: such a number is never shown.

    Examples
    --------
    >>> number(-15.658), number(-0.001), number(1234.5, 1), number(3, 0)
    ('−15.66', '0.00', '1,234.5', '3')
    """
    if not 0 <= digits <= 15:
        raise ArgumentError(f"digits must lie between 0 and 15, but {digits!r} was given.")
    if not math.isfinite(value):
        raise DataError(f"Only finite numbers can be shown, but {value!r} came.")
    text = f"{float(value):,.{digits}f}"
    if text.startswith("-"):
        is_zero = not text.strip("-0.,")
        return text[1:] if is_zero else MINUS + text[1:]
    return text


def count(value: int) -> str:
    """Return a whole number with thousands separated.

    Examples
    --------
    >>> count(109386)
    '109,386'
    """
    if int(value) != value:
        raise ArgumentError(f"A count is a whole number, but {value!r} was given.")
    return number(int(value), 0)


def subscript(index: int | str) -> str:
    """Return an index as small figures below the line.

    Examples
    --------
    >>> "w" + subscript(12)
    'w₁₂'
    """
    return str(index).translate(_SUBSCRIPTS)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number on screen: what it is called, its exact value, and the text that shows it."""

    name: str
    value: float
    text: str

    def __str__(self) -> str:
        return self.text


def quantity(name: str, value: Real, digits: int = 2) -> Quantity:
    """Return a named number, formatted by `number`.

    Examples
    --------
    >>> quantity("SSR", 20.4196).text
    '20.42'
    """
    return Quantity(name, float(value), number(value, digits))


def tally(name: str, value: int) -> Quantity:
    """Return a named whole number, formatted by `count`.

    Examples
    --------
    >>> tally("weights", 100480).text
    '100,480'
    """
    return Quantity(name, float(value), count(value))


@dataclass(frozen=True, slots=True)
class Words:
    """Text and quantities in reading order.

    Examples
    --------
    >>> label = words("w₁ = ", quantity("w1", 3.34))
    >>> str(label), label.quantities()
    ('w₁ = 3.34', {'w1': 3.34})
    """

    parts: tuple[str | Quantity, ...]

    def __str__(self) -> str:
        return "".join(str(part) for part in self.parts)

    def __iter__(self) -> Iterator[str | Quantity]:
        return iter(self.parts)

    def quantities(self) -> dict[str, float]:
        """Return the name and value of each number in the text."""
        return {part.name: part.value for part in self.parts if isinstance(part, Quantity)}


def words(*parts: str | Quantity | Words) -> Words:
    """Join text and quantities.

    Examples
    --------
    >>> str(words("slope ", quantity("slope", -15.66), " at ", quantity("b3", 0)))
    'slope −15.66 at 0.00'
    """
    flat: list[str | Quantity] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Words) else (part,))
    return Words(tuple(flat))


def sentence(template: str, /, **values: Quantity | str) -> Words:
    """Fill a template's fields with quantities.

    Parameters
    ----------
    template
        Text with fields in braces, as for `str.format`.
    values
        A quantity, or final text, for each field.

    Raises
    ------
    ArgumentError
        If a field has no value, or a value has no field.

    Examples
    --------
    >>> str(sentence("The SSR falls to {ssr}.", ssr=quantity("ssr", 7.774)))
    'The SSR falls to 7.77.'
    """
    parts: list[str | Quantity] = []
    used: set[str] = set()
    for literal, field, _, _ in string.Formatter().parse(template):
        if literal:
            parts.append(literal)
        if field is None:
            continue
        if field not in values:
            raise ArgumentError(
                f"The sentence {template!r} has a field {field!r}, but the values are: {sorted(values)}."
            )
        used.add(field)
        parts.append(values[field])
    if spare := sorted(set(values) - used):
        raise ArgumentError(f"The sentence {template!r} has no field for the values {spare}.")
    return Words(tuple(parts))
