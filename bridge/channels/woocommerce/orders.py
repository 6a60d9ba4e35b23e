"""WooCommerce's orders as Linnworks' orders: pure functions, exact to the last minor unit.

Every amount goes out with its tax in it, as WooCommerce rounded it line by line: what Linnworks adds up is then
what the customer paid, whichever way the shop enters its prices. Where WooCommerce's own total is another than
that of its lines, a line named Rounding, or the order's discount, makes up for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from bridge.channels.woocommerce.order_header import (
    IOSS,
    VAT_NUMBER,
    addresses,
    first,
    notes,
    payment_tag,
    properties,
    refund_remarks,
    shipping_tag,
)
from bridge.channels.woocommerce.values import moment, money, plain, text, whole
from bridge.channels.woocommerce.wizard import CANCELLED, PAID, UNPAID, Preferences
from bridge.protocol.schemas.orders import (
    CancelStatus,
    DiscountType,
    Option,
    Order,
    OrderItem,
    PaymentStatus,
)

ROUNDING, SHIPPING = "rounding", "shipping"
"""Numbers of lines that an order has only here."""
FINE = Decimal("1e-10")  # of a unit price: what is lost by it is far below any minor unit
RATE = Decimal("0.0001")

STATUSES = {PAID: PaymentStatus.PAID, UNPAID: PaymentStatus.UNPAID, CANCELLED: PaymentStatus.CANCELLED}


@dataclass(frozen=True)
class Refunded:
    """What refunds have taken from an order: pieces and money by line, and all the money."""

    pieces: Mapping[int, int] = field(default_factory=dict)
    of_lines: Mapping[int, Decimal] = field(default_factory=dict)
    with_pieces: Mapping[int, Decimal] = field(default_factory=dict)
    """Of the money of a line that which went back together with pieces of it."""
    taxes: Mapping[tuple[int, int], Decimal] = field(default_factory=dict)
    """Of the money of a line each tax, by the line and the tax rate's id."""


def gross(line: Mapping[str, Any]) -> Decimal:
    """What a line, a fee or shipping costs with its tax, after coupons."""
    return money(line["total"]) + money(line["total_tax"])


def refunded(refunds: Iterable[Mapping[str, Any]]) -> Refunded:
    """Add up the refunds of an order; in them WooCommerce has quantities and amounts below zero."""
    pieces: dict[int, int] = {}
    of_lines: dict[int, Decimal] = {}
    with_pieces: dict[int, Decimal] = {}
    taxes: dict[tuple[int, int], Decimal] = {}
    for refund in refunds:
        for line in (*refund["line_items"], *refund["shipping_lines"], *refund["fee_lines"]):
            number = _refunded_line(line)
            amount, count = -gross(line), whole(line.get("quantity"))
            of_lines[number] = of_lines.get(number, Decimal(0)) + amount
            for tax in line["taxes"]:
                place = (number, tax["id"])
                taxes[place] = taxes.get(place, Decimal(0)) - money(tax["total"])
            if count:
                pieces[number] = pieces.get(number, 0) + count
                with_pieces[number] = with_pieces.get(number, Decimal(0)) + amount
    return Refunded(pieces, of_lines, with_pieces, taxes)


def _refunded_line(line: Mapping[str, Any]) -> int:
    return next((int(meta["value"]) for meta in line["meta_data"] if meta["key"] == "_refunded_item_id"), 0)


def order(
    row: Mapping[str, Any],
    refunds: Sequence[Mapping[str, Any]],
    preferences: Preferences,
    countries: Mapping[str, str] = MappingProxyType({}),
) -> Order | None:
    """An order as it stands, with the names of `countries` by their codes; None where such orders are left out.

    One that cannot be read comes with nothing but its reference and a `fault`, so that it is seen and held.
    """
    paid_on = moment(row.get("date_paid_gmt"))
    meaning = preferences.meaning(row["status"], paid_on is not None)
    if meaning not in STATUSES:
        return None
    try:
        return _order(row, refunds, preferences, countries, STATUSES[meaning], paid_on)
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        return Order(
            reference_number=str(row["id"]),
            payment_status=STATUSES[meaning],
            order_items=(),
            fault=f"WooCommerce describes it in a way that cannot be read ({type(error).__name__})",
        )


