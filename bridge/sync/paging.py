"""Paging: one stable run over what the shop has, from page 1 to the last, which misses nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from bridge.channels.base import Channel, Page
from bridge.clock import EPOCH, before
from bridge.errors import ChannelError, RequestRefused
from bridge.protocol.schemas.listings import Category
from bridge.protocol.schemas.orders import Order
from bridge.protocol.schemas.products import Product
from bridge.store.database import writing
from bridge.store.orders import forget_hold, orders_to_offer_again, record_orders, settle_orders, touch_order
from bridge.store.paging import (
    CATEGORIES,
    ORDERS,
    PRODUCTS,
    PageRead,
    begin_run,
    finish_page,
    last_complete_start,
    resume_run,
)
from bridge.sync import order_checks

log = logging.getLogger(__name__)

T = TypeVar("T")

HELD_PER_RUN = 10
"""How many held orders are read at the end of a run, at least; a page with room takes more."""
HELD_SECONDS = 2.0
"""With less time left, no further held order is read."""


def orders(connection_id: int, channel: Channel, since: datetime, number: int, now: datetime) -> Page[Order]:
    """Return a page of the orders that changed since a moment, without those that Linnworks would refuse.

    Each run reaches back to the start of the last complete one, less an overlap, even if Linnworks asks for less: an
    order that changed during that run comes again. The overlap is also how far Linnworks' clock may be ahead of the
    shop's. What Linnworks would refuse is held, and offered again at the end of later runs.
    """
    with writing(connection_id, durable=False):
        complete = last_complete_start(connection_id, ORDERS, since) or since
        reaches_back_to = before(min(since, complete), channel.settings.orders_overlap_seconds)
        if number == 1:
            settle_orders(connection_id, since)
        read = _begin(connection_id, ORDERS, since, reaches_back_to, number, now)
    page = channel.orders(read.since, read.cursor) if read else Page[Order](())
    found = list(page.items)
    if page.next_cursor is None:
        found += _held_before(connection_id, channel, {order.reference_number for order in found}, now)
    normalised = [order_checks.normalise(order) for order in found]
    reasons = {order.reference_number: "; ".join(order_checks.problems(order)) for order in normalised}
    accepted = [order for order in normalised if not reasons[order.reference_number]]
    with writing(connection_id):
        if read:
            finish_page(read, page.next_cursor, page.as_of or now, now)
        record_orders(
            connection_id,
            [order.reference_number for order in accepted],
            {reference: reason for reference, reason in reasons.items() if reason},
            since,
            now,
        )
    return Page(accepted, page.next_cursor)


def _held_before(connection_id: int, channel: Channel, shown: set[str], now: datetime) -> list[Order]:
    """Return orders that were held, as the shop has them now; those that cannot be read stay for the next run."""
    found = []
    limit = max(HELD_PER_RUN, channel.orders_page_size - len(shown))
    for reference in orders_to_offer_again(connection_id, limit):
        if reference not in shown and channel.deadline.left() > HELD_SECONDS:
            touch_order(connection_id, reference, now)  # so that one that cannot be read does not block the others
            try:
                order = channel.order(reference)
            except ChannelError as error:
                log.warning("Held order %s of connection %s cannot be read: %s", reference, connection_id, error)
                continue
            if order is None:
                forget_hold(connection_id, reference)
            else:
                found.append(order)
    return found


def products(connection_id: int, channel: Channel, number: int, now: datetime) -> Page[Product]:
    """Return a page of the catalogue."""
    return _page(connection_id, PRODUCTS, number, now, channel.products)


def categories(connection_id: int, channel: Channel, number: int, now: datetime) -> Page[Category]:
    """Return a page of the shop's categories."""
    return _page(connection_id, CATEGORIES, number, now, channel.categories)


def _page(
    connection_id: int, kind: str, number: int, now: datetime, read_page: Callable[[str | None], Page[T]]
) -> Page[T]:
    """Return a page of a list that is always read as a whole, not since a moment."""
    read = _begin(connection_id, kind, EPOCH, EPOCH, number, now)
    if read is None:
        return Page(())
    page = read_page(read.cursor)
    with writing(connection_id, durable=False):
        finish_page(read, page.next_cursor, page.as_of or now, now)
    return page


def _begin(
    connection_id: int, kind: str, asked_since: datetime, since: datetime, number: int, now: datetime
) -> PageRead | None:
    """Start a run with page 1, or continue one with a later page; None for a page behind the last one.

    Raises RequestRefused for a page below 1, and for a page whose cursor is not known.
    """
    if number < 1:
        raise RequestRefused("Invalid page number")
    if number == 1:
        return begin_run(connection_id, kind, asked_since, since, now)
    return resume_run(connection_id, kind, asked_since, number)
