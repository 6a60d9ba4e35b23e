"""Orders come in; despatches go out."""

from __future__ import annotations

from bridge import ledger, window
from bridge.contract import Area, Call
from bridge.errors import ChannelError
from bridge.messages.orders import (
    DespatchedOrder,
    DespatchOrder,
    DespatchRequest,
    DespatchResponse,
    OrdersRequest,
    OrdersResponse,
)

area = Area("orders")


@area.call("/api/Order/Orders", OrdersRequest, OrdersResponse, manifest="OrdersEndpoint")
def orders(call: Call, request: OrdersRequest) -> OrdersResponse:
    """One page of the orders that changed since the last look."""
    page = window.orders(call.connection.id, call.channel, request.utc_time_from, request.page_number, call.now)
    return OrdersResponse(orders=tuple(page.items), has_more_pages=page.next_cursor is not None)


@area.call("/api/Order/Despatch", DespatchRequest, DespatchResponse, manifest="DespatchEndpoint")
def despatch(call: Call, request: DespatchRequest) -> DespatchResponse:
    """Mark orders or parts of them as sent, each once; every order received is answered."""
    return DespatchResponse(orders=tuple(_despatched(call, order) for order in request.orders))


def _despatched(call: Call, order: DespatchOrder) -> DespatchedOrder:
    def act(key: str) -> str:
        call.channel.despatch(order, key)
        return ""

    try:
        ledger.once("despatch", order, act, connection_id=call.connection.id, channel=call.channel, repeat_after=None)
    except ChannelError as error:
        retry = ledger.may_work_later(error)
        return DespatchedOrder(reference_number=order.reference_number, error=str(error), retry=retry)
    return DespatchedOrder(reference_number=order.reference_number)
