from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.channels.helpers.refund_amounts import rounded
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.after_sale import Refund, RefundItem


def refund(*amounts: str, shipping: str = "0") -> Refund:
    items = tuple(RefundItem(order_line_number=f"L{n}", refund_amount=Decimal(a)) for n, a in enumerate(amounts))
    return Refund(reference_number="1", refund_shipping_amount=Decimal(shipping), items=items)


def amounts(found: Refund) -> list[str]:
    return [str(item.refund_amount) for item in found.items] + [str(found.refund_shipping_amount)]


@pytest.mark.parametrize(
    ("given", "unit", "expected"),
    [
        (("1.005",), "0.01", ["1.01", "0.00"]),
        (("1.004",), "0.01", ["1.00", "0.00"]),
        (("10.5",), "1", ["11", "0"]),
        (("1.0005",), "0.001", ["1.001", "0.000"]),
        (("7",), "0.01", ["7.00", "0.00"]),
    ],
)
def test_amounts_are_rounded_half_up_to_the_smallest_unit(given, unit, expected):
    """Linnworks divides amounts, and no shop takes fractions of a cent."""
    assert expected == amounts(rounded(refund(*given), unit=Decimal(unit), left=Decimal(100)))


def test_an_excess_that_only_rounding_made_is_cut():
    """Two halves of a cent do not make one that nobody paid."""
    found = rounded(refund("3.335", "3.335", "3.33"), unit=Decimal("0.01"), left=Decimal("10.00"))

    assert ["3.33", "3.34", "3.33", "0.00"] == amounts(found)


def test_an_excess_that_was_asked_for_stays():
    """The shop refuses it."""
    found = rounded(refund("10.01"), unit=Decimal("0.01"), left=Decimal("10.00"))

    assert ["10.01", "0.00"] == amounts(found)


@pytest.mark.parametrize(
    ("given", "shipping", "words"),
    [(("-1",), "0", "below zero"), (("0.004", "5"), "0", "smallest amount"), (("0",), "0", "more than nothing"),
     (("1",), "-0.01", "below zero"), ((), "0", "more than nothing")],
)  # fmt: skip
def test_an_impossible_amount_is_refused_in_its_own_words(given, shipping, words):
    """Below zero, less than the smallest unit, and nothing at all."""
    with pytest.raises(ChannelRefused, match=words):
        rounded(refund(*given, shipping=shipping), unit=Decimal("0.01"), left=Decimal(100))
