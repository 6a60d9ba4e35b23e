"""Orders and despatches."""

from __future__ import annotations

from bridge.protocol.area import Area
from bridge.protocol.call import Call
from bridge.protocol.oauth import READ, WRITE
from bridge.protocol.schemas.orders import (
    DespatchRequest,
    DespatchResponse,
    OrdersRequest,
    OrdersResponse,
)
from bridge.sync import order_actions, paging, pauses

area = Area("orders")


@area.call("/api/Order/Orders", OrdersRequest, OrdersResponse, manifest="OrdersEndpoint", scope=READ)
def orders(call: Call, request: OrdersRequest) -> OrdersResponse:
    """Return a page of the orders that changed since UTCTimeFrom."""
    pause = pauses.find_pause(call.finished_connection, pauses.ORDERS)
    page = paging.orders(call.connection.id, call.channel, request.utc_time_from, request.page_number, call.now, pause)
    return OrdersResponse(orders=tuple(page.items), has_more_pages=page.next_cursor is not None)


@area.call("/api/Order/Despatch", DespatchRequest, DespatchResponse, manifest="DespatchEndpoint", scope=WRITE)
def despatch(call: Call, request: DespatchRequest) -> DespatchResponse:
    """Mark orders or parts of them as sent, each once; every order received is answered."""
    return DespatchResponse(orders=tuple(order_actions.despatch(call.connection, call.channel, request.orders)))
