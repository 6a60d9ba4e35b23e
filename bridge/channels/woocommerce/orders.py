"""WooCommerce's orders as Linnworks' orders: pure functions, exact to the last minor unit.

Every amount includes its tax, as WooCommerce rounded it line by line. What Linnworks adds up is then what the
customer paid, whether or not the shop enters prices with tax. If WooCommerce's total differs from the sum of its
lines, an item named Rounding or the order's discount makes up the difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from bridge.channels.helpers.texts import cut
from bridge.channels.helpers.totals import balance, service
from bridge.channels.woocommerce.order_header import (
    IOSS,
    VAT_NUMBER,
    addresses,
    first_value,
    notes,
    payment_tag,
    properties,
    refund_remarks,
    shipping_tag,
)
from bridge.channels.woocommerce.order_items import (
    SHIPPING,
    fallback_sku,
    fee_item,
    line_item,
    line_title,
    refunded_amount,
)
from bridge.channels.woocommerce.preferences import Preferences
from bridge.channels.woocommerce.refund_totals import RefundTotals, gross, refund_totals
from bridge.channels.woocommerce.tax_rates import rates_by_id, shipping_rate
from bridge.channels.woocommerce.values import custom_fields, money, plain_text, row_id, unescape, utc_time
from bridge.channels.woocommerce.wizard import CANCELLED, PAID, UNPAID
from bridge.protocol.schemas.orders import DiscountType, Order, OrderItem, PaymentStatus

LONGEST_KEY = 255  # of a custom field, as WordPress's database has it
STATUSES = {PAID: PaymentStatus.PAID, UNPAID: PaymentStatus.UNPAID, CANCELLED: PaymentStatus.CANCELLED}


def order(
    row: Mapping[str, Any],
    refunds: Sequence[Mapping[str, Any]],
    preferences: Preferences,
    countries: Mapping[str, str] = MappingProxyType({}),
) -> Order | None:
    """Return an order as it is now, or None if its status is ignored; `countries` are names by code.

    Raises any exception for an order that cannot be read.
    """
    paid_on = utc_time(row.get("date_paid_gmt"))
    meaning = preferences.meaning(row["status"], paid_on is not None)
    if meaning not in STATUSES:
        return None
    status, number = STATUSES[meaning], row_id(row)
    if number is None:
        raise ValueError("It has no id")
    created = utc_time(row["date_created_gmt"])
    # a cancelled order keeps the lines that it was placed with
    totals = refund_totals(refunds) if status is not PaymentStatus.CANCELLED else RefundTotals()
    rates = rates_by_id(row)
    items, discount, remarks = _items(row, totals, rates)
    shipping = money(row["shipping_total"]) + money(row["shipping_tax"])
    if not items and shipping:  # Linnworks takes no order without items
        items, shipping = [service(SHIPPING, "Shipping", shipping)], Decimal(0)
    total = money(row["total"]) - sum((refunded_amount(line, totals) for line in row["line_items"]), Decimal(0))
    balanced = balance(items, shipping=shipping, discount=discount, total=total)
    refunded = -sum((money(refund["total"]) for refund in row["refunds"]), Decimal(0))
    billing, delivery = (
        replace(address, country=countries.get(address.country_code, address.country_code))
        for address in addresses(row)
    )
    fields = [(cut(str(meta["key"]), LONGEST_KEY), plain_text(meta["value"])) for meta in custom_fields(row)]
    return Order(
        reference_number=str(number),
        secondary_reference_number=unescape(row["number"]) or str(number),
        external_reference=unescape(row["transaction_id"]),
        payment_status=status,
        paid_on=paid_on if status is not PaymentStatus.PAID else paid_on or created,
        channel_buyer_name=billing.full_name or billing.company or billing.email_address,
        currency=unescape(row["currency"]),
        received_date=created,
        dispatch_by=created + timedelta(days=preferences.despatch_days) if created else None,
        match_postal_service_tag=shipping_tag(row["shipping_lines"]),
        match_payment_method_tag=payment_tag(row["payment_method"]),
        postal_service_cost=shipping,
        postal_service_tax_rate=shipping_rate(row["shipping_lines"], rates),
        use_channel_tax=True,
        discount=balanced.discount,
        discount_type=DiscountType.ItemsThenPostage,
        buyer_tax_number=first_value(fields, VAT_NUMBER),
        marketplace_ioss=first_value(fields, IOSS),
        billing_address=billing,
        delivery_address=delivery,
        order_items=balanced.items,
        extended_properties=tuple(properties(row, fields, refunded, preferences)),
        notes=tuple(notes(row, fields, [*remarks, *refund_remarks(row)], created, billing.full_name)),
        shop_total=total,
    )


def _items(
    row: Mapping[str, Any], totals: RefundTotals, rates: Mapping[int, Decimal]
) -> tuple[list[OrderItem], Decimal, list[str]]:
    """Return an order's items, the discount made of its negative fees, and remarks for the seller."""
    items, discount, remarks = [], Decimal(0), []
    for line in row["line_items"]:
        if item := line_item(line, totals, rates):
            items.append(item)
        if not unescape(line["sku"]).strip():
            remarks.append(
                f"{line_title(line) or 'A line'} has no SKU in WooCommerce and comes as {fallback_sku(line)}: "
                "give it one"
            )
    for fee in row["fee_lines"]:
        if gross(fee) < 0:
            discount -= gross(fee)
            remarks.append(f"Discount: {unescape(fee['name'])} {gross(fee)}")
        else:
            items.append(fee_item(fee, rates))
    return items, discount, remarks
