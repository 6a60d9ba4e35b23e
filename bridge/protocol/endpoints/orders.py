"""Orders come in; despatches go out."""

from __future__ import annotations

from collections import Counter

from bridge.errors import ChannelError, ChannelUnavailable, CredentialsRefused
from bridge.protocol.area import Area
from bridge.protocol.call import Call
from bridge.protocol.oauth import READ, WRITE
from bridge.protocol.schemas.orders import (
    DespatchedOrder,
    DespatchOrder,
    DespatchRequest,
    DespatchResponse,
    OrdersRequest,
    OrdersResponse,
)
from bridge.sync import actions, paging

area = Area("orders")


@area.call("/api/Order/Orders", OrdersRequest, OrdersResponse, manifest="OrdersEndpoint", scope=READ)
def orders(call: Call, request: OrdersRequest) -> OrdersResponse:
    """One page of the orders that changed since the last look."""
    page = paging.orders(call.connection.id, call.channel, request.utc_time_from, request.page_number, call.now)
    return OrdersResponse(orders=tuple(page.items), has_more_pages=page.next_cursor is not None)


@area.call("/api/Order/Despatch", DespatchRequest, DespatchResponse, manifest="DespatchEndpoint", scope=WRITE)
def despatch(call: Call, request: DespatchRequest) -> DespatchResponse:
    """Mark orders or parts of them as sent, each once; every order received is answered."""
    seen: Counter[DespatchOrder] = Counter()
    answers = []
    for order in request.orders:
        seen[order] += 1
        answers.append(_despatched(call, order, seen[order]))
    return DespatchResponse(orders=tuple(answers))


def _despatched(call: Call, order: DespatchOrder, nth: int) -> DespatchedOrder:
    """Send the nth of equal entries: within a request they are parcels alike, in two requests a repeat."""

    def act(key: str) -> str:
        call.channel.despatch(order, key)
        return ""

    try:
        if not call.deadline.left():
            raise ChannelUnavailable("There was no time left for this order")
        actions.once("despatch", order, act, connection_id=call.connection.id, channel=call.channel, nth=nth)
    except CredentialsRefused:
        raise  # of the whole request: the seller must act, and nothing more of it can be done until then
    except ChannelError as error:
        retry = actions.may_work_later(error)
        return DespatchedOrder(reference_number=order.reference_number, error=str(error), retry=retry)
    return DespatchedOrder(reference_number=order.reference_number)
