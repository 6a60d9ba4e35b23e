"""A shop's numbers: none is so large or so long that computing with it takes long."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

LONGEST = 100  # characters
MOST_DIGITS, MOST_PLACES = 15, 60  # before and after the decimal point


def number(value: Any) -> Decimal:
    """Return a number that is one or is written as text; raises ArithmeticError for anything else.

    A number out of range is refused by its length and its exponent, before anything is computed with it.
    """
    text = value if isinstance(value, str) else "" if isinstance(value, bool) or value is None else str(value)
    found = Decimal(text if len(text) <= LONGEST else "NaN")
    exponent = found.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ArithmeticError("An amount is not a number")
    if found.adjusted() >= MOST_DIGITS or exponent < -MOST_PLACES:
        raise ArithmeticError("An amount is out of range")
    return found
