"""The embedded shop's rows as objects for Linnworks, and the notes of its orders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from bridge.channels.base import Parcel, Tracking
from bridge.channels.demo import customers, seed, tables
from bridge.channels.demo.orders import total_paid
from bridge.protocol.schemas.after_sale import CancellationItem, RefundItem
from bridge.protocol.schemas.base import from_plain_data
from bridge.protocol.schemas.orders import (
    Address,
    CancelStatus,
    DiscountType,
    ExtendedProperty,
    Note,
    Option,
    Order,
    OrderItem,
    PaymentStatus,
)
from bridge.protocol.schemas.products import Product


def order(
    row: tables.Order,
    lines: Sequence[tables.OrderLine],
    events: Iterable[tables.Event],
    *,
    despatch_days: int,
    with_note: bool,
) -> Order:
    """Return an order as it is now, with what happened to it as notes."""
    billing = from_plain_data(Address, row.billing)
    marketplace_tax_id, marketplace_ioss = customers.MARKETPLACES.get(row.site, (None, None))
    return Order(
        reference_number=row.number,
        external_reference=row.transaction_id,
        secondary_reference_number=f"WEB-{row.number}",
        site=row.site,
        payment_status=_payment_status(row),
        channel_buyer_name=row.buyer,
        currency=row.currency,
        received_date=row.created_at,
        dispatch_by=row.created_at + timedelta(days=despatch_days),
        paid_on=row.paid_at,
        match_postal_service_tag=row.shipping,
        match_payment_method_tag=row.payment,
        postal_service_cost=row.shipping_cost,
        postal_service_tax_rate=row.shipping_tax_rate,
        use_channel_tax=True,
        discount=row.discount,
        discount_type=DiscountType[row.discount_type],
        marketplace_tax_id=marketplace_tax_id,
        marketplace_ioss=marketplace_ioss,
        buyer_tax_number=row.tax_number or None,
        billing_address=billing,
        delivery_address=from_plain_data(Address, row.delivery) if row.delivery else billing,
        order_items=tuple(_item(row, line) for line in lines),
        extended_properties=(
            ExtendedProperty(name="ShopStatus", value=row.status),
            ExtendedProperty(name="DeliveryTime", value=seed.SHIPPING[row.shipping], type="Shipping"),
        ),
        notes=tuple(_notes(row, events, with_note)),
        # after a cancel the shop has no figure for what remains
        shop_total=None if any(line.cancelled for line in lines) else total_paid(row, lines),
    )


def product(row: tables.Product) -> Product:
    """Return a simple product or a variation."""
    return Product(sku=row.sku, title=row.title, quantity=max(0, row.stock), price=row.price, reference=reference(row))


def reference(row: tables.Product) -> str:
    """Return the Reference of a product: its id, which is never used again."""
    return str(row.id)


def _payment_status(row: tables.Order) -> PaymentStatus:
    if row.status == "cancelled":
        return PaymentStatus.CANCELLED
    return PaymentStatus.PAID if row.paid_at else PaymentStatus.UNPAID


def _item(row: tables.Order, line: tables.OrderLine) -> OrderItem:
    remaining = line.quantity - line.cancelled
    return OrderItem(
        order_line_number=line.number,
        sku=line.sku,
        item_title=line.title,
        qty=remaining or line.quantity,
        price_per_unit=line.price,
        tax_cost_inclusive=row.tax_inclusive,
        use_channel_tax=True,
        tax_rate=line.tax_rate,
        line_percent_discount=line.discount_percent,
        is_service=line.is_service,
        options=tuple(Option(name=name, value=value) for name, value in line.options.items()),
        cancel_status=CancelStatus.NONE if remaining else CancelStatus.CANCELLED,
    )


def _notes(row: tables.Order, events: Iterable[tables.Event], with_note: bool) -> Iterable[Note]:
    if with_note and row.customer_note:
        yield Note(note=row.customer_note, note_entry_date=row.created_at, note_user_name=row.buyer)
    for event in events:
        yield Note(note=event.note, note_entry_date=event.happened_at, note_user_name="Shop", is_internal=True)


def despatch_note(parcel: Parcel) -> str:
    """Return the note about a despatch, or about tracking numbers that were added or corrected."""
    described = "; ".join(filter(None, map(_followed, parcel.tracking)))
    done = "Despatched" if parcel.pieces else "Tracking added"
    if parcel.replaces:
        done = f"Tracking corrected in place of {', '.join(parcel.replaces)}"
    return f"{done} {described}".strip() + (f". {parcel.note}" if parcel.note else "")


def _followed(tracking: Tracking) -> str:
    words = (
        tracking.carrier and f"with {tracking.carrier}",
        tracking.number and f"tracking {tracking.number}",
        tracking.link,
    )
    return ", ".join(filter(None, words))


def reason_suffix(items: Iterable[CancellationItem | RefundItem]) -> str:
    """Return the end of a note that names the reasons; "" if there are none."""
    reasons = {" / ".join(filter(None, (item.reason, item.secondary_reason))) for item in items}
    named = sorted(reasons - {""})
    return f": {', '.join(named)}" if named else ""
