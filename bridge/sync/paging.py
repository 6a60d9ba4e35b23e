"""Paging: one stable run over what the shop has, from page 1 to the last, which misses nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from bridge.channels.base import Channel, Page
from bridge.clock import EPOCH, before
from bridge.errors import RequestRefused
from bridge.protocol.schemas.listings import Category
from bridge.protocol.schemas.orders import Order
from bridge.protocol.schemas.products import Product
from bridge.store.database import writing
from bridge.store.orders import (
    has_releases,
    record_orders,
    settle_orders,
    take_back_releases,
)
from bridge.store.paging import (
    CATEGORIES,
    ORDERS,
    PRODUCTS,
    PageRead,
    PagingRun,
    begin_run,
    beginning_of,
    finish_page,
    last_complete_run,
    resume_run,
    runs_followed,
)
from bridge.sync import held_orders, order_checks
from bridge.sync.pauses import Paused

log = logging.getLogger(__name__)

T = TypeVar("T")


def orders(
    connection_id: int,
    channel: Channel,
    since: datetime,
    number: int,
    now: datetime,
    pause: Paused | None = None,
) -> Page[Order]:
    """Return a page of the orders that changed since a moment, without those that Linnworks would refuse.

    Each run reaches back to the start of the last complete one, less an overlap, even if Linnworks asks for less: an
    order that changed during that run comes again. The overlap is also how far Linnworks' clock may be ahead of the
    shop's. What Linnworks would refuse is held, and offered again at the end of later runs, if need be on
    pages of its own. Raises `pause` where it would ask the shop: Linnworks has polled, as with a shop that is down.
    """
    overlap = channel.settings.orders_overlap_seconds
    if number == 1:
        with writing(connection_id, durable=False):
            if has_releases(connection_id):
                settle_orders(connection_id, *runs_followed(connection_id, ORDERS, since))
            complete = last_complete_run(connection_id, ORDERS, since)
            known = _known_until(complete, since, overlap) if complete else beginning_of(connection_id, ORDERS, since)
            first = begin_run(connection_id, ORDERS, since, before(min(since, known), overlap), now)
        if pause:
            raise pause
        read, page = _first_page(channel, first, complete, now)
    else:
        later = _resume(connection_id, ORDERS, since, number)
        if later is None:
            return Page(())
        if pause:
            raise pause
        if later.read > 1:
            take_back_releases(connection_id, later.run_id)
        own_page = held_orders.is_own_page(later.cursor)
        read, page = later, Page[Order](()) if own_page else channel.orders(later.since, later.cursor)
    found, next_cursor = list(page.items), page.next_cursor
    if next_cursor is None:
        shown = {order.reference_number for order in found}
        again, next_cursor = held_orders.offer_again(connection_id, channel, read.run_id, read.cursor, shown, now)
        found += again
    checked = [order_checks.check(order) for order in found]
    accepted = [order for order, reason in checked if not reason]
    held = {order.reference_number: (customer_number(order), reason) for order, reason in checked if reason}
    channel.deadline.trace.held = held
    with writing(connection_id):
        finish_page(read, next_cursor, page.as_of or now, now)
        record_orders(
            connection_id,
            {order.reference_number: customer_number(order) for order in accepted},
            held,
            run=read.run_id,
            now=now,
        )
    return Page(accepted, next_cursor)


def customer_number(order: Order) -> str:
    """Return the number of an order that its customer sees."""
    return "".join((order.secondary_reference_number or "").replace("#", "").split())


def _known_until(complete: PagingRun, since: datetime, overlap: int) -> datetime:
    """Return the moment by the shop's clock up to which Linnworks has everything, given its last complete run.

    That is when the run started; but if the shop's clock was set back between the run before and that one, by the clock
    of Linnworks, what changed in between has times from before the run before. Our own clock may have been set with the
    shop's, because both run on one machine.
    """
    earlier = last_complete_run(complete.connection_id, ORDERS, complete.asked_since)
    known: datetime = complete.started_at
    if earlier is None or earlier.id > complete.id:  # one by hand
        return known
    set_back = (earlier.started_at - complete.asked_since) - (known - since)
    if set_back.total_seconds() <= overlap / 2:
        return known
    log.info("The shop of connection %s seems to have set its clock back by %s", complete.connection_id, set_back)
    return min(known, before(earlier.started_at, set_back.total_seconds()))


def _first_page(
    channel: Channel, read: PageRead, complete: PagingRun | None, now: datetime
) -> tuple[PageRead, Page[Order]]:
    """Read a run's first page; once more and from earlier on if the shop's clock was set back since the last run.

    What changed after it was set back has times from before that run. A small step is within the overlap.
    """
    page = channel.orders(read.since, None)
    if complete is None or page.as_of is None:
        return read, page
    set_back = complete.shop_clock_ahead - (page.as_of - now)
    if set_back.total_seconds() <= channel.settings.orders_overlap_seconds / 2:
        return read, page
    log.warning("The shop of connection %s has set its clock back by %s", read.connection_id, set_back)
    read = replace(read, since=before(read.since, set_back.total_seconds()))
    return read, channel.orders(read.since, None)


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
    if number == 1:
        read = begin_run(connection_id, kind, EPOCH, EPOCH, now)
    else:
        later = _resume(connection_id, kind, EPOCH, number)
        if later is None:
            return Page(())
        read = later
    page = read_page(read.cursor)
    with writing(connection_id, durable=False):
        finish_page(read, page.next_cursor, page.as_of or now, now)
    return page


def _resume(connection_id: int, kind: str, asked_since: datetime, number: int) -> PageRead | None:
    """Continue a run with a later page; None for a page behind the last one.

    Raises RequestRefused for a page below 1, and for a page that does not follow surely from one before.
    """
    if number < 1:
        raise RequestRefused("Invalid page number")
    return resume_run(connection_id, kind, asked_since, number)
