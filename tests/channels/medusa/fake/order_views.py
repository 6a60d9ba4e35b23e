"""An order with all its relations and totals, from which the query selects."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.channels.medusa.fake.catalogue_views import plain_product, show_variant
from tests.channels.medusa.fake.money import ZERO, Amounts, line_totals, order_totals
from tests.channels.medusa.fake.rows import Row, number

if TYPE_CHECKING:
    from tests.channels.medusa.fake.shop import MedusaShop

LIST_FIELDS = (
    *("id", "display_id", "custom_display_id", "status", "version", "summary", "total", "metadata", "locale"),
    *("created_at", "updated_at", "*items", "*items.tax_lines", "*items.adjustments"),
)
FIELDS = (
    *("id", "display_id", "custom_display_id", "status", "version", "summary", "total", "metadata", "locale"),
    *("created_at", "updated_at", "region_id", "subtotal", "tax_total", "discount_total", "discount_tax_total"),
    *("original_total", "original_subtotal", "original_tax_total", "item_total", "item_subtotal", "item_tax_total"),
    *("original_item_total", "original_item_subtotal", "original_item_tax_total", "shipping_total"),
    *("shipping_subtotal", "shipping_tax_total", "original_shipping_tax_total", "original_shipping_subtotal"),
    *("original_shipping_total", "credit_line_total", "credit_line_subtotal", "credit_line_tax_total", "*items"),
    *("*credit_lines", "*items.tax_lines", "*items.adjustments", "*items.variant", "*items.variant.product"),
    *("*shipping_address", "*billing_address", "*shipping_methods", "*shipping_methods.tax_lines"),
    *("*shipping_methods.adjustments", "*payment_collections", "*payment_collections.payments"),
    *("*payment_collections.payments.refunds", "*payment_collections.payments.captures"),
)
STATES = ("id", "status", "version", "payment_status", "fulfillment_status")
LIST_ALWAYS, ALWAYS = (*STATES, "*items"), (*STATES, "*payment_collections", "fulfillments.id")
"""What Medusa reads for the computed states, and leaves in the answer."""
CENT = Decimal("0.01")


def amounts_of(row: Row, amount: str) -> Amounts:
    """Return the totals of a line or a shipping method."""
    rates = [line["rate"] for line in row["tax_lines"]]
    discounts = [adjustment["amount"] for adjustment in row["adjustments"]]
    return line_totals(row[amount], row.get("quantity", Decimal(1)), rates, discounts, row["is_tax_inclusive"])


def totals_of(order: Row) -> Amounts:
    """Return the totals of an order."""
    items = [amounts_of(line, "unit_price") for line in order["items"]]
    methods = [amounts_of(method, "amount") for method in order["shipping_methods"]]
    return order_totals(items, methods, order["credit_lines"])


def left_to_capture(payment: Row) -> Decimal:
    return payment["amount"] - sum((row["amount"] for row in payment["captures"]), ZERO)


def collection_of(collection: Row) -> Row:
    """Return a collection's sums."""
    payments = collection["payments"]
    sums = {
        f"{kind}d_amount": sum((row["amount"] for payment in payments for row in payment[f"{kind}s"]), ZERO)
        for kind in ("capture", "refund")
    }
    authorized = sum((payment["amount"] for payment in payments), ZERO)
    return {"captured_amount": sums["captured_amount"], "refunded_amount": sums["refundd_amount"]} | (
        {"authorized_amount": authorized if payments else None}
    )


def show_order(shop: MedusaShop, order: Row) -> Row:
    totals = totals_of(order)
    collections = [{**row, **collection_of(row)} for row in order["payment_collections"]]
    tables = shop.tables
    return {
        **{name: value for name, value in order.items() if name not in ("in_version", "change")},
        **{name: number(value) for name, value in totals.items()},
        "summary": _summary(order, totals["total"]),
        "items": [_line(shop, order, line) for line in order["items"]],
        "shipping_methods": [_method(order, method) for method in order["shipping_methods"]],
        "credit_lines": [
            {**row, "version": order["version"], "subtotal": row["amount"], "total": row["amount"]}
            for row in order["credit_lines"]
        ],
        "payment_collections": collections,
        "sales_channel": tables["sales_channels"][order["sales_channel_id"]],
        "region": {**tables["regions"][order["region_id"]], "countries": []},
        "payment_status": payment_status(collections),
        "fulfillment_status": fulfilment_status(order),
    }


