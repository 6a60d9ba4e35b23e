"""Orders that add up: the gap between their lines and the shop's total becomes a line, or a discount."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from msgspec.structs import replace

from bridge.protocol.schemas.orders import Order, OrderItem

CENT = Decimal("0.01")
ROUNDING = "rounding"
"""OrderLineNumber of the line that closes a gap; the shop's order has no such line."""
UNIT_PRICE_PLACES = Decimal("1e-10")
FRACTION = Decimal("1e-6")
"""Less than this is no fraction of a unit, only what the division of a line by its quantity has left."""


class OrderTotals(NamedTuple):
    """The lines and the discount of an order that adds up."""

    items: tuple[OrderItem, ...]
    discount: Decimal


def exact(number: Decimal) -> Decimal:
    """Round to ten places, far below any minor unit, without trailing zeros."""
    return number.quantize(UNIT_PRICE_PLACES, ROUND_HALF_UP).normalize() + 0


def order_total(order: Order) -> Decimal:
    """Return the total that Linnworks computes from an order's lines, postage and discount.

    Each line is rounded to the cent, or to the precision of the shop's total if that is finer.
    """
    unit = minor_unit(order.shop_total or CENT)
    lines = sum((line_total(item, unit) for item in order.order_items), Decimal(0))
    return lines + order.postal_service_cost - order.discount


def minor_unit(total: Decimal) -> Decimal:
    """Return the unit to which the lines of an order with this total are rounded: a cent, or less."""
    return min(CENT, Decimal(1).scaleb(int(total.as_tuple().exponent)))


def line_total(item: OrderItem, unit: Decimal) -> Decimal:
    """Return what a line costs with its tax."""
    return _line_amount(item).quantize(unit, ROUND_HALF_UP)


def _line_amount(item: OrderItem) -> Decimal:
    amount = item.price_per_unit * item.qty
    if item.line_percent_discount:
        amount *= 1 - item.line_percent_discount / 100
    if not item.tax_cost_inclusive:
        amount *= 1 + item.tax_rate / 100
    return amount


def balance(items: Iterable[OrderItem], *, shipping: Decimal, discount: Decimal, total: Decimal) -> OrderTotals:
    """Return the items and the discount with which the order comes to `total`, all amounts including tax.

    A line with a fraction of the smallest unit gets the price with which it has none, so that it does not matter
    where Linnworks rounds. What is missing becomes a service line named Rounding, what is too much adds to the
    discount. Shipping and discount have no such fractions.
    """
    unit = minor_unit(total)
    whole = [_without_fraction(item, unit) for item in items]
    gap = exact(total - sum((line_total(item, unit) for item in whole), shipping) + discount)
    if gap > 0:
        return OrderTotals((*whole, service(ROUNDING, "Rounding", gap)), discount)
    return OrderTotals(tuple(whole), discount - gap)


def _without_fraction(item: OrderItem, unit: Decimal) -> OrderItem:
    amount, rounded = _line_amount(item), line_total(item, unit)
    if not amount or abs(amount - rounded) < FRACTION:
        return item
    return replace(item, price_per_unit=exact(item.price_per_unit * rounded / amount))


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
