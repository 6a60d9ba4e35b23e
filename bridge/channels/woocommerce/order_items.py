"""The lines of a WooCommerce order as items of Linnworks: pure functions, exact to the last minor unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from bridge.channels.helpers.totals import exact
from bridge.channels.woocommerce.refund_totals import RefundTotals, gross
from bridge.channels.woocommerce.tax_rates import line_rate
from bridge.channels.woocommerce.values import custom_fields, in_units, money, plain_text, unescape, whole_pieces
from bridge.protocol.schemas.orders import CancelStatus, Option, OrderItem

SHIPPING = "shipping"
"""OrderLineNumber of an item that WooCommerce has no line for."""


def line_item(
    line: Mapping[str, Any], refunds: RefundTotals, rates: Mapping[int, Decimal], unit: Decimal
) -> OrderItem | None:
    """Return a line with the pieces that were not refunded, or None for a line without pieces and price.

    Its price is rounded to the currency's smallest `unit`. Linnworks takes no price below zero: 0 stands for it.
    """
    ordered = whole_pieces(line["quantity"])
    remaining = ordered - refunds.pieces.get(line["id"], 0)
    if not ordered and not gross(line):
        return None
    all_refunded = ordered > 0 >= remaining
    paid = in_units(gross(line), unit)
    amount = paid - refunded_amount(line, refunds, unit)
    before_coupons = in_units(money(line["subtotal"]) + money(line["subtotal_tax"]), unit)
    count = max(1, ordered if all_refunded else remaining)
    if amount == paid and 0 <= amount < before_coupons:
        price, percent = before_coupons / count, (1 - amount / before_coupons) * 100
    else:
        price, percent = max(amount, Decimal(0)) / count, Decimal(0)
    return OrderItem(
        order_line_number=str(line["id"]),
        sku=line_sku(line),
        item_title=line_title(line),
        qty=count,
        price_per_unit=exact(price),
        line_percent_discount=exact(percent),
        tax_cost_inclusive=True,
        use_channel_tax=True,
        tax_rate=line_rate(line, rates),
        options=tuple(_options(line)),
        cancel_status=CancelStatus.CANCELLED if all_refunded else CancelStatus.NONE,
    )


def refunded_amount(line: Mapping[str, Any], refunds: RefundTotals, unit: Decimal) -> Decimal:
    """Return what refunds of some pieces took from a line; 0 if all were refunded, because it comes as cancelled."""
    pieces = refunds.pieces.get(line["id"], 0)
    some = 0 < pieces < whole_pieces(line["quantity"])
    return in_units(refunds.amounts_with_pieces[line["id"]], unit) if some else Decimal(0)


def fee_item(fee: Mapping[str, Any], rates: Mapping[int, Decimal], unit: Decimal) -> OrderItem:
    """Return a fee as a service item."""
    return OrderItem(
        order_line_number=str(fee["id"]),
        sku="FEE",
        item_title=unescape(fee["name"]) or "Fee",
        is_service=True,
        qty=1,
        price_per_unit=in_units(gross(fee), unit),
        tax_cost_inclusive=True,
        use_channel_tax=True,
        tax_rate=line_rate(fee, rates),
    )


def line_sku(line: Mapping[str, Any]) -> str:
    """Return the SKU of a line; without one a name made of the product's id or, if it was deleted, the line's."""
    return unescape(line["sku"]).strip() or fallback_sku(line)


def fallback_sku(line: Mapping[str, Any]) -> str:
    """Return the name of a line without a SKU."""
    names = [line["product_id"], line["variation_id"]] if line["product_id"] else [f"LINE-{line['id']}"]
    return "-".join(["NO-SKU", *(str(name) for name in names if name)])


def deposit_remarks(line: Mapping[str, Any]) -> Iterator[str]:
    """Yield what deposit plugins say of a line: that it is paid in part, or pays the rest of another order."""
    fields = {meta["key"]: plain_text(meta["value"]) for meta in custom_fields(line)}
    if fields.get("_is_deposit") == "yes":
        full = fields.get("_deposit_full_amount")
        yield f"{line_title(line)} is paid by a deposit" + (f"; its full price is {full}" if full else "")
    if original := fields.get("_original_order_id"):
        yield f"{line_title(line)} is a later payment of order {original}: perhaps there is nothing to send"


def line_title(line: Mapping[str, Any]) -> str:
    """Return the name of a line."""
    return plain_text(line["name"])


def _options(line: Mapping[str, Any]) -> Iterator[Option]:
    for meta in custom_fields(line):
        if not str(meta["key"]).startswith("_"):
            name = plain_text(meta.get("display_key") or meta["key"])
            value = plain_text(meta.get("display_value") or meta["value"])
            if name and value:
                yield Option(name=name, value=value)
    if money(line["quantity"]) != whole_pieces(line["quantity"]):
        yield Option(name="Quantity", value=str(line["quantity"]))
