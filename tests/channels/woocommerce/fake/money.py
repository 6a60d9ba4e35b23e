"""Tax and coupons, calculated to the last penny as WooCommerce does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from typing import Any, Protocol

ZERO = Decimal(0)


@dataclass
class Rate:
    """A tax rate of a country for a class of products."""

    id: int
    country: str
    percent: Decimal
    name: str
    tax_class: str = ""
    shipping: bool = True

    @property
    def code(self) -> str:
        return "-".join(filter(None, (self.country, self.name.upper(), "1")))


@dataclass
class Coupon:
    """A discount: `percent` of each price, or a `fixed_cart` amount off the whole cart."""

    id: int
    code: str
    kind: str
    amount: Decimal


def number(text: Any) -> Decimal:
    """Return the number that a text begins with, or zero."""
    match = re.match(r"\s*(-?(?:\d+\.?\d*|\.\d+))", str(text))
    return Decimal(match.group(1)) if match else ZERO


def price(text: Any) -> str:
    """Return a price as it is stored: digits and the last point."""
    whole, point, part = re.sub(r"[^0-9.-]", "", "" if text is None else str(text)).rpartition(".")
    return whole.replace(".", "") + point + part


def rounded(value: Decimal, places: int, *, down: bool = False) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_DOWN if down else ROUND_HALF_UP)


def money(value: Decimal, places: int) -> str:
    """Return an amount with this many decimals, and no minus before zero."""
    return f"{rounded(value, places) + ZERO:f}" if value else f"{rounded(ZERO, places):f}"


def shortest(value: Decimal) -> str:
    """Return an amount with as many decimals as it needs."""
    text = f"{rounded(value, 10):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def tax(amount: Decimal, rates: Iterable[Rate], *, inside: bool = False) -> dict[int, Decimal]:
    """Return the tax on an amount, or contained in it, by rate and not rounded."""
    found = list(rates)
    whole = 100 + sum((rate.percent for rate in found), ZERO) if inside else Decimal(100)
    return {rate.id: amount * rate.percent / whole for rate in found}


class Discountable(Protocol):
    """A line that a coupon reduces: its amount in pence, its pieces, and the discount so far."""

    pence: int
    quantity: int
    off: int


def discount_by_line(coupon: Coupon, lines: Sequence[Discountable], scale: int, *, by_piece: bool = True) -> list[int]:
    """Return the discount of each line, in pence.

    Remaining pence reduce the most expensive pieces; before 10.3 lines with several pieces counted for more.
    """

    def sort_key(place: int) -> float:
        line = lines[place]
        return -(line.pence / (line.quantity or 1) if by_piece else line.pence * line.quantity)

    order = sorted(range(len(lines)), key=sort_key)
    taken = [0] * len(lines)

    def left(place: int) -> int:
        return max(0, lines[place].pence - lines[place].off - taken[place])

    if coupon.kind == "percent":
        wanted = int(rounded(sum(line.pence for line in lines) * coupon.amount / 100, 0))
        for place in order:
            taken[place] += min(left(place), int(lines[place].pence * coupon.amount / 100))
    else:
        wanted = int(rounded(coupon.amount * scale, 0))
        pieces = sum(line.quantity for line in lines)
        while pieces and (each := (wanted - sum(taken)) // pieces) > 0:
            before = sum(taken)
            for place in order:
                taken[place] += min(left(place), each * lines[place].quantity)
            if sum(taken) == before:
                break
    for place in order:
        for _ in range(lines[place].quantity):
            if sum(taken) < wanted and left(place):
                taken[place] += 1
    return taken
