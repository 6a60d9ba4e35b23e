"""After the sale: cancels and refunds."""

from __future__ import annotations

from bridge.protocol.area import Area
from bridge.protocol.call import Call
from bridge.protocol.oauth import READ, WRITE
from bridge.protocol.schemas.after_sale import (
    CancelRequest,
    CancelResponse,
    PostSaleOptionsRequest,
    PostSaleOptionsResponse,
    RefundRequest,
    RefundResponse,
)
from bridge.sync import order_actions

area = Area("after_sale")


@area.call("/api/processedorders/cancel", CancelRequest, CancelResponse, manifest="CancelEndpoint", scope=WRITE)
def cancel(call: Call, request: CancelRequest) -> CancelResponse:
    """Cancel an open order, or lines of it, once."""
    order_actions.cancel(call.connection, call.channel, request.cancellation)
    return CancelResponse()


@area.call("/api/processedorders/refund", RefundRequest, RefundResponse, manifest="RefundEndpoint", scope=WRITE)
def refund(call: Call, request: RefundRequest) -> RefundResponse:
    """Give money back, once; a repeat gets the same RefundReference."""
    return RefundResponse(refund_reference=order_actions.refund(call.connection, call.channel, request.refund))


@area.call(
    "/api/processedorders/postsaleoptions",
    PostSaleOptionsRequest,
    PostSaleOptionsResponse,
    manifest="PostSaleOptions",
    scope=READ,
)
def post_sale_options(call: Call, request: PostSaleOptionsRequest) -> PostSaleOptionsResponse:
    """Say what can be cancelled and refunded in this shop."""
    return call.channel.post_sale_options()