def _summary(order: Row, total: Decimal) -> Row:
    amounts = [row["amount"] for row in order["transactions"]]
    return {
        "paid_total": sum((amount for amount in amounts if amount > 0), ZERO),
        "refunded_total": -sum((amount for amount in amounts if amount < 0), ZERO),
        "accounting_total": total,
        "credit_line_total": order["in_version"]["credit"],
        "transaction_total": sum(amounts, ZERO),
        "pending_difference": total - sum(amounts, ZERO),
        "current_order_total": total,
        "original_order_total": order["in_version"]["total"],
    }


def _line(shop: MedusaShop, order: Row, line: Row) -> Row:
    totals = amounts_of(line, "unit_price")
    per_piece = totals["total"] / line["quantity"] if line["quantity"] else ZERO
    detail = {"order_id": order["id"], "version": order["version"], **line["detail"], "quantity": line["quantity"]}
    detail["unit_price"] = line["unit_price"] if order["version"] > 1 else None
    kinds = ("fulfilled", "shipped", "return_requested", "return_received", "return_dismissed")
    variant = shop.catalogue.variants.get(line["variant_id"])
    shown = None
    if variant:
        product = shop.catalogue.products[variant["product_id"]]
        shown = {**show_variant(shop, variant, with_product=False), "product": plain_product(product)}
    return {
        **line,
        **totals,
        "tax_lines": [_tax(row, totals) for row in line["tax_lines"]],
        "adjustments": [_adjustment(order, line, row) for row in line["adjustments"]],
        "detail": detail,
        "refundable_total_per_unit": per_piece,
        "refundable_total": per_piece * (line["quantity"] - line["detail"]["return_requested_quantity"]),
        **{f"{kind}_total": per_piece * line["detail"][f"{kind}_quantity"] for kind in kinds},
        "write_off_total": per_piece * line["detail"]["written_off_quantity"],
        "variant": shown,
    }


def _method(order: Row, method: Row) -> Row:
    totals = amounts_of(method, "amount")
    return {
        **method,
        **totals,
        "detail": {**method["detail"], "version": order["version"]},
        "tax_lines": [_tax(row, totals) for row in method["tax_lines"]],
        "adjustments": [_adjustment(order, method, row) for row in method["adjustments"]],
    }


def _tax(row: Row, totals: Amounts) -> Row:
    share = row["rate"] / 100
    discounted = totals["subtotal"] - totals["discount_subtotal"]
    return {**row, "total": discounted * share, "subtotal": totals["subtotal"] * share}


def _adjustment(order: Row, owner: Row, row: Row) -> Row:
    rate = sum((line["rate"] for line in owner["tax_lines"]), ZERO) / 100
    amounts = {"subtotal": row["amount"], "total": row["amount"] * (1 + rate)}
    return {**row, **amounts, "version": order["version"]}


def payment_status(collections: list[Row]) -> str:
    """Return the state of all payments, to the smallest coin."""
    captured = refunded = Decimal(0)
    states = [row["status"] for row in collections]
    for row in collections:
        if row["captured_amount"] > 0 or row["amount"] == 0:
            captured += 1 if row["amount"] - row["captured_amount"] <= CENT else Decimal("0.5")
        if row["refunded_amount"] > 0:
            refunded += 1 if row["amount"] - row["refunded_amount"] <= CENT else Decimal("0.5")
    if refunded:
        return "refunded" if refunded == captured else "partially_refunded"
    others = len(states) - states.count("canceled")
    if captured:
        return "captured" if captured == others else "partially_captured"
    authorized = states.count("authorized")
    if authorized:
        return "authorized" if authorized == others else "partially_authorized"
    if states and not others:
        return "canceled"
    return "awaiting" if "awaiting" in states else "not_paid"


def fulfilment_status(order: Row) -> str:
    kinds = {"canceled_at": "canceled", "delivered_at": "delivered", "shipped_at": "shipped", "packed_at": "fulfilled"}
    states = [next(kinds[name] for name in kinds if row[name]) for row in order["fulfillments"]]
    others = len(states) - states.count("canceled")
    is_left = any(line["detail"]["fulfilled_quantity"] < line["quantity"] for line in order["items"])
    for state in ("delivered", "shipped", "fulfilled"):
        if state in states:
            return state if states.count(state) == others and not is_left else f"partially_{state}"
    return "canceled" if states else "not_fulfilled"
