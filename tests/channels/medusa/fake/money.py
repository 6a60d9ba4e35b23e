"""Medusa's totals: nothing is rounded, and prices with tax are divided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

Amounts = dict[str, Decimal]

ZERO = Decimal(0)
TOTALS = ("subtotal", "tax_total", "total", "original_subtotal", "original_tax_total", "original_total")
DISCOUNTS = ("discount_subtotal", "discount_tax_total", "discount_total")


def line_totals(
    amount: Decimal, quantity: Decimal, rates: Iterable[Decimal], discounts: Iterable[Decimal], inclusive: bool
) -> Amounts:
    """Return the totals of an item or a shipping method; discounts are without tax."""
    rate = sum(rates, ZERO) / 100
    gross = amount * quantity
    subtotal = gross / (1 + rate) if inclusive else gross
    discount = sum(discounts, ZERO)
    tax, original_tax, discount_tax = (subtotal - discount) * rate, subtotal * rate, discount * rate
    return {
        "subtotal": subtotal,
        "total": subtotal - discount + tax,
        "original_subtotal": subtotal,
        "original_total": gross if inclusive else subtotal + original_tax,
        "discount_subtotal": discount,
        "discount_tax_total": discount_tax,
        "discount_total": discount + discount_tax,
        "tax_total": tax,
        "original_tax_total": original_tax,
    }


def order_totals(
    items: Sequence[Mapping[str, Any]], methods: Sequence[Mapping[str, Any]], credits: Sequence[Mapping[str, Any]]
) -> Amounts:
    """Return the totals of an order from those of its items, its shipping and its credit lines."""
    result: Amounts = {}
    for name in TOTALS + DISCOUNTS:
        of_items, of_shipping = _sum(items, name), _sum(methods, name)
        result[name] = of_items + of_shipping
        before, _, rest = name.rpartition("original_")
        result[f"{'original_' if before or name != rest else ''}item_{rest}"] = of_items
        result[f"{'original_' if before or name != rest else ''}shipping_{rest}"] = of_shipping
    credit = _sum(credits, "amount")
    result["credit_line_total"] = result["credit_line_subtotal"] = credit
    result["credit_line_tax_total"] = result["gift_card_total"] = result["gift_card_tax_total"] = ZERO
    result["total"] -= credit
    return result


def _sum(rows: Iterable[Mapping[str, Any]], name: str) -> Decimal:
    return sum((row[name] for row in rows), ZERO)
