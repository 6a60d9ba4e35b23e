"""Medusa's orders as Linnworks' orders: pure functions, exact to the last minor unit.

Every amount includes its tax and is rounded to the currency's smallest unit line by line: Medusa keeps fractions of
it. Pieces that came back are not among a line's any more, as in Medusa's own totals; a refund of money alone lowers
Medusa's total by a credit line, and is told as a property, because what the customer bought stays the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from bridge.channels.helpers.totals import balance, exact, service
from bridge.channels.medusa.order_header import (
    addresses,
    credits_of,
    outward,
    paid_on,
    payment_tag,
    payments,
    properties,
    refunded,
    shipping_tag,
)
from bridge.channels.medusa.preferences import Preferences
from bridge.channels.medusa.values import in_units, key_text, listed, mapping, money, read_time, text, whole_pieces
from bridge.protocol.schemas.orders import CancelStatus, DiscountType, Note, Option, Order, OrderItem, PaymentStatus

CANCELLED = "canceled"
UNPAID_FREE = ("not_paid", "awaiting")
"""Payment statuses of an order that needs no payment, because it costs nothing."""
SHIPPING = "shipping"
"""OrderLineNumber of an item that Medusa has no line for."""

Row = Mapping[str, Any]


def order(
    row: Row,
    preferences: Preferences,
    unit: Decimal,
    options: Collection[str] = (),
    countries: Mapping[str, str] = MappingProxyType({}),
) -> Order:
    """Return an order as it is now.

    `unit` is its currency's smallest amount, `options` are the ids of the shop's shipping options, `countries` the
    names of countries by code.

    Raises any exception for an order that cannot be read.
    """
    lines = [line for line in row["items"] if whole_pieces(line["quantity"]) > 0]
    items = [line_item(line, unit) for line in lines]
    refund_credit, credit = credits_of(row)
    sent_back = sum((_full_price(line, unit) for line in lines if not remaining_pieces(line)), Decimal(0))
    total = max(Decimal(0), in_units(money(row["total"]) + refund_credit, unit)) + sent_back
    shipping = in_units(sum((money(method["total"]) for method in listed(row["shipping_methods"])), Decimal(0)), unit)
    remarks = [remark for line in lines for remark in _line_remarks(line)]
    if not items and shipping > 0:  # Linnworks takes no order without items
        items, shipping = [service(SHIPPING, "Shipping", shipping)], Decimal(0)
    balanced = balance(items, shipping=shipping, discount=in_units(credit, unit), total=total)
    status = payment_status(row, preferences, total)
    created = read_time(row["created_at"])
    number = order_number(row)
    billing, delivery = addresses(row, countries)
    given_back = refunded(row)
    if given_back:
        remarks.append(f"Refunded {in_units(given_back, unit)} {text(row['currency_code']).upper()}")
    made = payments(row)
    return Order(
        reference_number=key_text(row["id"]),
        secondary_reference_number=number,
        external_reference=text(made[0].get("id")) if made else "",
        payment_status=status,
        paid_on=paid_on(row) or created if status is not PaymentStatus.UNPAID else None,
        channel_buyer_name=billing.full_name or billing.company or billing.email_address,
        currency=key_text(row["currency_code"]).upper(),
        received_date=created,
        dispatch_by=created + timedelta(days=preferences.despatch_days) if created else None,
        match_postal_service_tag=shipping_tag(outward(row), options),
        match_payment_method_tag=payment_tag(made[0].get("provider_id") if made else None),
        postal_service_cost=shipping,
        postal_service_tax_rate=max((tax_rate(method) for method in outward(row)), default=Decimal(0)),
        use_channel_tax=True,
        discount=balanced.discount,
        discount_type=DiscountType.ItemsThenPostage,
        billing_address=billing,
        delivery_address=delivery,
        order_items=balanced.items,
        extended_properties=tuple(properties(row, number, unit, lines)),
        notes=tuple(
            Note(note=remark, note_entry_date=created, note_user_name="Medusa", is_internal=True) for remark in remarks
        ),
        shop_total=total,
    )


def order_number(row: Row) -> str:
    """Return the number by which the customer knows an order."""
    return text(row.get("custom_display_id")) or text(row["display_id"])


def payment_status(row: Row, preferences: Preferences, total: Decimal) -> PaymentStatus:
    """Return what an order's statuses count as; one that costs nothing is paid."""
    if row["status"] == CANCELLED:
        return PaymentStatus.CANCELLED
    status = row["payment_status"]
    paid = status in preferences.paid_statuses or (not total and status in UNPAID_FREE)
    return PaymentStatus.PAID if paid else PaymentStatus.UNPAID


