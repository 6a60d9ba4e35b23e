"""Messages of the endpoints for what happens after a sale."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from typing import Annotated

from marshmallow.validate import Range

from bridge.protocol.schemas import fields
from bridge.protocol.schemas.base import Answer, Message


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
    """How many of a line to cancel; its SKU is Linnworks' own, so its number names it."""

    sku: str = ""
    order_line_number: str = ""
    cancellation_quantity: Annotated[int | None, fields.Integer(validate=Range(min=0))] = None
    reason: str = ""
    secondary_reason: str = ""


class Cancellation(Message):
    """What of an order is cancelled; no items: all of it."""

    reference_number: str
    external_reference: str = ""
    items: tuple[CancellationItem, ...] = ()


class CancelRequest(Message):
    cancellation: Cancellation


class CancelResponse(Answer):
    pass


class RefundItem(Message):
    """Money to give back for a line, in the order's currency."""

    sku: str = ""
    order_line_number: str = ""
    refund_amount: Decimal = Decimal(0)
    reason: str = ""
    secondary_reason: str = ""


class Refund(Message):
    """Money to give back for lines, for shipping, or for both."""

    reference_number: str
    external_reference: str = ""
    refund_shipping_amount: Decimal = Decimal(0)
    items: tuple[RefundItem, ...] = ()


class RefundRequest(Message):
    refund: Refund


class RefundResponse(Answer):
    refund_reference: str = ""


class SubReason(Message):
    tag: str = ""
    display_name: str = ""


class Reason(Message):
    """Why something is cancelled or refunded; the SDK calls its types `Types`, the page `Type`: both are sent."""

    tag: str = ""
    display_name: str = ""
    types: Annotated[
        tuple[ReasonType, ...], fields.List(fields.Enum(ReasonType, by_value=True), also=("Type",), twice=True)
    ] = ()
    sub_reasons: tuple[SubReason, ...] = ()


class PostSaleOptionsRequest(Message):
    pass


class PostSaleOptionsResponse(Answer):
    """What the shop can cancel and refund; its reasons are none at all or cover every action it can do."""

    can_cancel: bool = False
    can_cancel_order_lines: bool = False
    can_cancel_order_lines_partially: bool = False
    automatic_refund_on_cancel: bool = False
    can_refund: bool = False
    can_attach_refund_to_item: bool = False
    can_attach_refund_to_service: bool = False
    refund_shipping_types: Annotated[RefundShippingType, fields.Enum(RefundShippingType, by_value=True)] = (
        RefundShippingType.NotSupported
    )
    can_refund_additionally: bool = False
    can_return: bool = False
    post_sale_reasons: tuple[Reason, ...] = ()
