"""Messages of the order endpoints."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import IntEnum

from bridge.protocol.schemas.base import (
    Answer,
    Message,
    Text,
    enum_name,
    flag,
    many,
    moment,
    number,
    one,
    plain,
    text,
    whole,
)


class PaymentStatus(IntEnum):
    """CANCELLED cancels an order that Linnworks has, and is ignored otherwise."""

    PAID = 0
    UNPAID = 1
    CANCELLED = 2


class CancelStatus(IntEnum):
    """CANCELLED lines are split off and cancelled; whole lines only."""

    NONE = 0
    CANCELLED = 1


class DiscountType(IntEnum):
    """What the order's Discount is taken from first."""

    AllEvenly = 0
    ItemsThenPostage = 1
    PostageThenItems = 2


class Address(Message):
    full_name: str = text()
    company: str = text()
    address1: str = text()
    address2: str = text()
    address3: str = text()
    town: str = text()
    region: str = text()
    post_code: str = text()
    country: str = text()
    country_code: str = text()
    phone_number: str = text()
    email_address: str = text(secret=True)


class Option(Message):
    """A customisation of a line; its name is unique in the line."""

    name: str = text()
    value: str = text()


class ExtendedProperty(Message):
    """A fact about an order; its name is unique in the order."""

    name: str = text()
    value: str = text()
    type: str = text(default="Info")


class Note(Message):
    note: str = text()
    note_entry_date: datetime | None = moment()
    note_user_name: str = text()
    is_internal: bool = flag()


class OrderItem(Message):
    """A line; Linnworks refuses the whole order where two lines have the same OrderLineNumber."""

    tax_cost_inclusive: bool = flag()
    use_channel_tax: bool = flag()
    is_service: bool = flag()
    order_line_number: str = text(required=True)
    sku: str = text("SKU", required=True)
    price_per_unit: Decimal = number()
    qty: int = whole(least=1, default=1)
    tax_rate: Decimal = number()
    line_percent_discount: Decimal = number()
    item_title: str = text()
    options: tuple[Option, ...] = many(Option)
    cancel_status: CancelStatus = enum_name(
        CancelStatus, default=CancelStatus.NONE, also_named={"canceled": CancelStatus.CANCELLED}
    )


class Order(Message):
    """An order of the shop, as Linnworks takes it in; ReferenceNumber is what it is called ever after.

    Two fields are not sent. `shop_total`: where a channel knows what the buyer paid, the lines must add up to it.
    `fault`: why the channel could not read the order; it is held for that.
    """

    reference_number: str = text(required=True)
    external_reference: str = text()
    secondary_reference_number: str | None = text(default=None)
    site: str = text(limit=25)
    payment_status: PaymentStatus = enum_name(PaymentStatus, required=True)
    channel_buyer_name: str = text()
    currency: str = text(limit=3)
    received_date: datetime | None = moment()
    dispatch_by: datetime | None = moment()
    paid_on: datetime | None = moment()
    match_postal_service_tag: str = text(limit=64)
    match_payment_method_tag: str = text(limit=64)
    postal_service_cost: Decimal = number()
    postal_service_tax_rate: Decimal = number()
    use_channel_tax: bool = flag()
    discount: Decimal = number()
    discount_type: DiscountType = enum_name(DiscountType, default=DiscountType.AllEvenly)
    marketplace_tax_id: str | None = text(default=None)
    marketplace_ioss: str | None = text(default=None)
    buyer_tax_number: str | None = text(default=None)
    billing_address: Address = one(Address)
    delivery_address: Address = one(Address)
    order_items: tuple[OrderItem, ...] = many(OrderItem, required=True)
    extended_properties: tuple[ExtendedProperty, ...] = many(ExtendedProperty, also=("ExtendedProperty",))
    notes: tuple[Note, ...] = many(Note)
    shop_total: Decimal | None = None
    fault: str = ""


class OrdersRequest(Message):
    """One page, from 1, of the orders that changed since a moment."""

    utc_time_from: datetime = moment("UTCTimeFrom", required=True)
    page_number: int = whole(default=1)


class OrdersResponse(Answer):
    has_more_pages: bool = flag()
    orders: tuple[Order, ...] = many(Order)


class DespatchItem(Message):
    """How many of a line were sent, all when it is not said; a line may come more than once, one entry a package."""

    sku: str = text("SKU")
    order_line_number: str = text()
    despatched_quantity: int | None = whole(default=None, least=0)


class DespatchPackage(Message):
    shipping_vendor: str = text()
    shipping_method: str = text()
    tracking_number: str = text()
    tracking_url: str = text()
    items: tuple[DespatchItem, ...] = many(DespatchItem)


class DespatchOrder(Message):
    """What was sent of an order, all of it or a part; the reference may come again with the rest."""

    reference_number: str = text(required=True)
    shipping_vendor: str = text()
    shipping_method: str = text()
    tracking_number: str = text()
    tracking_url: str = text()
    secondary_tracking_numbers: tuple[str, ...] = plain(Text(), lenient=True)
    processed_on: datetime | None = moment()
    items: tuple[DespatchItem, ...] = many(DespatchItem)
    packages: tuple[DespatchPackage, ...] = many(DespatchPackage)


class DespatchRequest(Message):
    orders: tuple[DespatchOrder, ...] = many(DespatchOrder)


class DespatchedOrder(Message):
    """How the despatch of one order went; `retry` asks Linnworks to send it again, at most 10 times."""

    reference_number: str = text()
    error: str | None = text(default=None)
    retry: bool = flag()


class DespatchResponse(Answer):
    orders: tuple[DespatchedOrder, ...] = many(DespatchedOrder)