# -- lines ---------------------------------------------------------------------------------------------


def line_item(line: Row, unit: Decimal) -> OrderItem:
    """Return a line with the pieces that did not come back; one that came back completely is cancelled."""
    remaining, ordered = remaining_pieces(line), whole_pieces(line["quantity"])
    amount = in_units(money(line["total"]), unit) if remaining else _full_price(line, unit)
    before = in_units(money(line["original_total"]), unit) if remaining else amount
    count = remaining or ordered
    is_discounted = 0 <= amount < before
    return OrderItem(
        order_line_number=key_text(line["id"]),
        sku=line_sku(line),
        item_title=text(line.get("title")) or text(line.get("product_title")),
        qty=count,
        price_per_unit=exact((before if is_discounted else max(amount, Decimal(0))) / count),
        line_percent_discount=exact((1 - amount / before) * 100) if is_discounted else Decimal(0),
        tax_cost_inclusive=True,
        use_channel_tax=True,
        tax_rate=tax_rate(line),
        options=tuple(_options(line)),
        cancel_status=CancelStatus.NONE if remaining else CancelStatus.CANCELLED,
    )


def remaining_pieces(line: Row) -> int:
    """Return how many pieces of a line did not come back."""
    detail = mapping(line.get("detail"))
    back = sum(whole_pieces(detail.get(f"return_{how}_quantity")) for how in ("received", "dismissed"))
    return max(0, whole_pieces(line["quantity"]) - back)


def _full_price(line: Row, unit: Decimal) -> Decimal:
    """Return what a line cost with tax before anything came back, without discounts."""
    amount = money(line["unit_price"]) * whole_pieces(line["quantity"])
    return in_units(amount if line.get("is_tax_inclusive") else amount * (1 + tax_rate(line) / 100), unit)


def tax_rate(line: Row) -> Decimal:
    """Return the rate in percent of a line or a shipping method."""
    return exact(sum((money(tax["rate"]) for tax in listed(line.get("tax_lines"))), Decimal(0)))


def line_sku(line: Row) -> str:
    """Return the SKU of a line; without one a name made of the variant's id or, for none, the line's."""
    return text(line.get("variant_sku")) or f"NO-SKU-{text(line.get('variant_id')) or key_text(line['id'])}"


def _line_remarks(line: Row) -> Iterator[str]:
    title = text(line.get("title"))
    if not text(line.get("variant_sku")):
        yield f"{title or 'A line'} has no SKU in Medusa and comes as {line_sku(line)}: give it one"
    if line.get("is_giftcard") is True:
        yield f"{title} is a gift card: perhaps there is nothing to send"


def _options(line: Row) -> Sequence[Option]:
    """Return what was chosen of the product, and the line's public metadata; each name comes once."""
    chosen = {text(name): text(value) for name, value in mapping(line.get("variant_option_values")).items()}
    if not chosen:
        chosen["Variant"] = text(line.get("subtitle")) or text(line.get("variant_title"))
    custom = {
        text(name): text(value)
        for name, value in mapping(line.get("metadata")).items()
        if not str(name).startswith("_")
    }
    return [Option(name=name, value=value) for name, value in {**custom, **chosen}.items() if name and value]
