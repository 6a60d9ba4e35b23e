"""Messages of the endpoints for what happens after a sale."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum

from bridge.protocol.schemas.base import (
    Answer,
    Code,
    Message,
    enum_code,
    flag,
    many,
    number,
    one,
    plain,
    text,
    whole,
)


class RefundShippingType(IntEnum):
    """How the cost of shipping may be refunded."""

    NotSupported = 0
    TiedToItem = 1
    Independent = 2
    Either = 3


class ReasonType(IntEnum):
    """The action that a reason may be given for."""

    Cancellation = 0
    ItemRefund = 1
    ShippingRefund = 2
    ServiceRefund = 3
    AdditionalRefund = 4


class CancellationItem(Message):
    """How many of a line to cancel, all when it is not said; its SKU is Linnworks' own, so its number names it."""

    sku: str = text("SKU")
    order_line_number: str = text()
    cancellation_quantity: int | None = whole(default=None, least=0)
    reason: str = text()
    secondary_reason: str = text()


class Cancellation(Message):
    """What of an order is cancelled; no items: all of it."""

    reference_number: str = text(required=True)
    external_reference: str = text()
    items: tuple[CancellationItem, ...] = many(CancellationItem)


class CancelRequest(Message):
    cancellation: Cancellation = one(Cancellation, required=True)


class CancelResponse(Answer):
    pass


class RefundItem(Message):
    """Money to give back for a line, in the order's currency."""

    sku: str = text("SKU")
    order_line_number: str = text()
    refund_amount: Decimal = number()
    reason: str = text()
    secondary_reason: str = text()


class Refund(Message):
    """Money to give back for lines, for shipping, or for both."""

    reference_number: str = text(required=True)
    external_reference: str = text()
    refund_shipping_amount: Decimal = number()
    items: tuple[RefundItem, ...] = many(RefundItem)


class RefundRequest(Message):
    refund: Refund = one(Refund, required=True)


class RefundResponse(Answer):
    refund_reference: str = text()


class SubReason(Message):
    tag: str = text()
    display_name: str = text()


class Reason(Message):
    """Why something is cancelled or refunded; the SDK calls its types `Types`, the page `Type`: both are sent."""

    tag: str = text()
    display_name: str = text()
    types: tuple[ReasonType, ...] = plain(Code(ReasonType), also=("Type",), twice=True)
    sub_reasons: tuple[SubReason, ...] = many(SubReason)


class PostSaleOptionsRequest(Message):
    pass


class PostSaleOptionsResponse(Answer):
    """What the shop can cancel and refund; its reasons are none at all or cover every action it can do."""

    can_cancel: bool = flag()
    can_cancel_order_lines: bool = flag()
    can_cancel_order_lines_partially: bool = flag()
    automatic_refund_on_cancel: bool = flag()
    can_refund: bool = flag()
    can_attach_refund_to_item: bool = flag()
    can_attach_refund_to_service: bool = flag()
    refund_shipping_types: RefundShippingType = enum_code(RefundShippingType, default=RefundShippingType.NotSupported)
    can_refund_additionally: bool = flag()
    can_return: bool = flag()
    post_sale_reasons: tuple[Reason, ...] = many(Reason)