def _order(
    row: Mapping[str, Any],
    refunds: Sequence[Mapping[str, Any]],
    preferences: Preferences,
    countries: Mapping[str, str],
    status: PaymentStatus,
    paid_on: datetime | None,
) -> Order:
    created = moment(row["date_created_gmt"])
    # a cancelled order is told of as it was
    back = refunded(refunds) if status is not PaymentStatus.CANCELLED else Refunded()
    rates = {line["rate_id"]: _percent(line) for line in row["tax_lines"]}
    items, remarks = [], []
    for line in row["line_items"]:
        if item := _item(line, back, rates):
            items.append(item)
        if not plain(line["sku"]).strip():
            remarks.append(
                f"{_title(line) or 'A line'} has no SKU in WooCommerce and comes as {fallback_sku(line)}: give it one"
            )
    discount = Decimal(0)
    for fee in row["fee_lines"]:
        if gross(fee) < 0:
            discount -= gross(fee)
            remarks.append(f"Discount: {plain(fee['name'])} {gross(fee)}")
        else:
            items.append(_fee(fee, rates))
    shipping = money(row["shipping_total"]) + money(row["shipping_tax"])
    if not items and shipping:
        items, shipping = [_service(SHIPPING, "Shipping", shipping)], Decimal(0)  # without lines it would be held
    total = money(row["total"]) - sum((_taken(line, back) for line in row["line_items"]), Decimal(0))
    gap = _fine(total - sum((_amount(item) for item in items), shipping) + discount)
    if gap > 0:
        items.append(_service(ROUNDING, "Rounding", gap))
    elif gap < 0:
        discount -= gap
    given_back = -sum((money(refund["total"]) for refund in row["refunds"]), Decimal(0))
    billing, delivery = (
        replace(address, country=countries.get(address.country_code, address.country_code))
        for address in addresses(row)
    )
    fields = [(str(meta["key"]), text(meta["value"])) for meta in row["meta_data"]]
    transaction = plain(row["transaction_id"])
    return Order(
        reference_number=str(row["id"]),
        secondary_reference_number=plain(row["number"]) or str(row["id"]),
        external_reference=transaction,
        payment_status=status,
        paid_on=paid_on if status is not PaymentStatus.PAID else paid_on or created,
        channel_buyer_name=billing.full_name or billing.company or billing.email_address,
        currency=row["currency"],
        received_date=created,
        dispatch_by=created + timedelta(days=preferences.despatch_days) if created else None,
        match_postal_service_tag=shipping_tag(row["shipping_lines"]),
        match_payment_method_tag=payment_tag(row["payment_method"]),
        postal_service_cost=shipping,
        postal_service_tax_rate=_shipping_rate(row["shipping_lines"], rates),
        use_channel_tax=True,
        discount=discount,
        discount_type=DiscountType.ItemsThenPostage,
        buyer_tax_number=first(fields, VAT_NUMBER),
        marketplace_ioss=first(fields, IOSS),
        billing_address=billing,
        delivery_address=delivery,
        order_items=tuple(items),
        extended_properties=tuple(properties(row, fields, given_back, preferences)),
        notes=tuple(notes(row, fields, [*remarks, *refund_remarks(row)], created, billing.full_name)),
        shop_total=total,
    )


# -- lines ---------------------------------------------------------------------------------------------


def _item(line: Mapping[str, Any], back: Refunded, rates: Mapping[int, Decimal]) -> OrderItem | None:
    """A line with the pieces that are left of it; None where it is nothing at all."""
    pieces = whole(line["quantity"])
    left = pieces - back.pieces.get(line["id"], 0)
    if not pieces and not gross(line):
        return None
    all_back = pieces > 0 >= left
    amount = gross(line) - _taken(line, back)
    before = money(line["subtotal"]) + money(line["subtotal_tax"])
    count = max(1, pieces if all_back else left)
    if amount == gross(line) and 0 <= amount < before:
        price, percent = before / count, (1 - amount / before) * 100
    else:
        price, percent = max(amount, Decimal(0)) / count, Decimal(0)
    return OrderItem(
        order_line_number=str(line["id"]),
        sku=plain(line["sku"]).strip() or fallback_sku(line),
        item_title=_title(line),
        qty=count,
        price_per_unit=_fine(price),
        line_percent_discount=_fine(percent),
        tax_cost_inclusive=True,
        use_channel_tax=True,
        tax_rate=_rate(line, rates),
        options=tuple(_options(line)),
        cancel_status=CancelStatus.CANCELLED if all_back else CancelStatus.NONE,
    )


