"""Orders that add up: the gap between their lines and the shop's total becomes a line, or a discount."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from bridge.protocol.schemas.orders import OrderItem

ROUNDING = "rounding"
"""OrderLineNumber of the line that closes a gap; the shop's order has no such line."""
UNIT_PRICE_PLACES = Decimal("1e-10")
LINE_PLACES = Decimal("1e-6")


class OrderTotals(NamedTuple):
    """The lines and the discount of an order that adds up."""

    items: tuple[OrderItem, ...]
    discount: Decimal


def exact(number: Decimal) -> Decimal:
    """Round to ten places, far below any minor unit, without trailing zeros."""
    return number.quantize(UNIT_PRICE_PLACES, ROUND_HALF_UP).normalize() + 0


def line_total(item: OrderItem) -> Decimal:
    """Return what Linnworks makes of a line whose price includes its tax."""
    amount = item.price_per_unit * item.qty * (1 - item.line_percent_discount / 100)
    return amount.quantize(LINE_PLACES, ROUND_HALF_UP)


def balance(items: Iterable[OrderItem], *, shipping: Decimal, discount: Decimal, total: Decimal) -> OrderTotals:
    """Return the items and the discount with which the order comes to `total`, all amounts including tax.

    What is missing becomes a service line named Rounding, what is too much adds to the discount.
    """
    items = list(items)
    gap = exact(total - sum(map(line_total, items), shipping) + discount)
    if gap > 0:
        return OrderTotals((*items, service(ROUNDING, "Rounding", gap)), discount)
    return OrderTotals(tuple(items), discount - gap)


def service(number: str, title: str, amount: Decimal) -> OrderItem:
    """Return a service line of one piece whose price includes its tax."""
    return OrderItem(
        order_line_number=number,
        sku=title.upper(),
        item_title=title,
        is_service=True,
        qty=1,
        price_per_unit=amount,
        tax_cost_inclusive=True,
        use_channel_tax=True,
    )
