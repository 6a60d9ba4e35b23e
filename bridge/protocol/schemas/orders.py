"""Messages of the order endpoints."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Annotated

from marshmallow.validate import Length, Range

from bridge.protocol.schemas import fields
from bridge.protocol.schemas.base import Answer, InvalidRow, Message, MessageSchema


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
    full_name: str = ""
    company: str = ""
    address1: str = ""
    address2: str = ""
    address3: str = ""
    town: str = ""
    region: str = ""
    post_code: str = ""
    country: str = ""
    country_code: str = ""
    phone_number: str = ""
    email_address: Annotated[str, fields.String(secret=True)] = ""


class Option(Message):
    """A customisation of a line; its name is unique in the line."""

    name: str = ""
    value: str = ""


class ExtendedProperty(Message):
    """A fact about an order; its name is unique in the order."""

    name: str = ""
    value: str = ""
    type: str = "Info"


class Note(Message):
    note: str = ""
    note_entry_date: datetime | None = None
    note_user_name: str = ""
    is_internal: bool = False


class OrderItem(Message, kw_only=True):
    """A line; Linnworks refuses the whole order where two lines have the same OrderLineNumber."""

    tax_cost_inclusive: bool = False
    use_channel_tax: bool = False
    is_service: bool = False
    order_line_number: str
    sku: str
    price_per_unit: Decimal = Decimal(0)
    qty: Annotated[int, fields.Integer(validate=Range(min=1))] = 1
    tax_rate: Decimal = Decimal(0)
    line_percent_discount: Decimal = Decimal(0)
    item_title: str = ""
    options: tuple[Option, ...] = ()
    cancel_status: CancelStatus = CancelStatus.NONE


class Order(Message, kw_only=True):
    """An order of the shop, as Linnworks takes it in; every later call names it by its ReferenceNumber.

    Two fields are not sent. `shop_total`: where a channel knows what the buyer paid, the lines must add up to it.
    `fault`: why the channel could not read the order; it is held for that.
    """

    reference_number: str
    external_reference: str = ""
    secondary_reference_number: str | None = None
    site: Annotated[str, fields.String(validate=Length(max=25))] = ""
    payment_status: PaymentStatus
    channel_buyer_name: str = ""
    currency: Annotated[str, fields.String(validate=Length(max=3))] = ""
    received_date: datetime | None = None
    dispatch_by: datetime | None = None
    paid_on: datetime | None = None
    match_postal_service_tag: Annotated[str, fields.String(validate=Length(max=64))] = ""
    match_payment_method_tag: Annotated[str, fields.String(validate=Length(max=64))] = ""
    postal_service_cost: Decimal = Decimal(0)
    postal_service_tax_rate: Decimal = Decimal(0)
    use_channel_tax: bool = False
    discount: Decimal = Decimal(0)
    discount_type: DiscountType = DiscountType.AllEvenly
    marketplace_tax_id: str | None = None
    marketplace_ioss: str | None = None
    buyer_tax_number: str | None = None
    billing_address: Address | None = None
    delivery_address: Address | None = None
    order_items: tuple[OrderItem, ...]
    extended_properties: tuple[ExtendedProperty, ...] = ()
    notes: tuple[Note, ...] = ()
    shop_total: Decimal | None = None
    fault: str = ""

    class Meta(MessageSchema.Meta):
        exclude = ("shop_total", "fault")


class OrdersRequest(Message):
    """One page, from 1, of the orders that changed since a moment."""

    utc_time_from: datetime
    page_number: int = 1


class OrdersResponse(Answer):
    has_more_pages: bool = False
    orders: tuple[Order, ...] = ()


class DespatchItem(Message):
    """How many of a line were sent, all when it is not said; a line may come more than once, one entry a package."""

    sku: str = ""
    order_line_number: str = ""
    despatched_quantity: Annotated[int | None, fields.Integer(validate=Range(min=0))] = None


class DespatchPackage(Message):
    shipping_vendor: str = ""
    shipping_method: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    items: tuple[DespatchItem, ...] = ()


class DespatchOrder(Message):
    """What was sent of an order, all of it or a part; the reference may come again with the rest."""

    reference_number: str
    shipping_vendor: str = ""
    shipping_method: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    secondary_tracking_numbers: Annotated[tuple[str, ...], fields.List(fields.String(), lenient=True)] = ()
    processed_on: Annotated[datetime | None, fields.DateTime(lenient=True)] = None
    items: tuple[DespatchItem, ...] = ()
    packages: tuple[DespatchPackage, ...] = ()


class DespatchRequest(Message):
    orders: tuple[DespatchOrder | InvalidRow, ...] = ()


class DespatchedOrder(Message):
    """How the despatch of one order went; `retry` asks Linnworks to send it again, at most 10 times."""

    reference_number: str = ""
    error: str | None = None
    retry: bool = False


class DespatchResponse(Answer):
    orders: tuple[DespatchedOrder, ...] = ()

    @property
    def row_errors(self) -> list[str | None]:
        return [order.error for order in self.orders]
