"""Very large and very small numbers: written with few digits and one power of ten for all of them."""

from __future__ import annotations

import math

from vizkit.typing import ArrayLike
from vizkit.views.text import Quantity, quantity

__all__ = ["Scaled", "power_of_ten"]

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def power_of_ten(exponent: int) -> str:
    """Return a power of ten as text.

    Examples
    --------
    >>> power_of_ten(-3), power_of_ten(0)
    ('10⁻³', '1')
    """
    return "10" + str(exponent).translate(_RAISED) if exponent else "1"


class Scaled:
    """Numbers of one kind: how they are divided before they are written, and with how many decimals.

    Numbers from a hundredth to ten thousand are written as they are.

    Examples
    --------
    >>> few = Scaled([0.00012, -0.00034])
    >>> few.unit, few.quantity("low", -0.00034).text
    ('× 10⁻⁴', '−3.40')
    >>> Scaled([1.5]).unit, Scaled([1.5]).quantity("high", 1.5).text
    ('', '1.50')
    """

    def __init__(self, values: ArrayLike) -> None:
        largest = max((abs(float(value)) for value in values), default=0.0)
        plain = largest == 0 or 0.01 <= largest < 10_000
        self.exponent = 0 if plain else math.floor(math.log10(largest))
        self.unit = f"× {power_of_ten(self.exponent)}" if self.exponent else ""
        self.digits = 2 if not plain or largest < 100 else 0
        if plain and 0 < largest < 0.1:
            self.digits = 3

    def quantity(self, name: str, value: float) -> Quantity:
        """Return a number divided by the power of ten."""
        return quantity(name, float(value) / 10.0**self.exponent, self.digits)
