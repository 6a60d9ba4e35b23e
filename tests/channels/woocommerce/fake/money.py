"""Tax and coupons, to the last penny as the shop works them out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from typing import Any, Protocol

ZERO = Decimal(0)


@dataclass
class Rate:
    """A tax rate of a country for a class of goods."""

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
    """Something off the price: `percent` of it, or a `fixed_cart` amount off the whole cart."""

    id: int
    code: str
    kind: str
    amount: Decimal


def number(text: Any) -> Decimal:
    """The number that a text begins with, or nothing."""
    match = re.match(r"\s*(-?(?:\d+\.?\d*|\.\d+))", str(text))
    return Decimal(match.group(1)) if match else ZERO


def price(text: Any) -> str:
    """A price as it is kept: digits, the last point, and nothing else."""
    whole, point, part = re.sub(r"[^0-9.-]", "", "" if text is None else str(text)).rpartition(".")
    return whole.replace(".", "") + point + part


def rounded(value: Decimal, places: int, *, down: bool = False) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_DOWN if down else ROUND_HALF_UP)


def money(value: Decimal, places: int) -> str:
    """An amount with that many decimals, and no minus before zero."""
    return f"{rounded(value, places) + ZERO:f}" if value else f"{rounded(ZERO, places):f}"


def plain(value: Decimal) -> str:
    """An amount with as many decimals as it has."""
    text = f"{rounded(value, 10):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def tax(amount: Decimal, rates: Iterable[Rate], *, inside: bool = False) -> dict[int, Decimal]:
    """The tax on an amount, or inside of it, by rate and not rounded."""
    found = list(rates)
    whole = 100 + sum((rate.percent for rate in found), ZERO) if inside else Decimal(100)
    return {rate.id: amount * rate.percent / whole for rate in found}


class Discountable(Protocol):
    """What a coupon takes something off from: whole pence, how many pieces, and how much is off already."""

    pence: int
    quantity: int
    off: int


def take_off(coupon: Coupon, lines: Sequence[Discountable], scale: int, *, by_piece: bool = True) -> list[int]:
    """How much a coupon takes off each line, in pence.

    Where pence are left over they come off the dearest pieces; before 10.3 lines of several counted for more.
    """

    def dear(place: int) -> float:
        line = lines[place]
        return -(line.pence / (line.quantity or 1) if by_piece else line.pence * line.quantity)

    order = sorted(range(len(lines)), key=dear)
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
