"""What is recorded of a call: its orders and SKUs, and what was answered for each; no personal data."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

from bridge.protocol.call import Call
from bridge.protocol.schemas.after_sale import CancelRequest, RefundRequest
from bridge.protocol.schemas.base import Answer, InvalidRow, Message
from bridge.protocol.schemas.listings import CheckFeedRequest, FeedResponse, ListingDeleteRequest, ListingUpdateRequest
from bridge.protocol.schemas.orders import DespatchRequest, DespatchResponse, OrdersRequest, OrdersResponse
from bridge.protocol.schemas.products import (
    InventoryUpdateRequest,
    PriceUpdateRequest,
    ProductsResponse,
)
from bridge.sync.call_journal import CallFacts, push_facts

DELETED = "ConfigDeletedEndpoint"
OTHER = "unknown address"
LONGEST_FEED_ID = 64
MOST_RECORDED = 10**15
"""Below this a number that was asked in vain is recorded; JSON's encoder takes no whole number of any length."""


def facts_of(call: Call) -> list[CallFacts]:
    """Return what is recorded of an answered call, and of values that were pushed along with it."""
    endpoint, answer = call.endpoint, call.answered
    caller = call.caller
    if endpoint and endpoint.manifest == DELETED and caller and not (answer and answer.error):
        caller = None  # everything about the connection is deleted, and nothing is recorded under it any more
    trace = call.deadline.trace
    facts = CallFacts(
        at=call.now,
        request=call.id,
        endpoint=endpoint.manifest.removesuffix("Endpoint") if endpoint else OTHER,
        outcome=call.outcome,
        ms=round(1000 * call.deadline.spent()),
        connection=caller.id if caller else None,
        generation=caller.generation if caller else 0,
        error=(answer and answer.error) or "",
        trace=trace,
    )
    if call.message is not None and answer is not None and (call.caller is None or call.caller.complete):
        facts.errors = call.row_errors if call.outcome != "ok" else ()
        _add_rows(facts, call.message, answer)
    if caller is None:
        return [facts]
    pushes = (
        push_facts(push, trace, connection=caller.id, generation=caller.generation, seconds=0, own=False)
        for push in trace.pushes
    )
    return [facts, *pushes]


def _add_rows(facts: CallFacts, message: Message, answer: Answer) -> None:
    if isinstance(message, OrdersRequest):
        facts.about = "orders"
        facts.asked = {"page": message.page_number, "since": message.utc_time_from}
    elif hasattr(message, "page_number"):
        facts.asked = {"page": message.page_number}
    if isinstance(answer, (OrdersResponse, ProductsResponse)) and answer.has_more_pages:
        facts.asked["more_pages"] = True
    match message, answer:
        case OrdersRequest(), OrdersResponse(orders=orders):
            facts.numbers = _texts(orders, "reference_number")
            facts.values = [order.secondary_reference_number or "" for order in orders]
            if held := facts.trace.held if facts.trace else None:
                facts.errors = [*([None] * len(orders)), *(f"held: {reason}" for _, reason in held.values())]
                facts.numbers, facts.held = [*facts.numbers, *held], True
                facts.values = [*facts.values, *(number for number, _ in held.values())]
        case _, ProductsResponse(products=products):
            facts.numbers = _texts(products, "sku")
            facts.values = _values(products, "quantity")
        case InventoryUpdateRequest(products=rows), _:
            facts.numbers, facts.values = _skus(rows, answer), _values(rows, "quantity")
        case PriceUpdateRequest(products=rows), _:
            facts.numbers, facts.values = _skus(rows, answer), _values(rows, "price")
        case DespatchRequest(orders=despatched), _:
            facts.about, facts.numbers = "orders", _texts(despatched, "reference_number")
            if isinstance(answer, DespatchResponse):
                facts.values = ["Retry" if one.retry else "" for one in answer.orders]
            valid = [one for one in despatched if not isinstance(one, InvalidRow)]
            items = [item for one in valid for item in (*one.items, *(i for p in one.packages for i in p.items))]
            facts.more_skus = _unique(item.sku for item in items)
        case CancelRequest(cancellation=asked), _:
            facts.about, facts.numbers = "orders", [asked.reference_number]
            facts.more_skus = _unique(item.sku for item in asked.items)
        case RefundRequest(refund=wanted), _:
            facts.about, facts.numbers = "orders", [wanted.reference_number]
            facts.more_skus = _unique(item.sku for item in wanted.items)
        case ListingUpdateRequest(listings=listings), _:
            facts.numbers = _texts(listings, "sku")
            facts.asked = {"action": message.type.name}
        case ListingDeleteRequest(external_listing_ids=removals), _:
            facts.numbers = _texts(removals, "channel_sku")
        case CheckFeedRequest(), _:
            facts.asked = {"feed": message.channel_feed_id[:LONGEST_FEED_ID]}
            facts.numbers = [feed.sku for feed in getattr(answer, "product_feeds", ())]
    if isinstance(answer, FeedResponse) and answer.channel_feed_id:
        facts.asked["feed"] = answer.channel_feed_id


def _skus(rows: Sequence[Any], answer: Answer) -> list[str]:
    """Return the SKUs of an update, from its answer if there is one for each row: that has them as text already."""
    return _texts(getattr(answer, "products", ()) or rows, "sku")


def _texts(rows: Sequence[Any], field: str) -> list[str]:
    try:
        return list(map(attrgetter(field), rows))
    except AttributeError:
        return [row.text(field) if isinstance(row, InvalidRow) else getattr(row, field) for row in rows]


def _values(rows: Sequence[Any], field: str) -> list[Any]:
    try:
        return list(map(attrgetter(field), rows))
    except AttributeError:
        return [_number(row.row, field) if isinstance(row, InvalidRow) else getattr(row, field) for row in rows]


def _number(row: Any, field: str) -> int | Decimal | None:
    """Return what was asked in vain, where it is a number that the record can hold."""
    value = getattr(row, field, None)
    return value if value is not None and type(value) in (int, Decimal) and abs(value) < MOST_RECORDED else None


def _unique(texts: Any) -> list[str]:
    return list(dict.fromkeys(filter(None, texts)))
