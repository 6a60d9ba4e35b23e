"""What refunds have taken from an order, added up by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge.channels.woocommerce.values import custom_fields, money, row_id, whole_pieces

REFUNDED_ITEM = "_refunded_item_id"
"""The custom field of a refund's line that has the id of the order's line."""


@dataclass(frozen=True)
class RefundTotals:
    """Refunded pieces and money of an order, by line id."""

    pieces: Mapping[int, int] = field(default_factory=dict)
    amounts: Mapping[int, Decimal] = field(default_factory=dict)
    amounts_with_pieces: Mapping[int, Decimal] = field(default_factory=dict)
    """The part of a line's money that was refunded together with pieces."""
    taxes: Mapping[tuple[int, int], Decimal] = field(default_factory=dict)
    """The tax in a line's refunded money, by line id and tax rate id."""


def gross(line: Mapping[str, Any]) -> Decimal:
    """Return what a line, a fee or shipping costs with its tax, after coupons."""
    return money(line["total"]) + money(line["total_tax"])


def refund_totals(refunds: Iterable[Mapping[str, Any]]) -> RefundTotals:
    """Add up the refunds of an order; WooCommerce writes their quantities and amounts as negative numbers."""
    pieces: dict[int, int] = {}
    amounts: dict[int, Decimal] = {}
    amounts_with_pieces: dict[int, Decimal] = {}
    taxes: dict[tuple[int, int], Decimal] = {}
    for refund in refunds:
        for line in (*refund["line_items"], *refund["shipping_lines"], *refund["fee_lines"]):
            number = _refunded_line(line)
            amount, count = -gross(line), whole_pieces(line.get("quantity"))
            amounts[number] = amounts.get(number, Decimal(0)) + amount
            for tax in line["taxes"]:
                taxes[number, tax["id"]] = taxes.get((number, tax["id"]), Decimal(0)) - money(tax["total"])
            if count:
                pieces[number] = pieces.get(number, 0) + count
                amounts_with_pieces[number] = amounts_with_pieces.get(number, Decimal(0)) + amount
    return RefundTotals(pieces, amounts, amounts_with_pieces, taxes)


def _refunded_line(line: Mapping[str, Any]) -> int:
    found = (row_id({"id": meta["value"]}) for meta in custom_fields(line) if meta["key"] == REFUNDED_ITEM)
    return next(filter(None, found), 0)