def _taken(line: Mapping[str, Any], back: Refunded) -> Decimal:
    """What refunds of some pieces have taken from what a line costs; of all pieces: nothing, the line is cancelled."""
    pieces = back.pieces.get(line["id"], 0)
    return back.with_pieces[line["id"]] if 0 < pieces < whole(line["quantity"]) else Decimal(0)


def _fee(fee: Mapping[str, Any], rates: Mapping[int, Decimal]) -> OrderItem:
    return OrderItem(
        order_line_number=str(fee["id"]),
        sku="FEE",
        item_title=plain(fee["name"]) or "Fee",
        is_service=True,
        qty=1,
        price_per_unit=gross(fee),
        tax_cost_inclusive=True,
        use_channel_tax=True,
        tax_rate=_rate(fee, rates),
    )


def _service(number: str, title: str, amount: Decimal) -> OrderItem:
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


def _amount(item: OrderItem) -> Decimal:
    """What Linnworks makes of a line, far more exact than any minor unit."""
    exact = item.price_per_unit * item.qty * (1 - item.line_percent_discount / 100)
    return exact.quantize(Decimal("1e-6"), ROUND_HALF_UP)


def _fine(number: Decimal) -> Decimal:
    return number.quantize(FINE, ROUND_HALF_UP).normalize() + 0


def fallback_sku(line: Mapping[str, Any]) -> str:
    """What a line without a SKU is called: by its product, or where that is gone by itself."""
    names = [line["product_id"], line["variation_id"]] if line["product_id"] else [f"LINE-{line['id']}"]
    return "-".join(["NO-SKU", *(str(name) for name in names if name)])


def _title(line: Mapping[str, Any]) -> str:
    return text(line["name"])


def _options(line: Mapping[str, Any]) -> Iterator[Option]:
    for meta in line["meta_data"]:
        if not str(meta["key"]).startswith("_"):
            name = text(meta.get("display_key") or meta["key"])
            value = text(meta.get("display_value") or meta["value"])
            if name and value:
                yield Option(name=name, value=value)
    if money(line["quantity"]) != whole(line["quantity"]):
        yield Option(name="Quantity", value=str(line["quantity"]))


# -- tax -----------------------------------------------------------------------------------------------


def _percent(line: Mapping[str, Any]) -> Decimal:
    return money(line.get("rate_percent"))


def _rate(line: Mapping[str, Any], rates: Mapping[int, Decimal]) -> Decimal:
    """The tax rate of a line in percent: the sum of its rates, or where these do not explain its tax, what it comes to.

    They do not for compound rates, a rate that was changed by hand, or a tax on something else than the line.
    """
    net, tax = money(line["total"]), money(line["total_tax"])
    named = sum((rates.get(part["id"], Decimal(0)) for part in line["taxes"] if money(part["total"])), Decimal(0))
    if not net:
        return named
    if abs(net * named / 100 - tax) <= Decimal("0.02"):
        return named.normalize() + 0
    return max(Decimal(0), (tax / net * 100).quantize(RATE, ROUND_HALF_UP).normalize() + 0)


def _shipping_rate(lines: Sequence[Mapping[str, Any]], rates: Mapping[int, Decimal]) -> Decimal:
    found = {_rate(line, rates) for line in lines if gross(line)}
    if len(found) <= 1:
        return next(iter(found), Decimal(0))
    net, tax = (sum((money(line[name]) for line in lines), Decimal(0)) for name in ("total", "total_tax"))
    return (tax / net * 100).quantize(RATE, ROUND_HALF_UP) if net else Decimal(0)
