"""Pages: one stable run over what the shop has, from page 1 to the last, in which nothing is missed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from bridge.channels.base import Channel, Page
from bridge.clock import EPOCH, before
from bridge.errors import ChannelError, ChannelUnavailable, RequestRefused
from bridge.protocol.schemas.listings import Category
from bridge.protocol.schemas.orders import Order
from bridge.protocol.schemas.products import Product
from bridge.store.database import writing
from bridge.store.orders import due_orders, forget_hold, record_orders, settle_orders, touch_order
from bridge.store.paging import ORDERS, PageRead, begin_run, finish_page, last_complete_start, resume_run
from bridge.sync import order_checks

log = logging.getLogger(__name__)

T = TypeVar("T")

LEAST_DUE = 10
DUE_SECONDS = 2.0


def orders(connection_id: int, channel: Channel, since: datetime, number: int, now: datetime) -> Page[Order]:
    """A page of the orders that changed since a moment, and that Linnworks can take in.

    Each run reaches back to the start of the last complete one, less an overlap, even where Linnworks asks
    for less: an order that changed while that run was under way comes again. The overlap is also how far
    Linnworks' clock may be ahead of the shop's. What Linnworks would refuse is held, and offered again at the
    end of later runs.
    """
    with writing(connection_id, lasting=False):
        complete = last_complete_start(connection_id, ORDERS, since) or since
        reach = before(min(since, complete), channel.settings.orders_overlap_seconds)
        if number == 1:
            settle_orders(connection_id, since)
        turn = _begin(connection_id, ORDERS, since, reach, number, now)
    page = channel.orders(turn.since, turn.cursor) if turn else Page[Order](())
    found = list(page.items)
    if page.next_cursor is None:
        found += _due_again(connection_id, channel, {order.reference_number for order in found}, now)
    mended = [order_checks.normalise(order) for order in found]
    held = {order.reference_number: "; ".join(order_checks.problems(order)) for order in mended}
    fit = [order for order in mended if not held[order.reference_number]]
    with writing(connection_id):
        if turn:
            _end(turn, page, now)
        record_orders(
            connection_id,
            [order.reference_number for order in fit],
            {reference: reason for reference, reason in held.items() if reason},
            since,
            now,
        )
    return Page(fit, page.next_cursor)


def _due_again(connection_id: int, channel: Channel, shown: set[str], now: datetime) -> list[Order]:
    """Orders that were held, as the shop has them now; those that cannot be read now stay for the next run."""
    found = []
    most = max(LEAST_DUE, channel.orders_page_size - len(shown))
    for reference in due_orders(connection_id, most):
        if reference not in shown and channel.deadline.left() > DUE_SECONDS:
            touch_order(connection_id, reference, now)  # one that cannot be read makes room for the others
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
    """A page of the catalogue."""
    return _page(connection_id, "products", number, now, channel.products)


def categories(connection_id: int, channel: Channel, number: int, now: datetime) -> Page[Category]:
    """A page of the shop's categories."""
    return _page(connection_id, "categories", number, now, channel.categories)


def _page(connection_id: int, kind: str, number: int, now: datetime, read: Callable[[str | None], Page[T]]) -> Page[T]:
    """A page of what is listed whole, without a moment to begin at."""
    turn = _begin(connection_id, kind, EPOCH, EPOCH, number, now)
    if turn is None:
        return Page(())
    page = read(turn.cursor)
    with writing(connection_id, lasting=False):
        _end(turn, page, now)
    return page


def _begin(
    connection_id: int, kind: str, asked_since: datetime, since: datetime, number: int, now: datetime
) -> PageRead | None:
    """Page 1 begins a run; a later page goes on where the one before it ended, however the shop changed meanwhile.

    A page past the last is None, and empty. A page that cannot be placed is an error.
    """
    if number < 1:
        raise RequestRefused("Invalid page number")
    if number == 1:
        return begin_run(connection_id, kind, asked_since, since, now)
    found = resume_run(connection_id, kind, asked_since, number)
    if found is False:
        raise RequestRefused(f"Page {number} was asked for before page {number - 1}: please start at page 1")
    return None if found is True else found


def _end(turn: PageRead, page: Page[Any], now: datetime) -> None:
    """Keep where the next page begins; raises ChannelUnavailable where the shop served a page again, and where a
    newer request for the same page has overtaken this one."""
    fault = finish_page(turn, page.next_cursor, page.as_of or now, now)
    if fault:
        raise ChannelUnavailable(f"{fault}: please start at page 1")
