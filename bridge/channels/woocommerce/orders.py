"""WooCommerce's orders as Linnworks' orders: pure functions, exact to the last minor unit.

Every amount includes its tax, as WooCommerce rounded it line by line. What Linnworks adds up is then what the
customer paid, whether or not the shop enters prices with tax. If WooCommerce's total differs from the sum of its
lines, an item named Rounding or the order's discount makes up the difference. One that is too large to be rounding
(a deposit, a gift card, points) is told in a note and an extended property, or holds the order if the seller chose so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from bridge.channels.helpers.texts import cut
from bridge.channels.helpers.totals import CENT, ROUNDING, balance, line_total, service
from bridge.channels.woocommerce.bundles import parents
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
    deposit_remarks,
    fallback_sku,
    fee_item,
    line_item,
    line_title,
    refunded_amount,
)
from bridge.channels.woocommerce.order_rows import minor_unit
from bridge.channels.woocommerce.preferences import Preferences
from bridge.channels.woocommerce.refund_totals import RefundTotals, gross, refund_totals
from bridge.channels.woocommerce.tax_rates import rates_by_id, shipping_rate
from bridge.channels.woocommerce.values import custom_fields, in_units, money, plain_text, row_id, unescape, utc_time
from bridge.channels.woocommerce.wizard import CANCELLED, PAID, UNPAID
from bridge.protocol.schemas.orders import DiscountType, Option, Order, OrderItem, PaymentStatus

ROUNDING_UNITS = 3
"""By so many of the currency's smallest units for each line, a total may differ from its lines by rounding alone."""
DIFFERENCE = "Difference to the total"

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
    created = utc_time(row["date_created_gmt"]) or paid_on or utc_time(row.get("date_modified_gmt"))
    # a cancelled order keeps the lines that it was placed with
    totals = refund_totals(refunds) if status is not PaymentStatus.CANCELLED else RefundTotals()
    rates, unit = rates_by_id(row), minor_unit(row)
    items, discount, remarks = _items(row, totals, rates, unit)
    shipping = in_units(money(row["shipping_total"]) + money(row["shipping_tax"]), unit)
    if shipping < 0:  # Linnworks takes no postage below zero
        remarks.append(f"Discount: shipping {shipping}")
        shipping, discount = Decimal(0), discount - shipping
    if not items and shipping:  # Linnworks takes no order without items
        items, shipping = [service(SHIPPING, "Shipping", shipping)], Decimal(0)
    total = money(row["total"]) - sum((refunded_amount(line, totals, unit) for line in row["line_items"]), Decimal(0))
    total = max(total, Decimal(0))
    balanced = balance(items, shipping=shipping, discount=discount, total=total)
    sum_of_items = sum((line_total(item, min(unit, CENT)) for item in items), Decimal(0))
    difference = in_units(total + discount - shipping - sum_of_items, unit)
    lines = sum(len(row[name]) for name in ("line_items", "fee_lines", "shipping_lines"))
    if abs(difference) <= max(CENT, ROUNDING_UNITS * unit) * max(1, lines):
        difference = Decimal(0)
    else:
        remarks.append(_difference_remark(difference, unescape(row["currency"])))
    is_held = bool(difference) and preferences.hold_differences and status is not PaymentStatus.CANCELLED
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
        order_items=tuple(_named(item, difference) for item in balanced.items),
        extended_properties=tuple(properties(row, fields, refunded, difference, preferences)),
        notes=tuple(notes(row, fields, [*remarks, *refund_remarks(row)], created, billing.full_name)),
        shop_total=total,
        fault=remarks[-1] if is_held else "",
    )


def _items(
    row: Mapping[str, Any], totals: RefundTotals, rates: Mapping[int, Decimal], unit: Decimal
) -> tuple[list[OrderItem], Decimal, list[str]]:
    """Return an order's items, the discount made of its negative lines and fees, and remarks for the seller."""
    items: list[OrderItem] = []
    remarks: list[str] = []
    discount = Decimal(0)
    titles = {line["id"]: line_title(line) for line in row["line_items"]}
    bundle_of = parents(row["line_items"])
    for line in row["line_items"]:
        if item := line_item(line, totals, rates, unit):
            if bundle := titles.get(bundle_of.get(line["id"])):
                item = replace(item, options=(*item.options, Option(name="Part of", value=bundle)))
            items.append(item)
        remarks += deposit_remarks(line)
        below_zero = min(Decimal(0), in_units(gross(line), unit) - refunded_amount(line, totals, unit))
        if below_zero:
            discount -= below_zero
            remarks.append(f"Discount: {line_title(line)} {below_zero}")
        if not unescape(line["sku"]).strip():
            remarks.append(
                f"{line_title(line) or 'A line'} has no SKU in WooCommerce and comes as {fallback_sku(line)}: "
                "give it one"
            )
    for fee in row["fee_lines"]:
        amount = in_units(gross(fee), unit)
        if amount < 0:
            discount -= amount
            remarks.append(f"Discount: {unescape(fee['name'])} {amount}")
        else:
            items.append(fee_item(fee, rates, unit))
    return items, discount, remarks


def _difference_remark(difference: Decimal, currency: str) -> str:
    words = "more than its lines and shipping" if difference > 0 else "less than its lines and shipping"
    return (
        f"WooCommerce's total is {abs(difference)} {currency} {words}, which is more than rounding: perhaps a deposit, "
        "a gift card or points"
    )


def _named(item: OrderItem, difference: Decimal) -> OrderItem:
    """Return an item; the one that makes up a difference that is more than rounding is named so."""
    if item.order_line_number != ROUNDING or not difference:
        return item
    return replace(item, sku="DIFFERENCE", item_title=DIFFERENCE)
