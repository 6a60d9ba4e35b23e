"""Pages: one stable run over what the shop has, from page 1 to the last, in which nothing is missed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from bridge.channels.base import Channel, Page
from bridge.clock import EPOCH, before
from bridge.errors import ChannelUnavailable, RequestRefused
from bridge.messages.listings import Category
from bridge.messages.orders import Order
from bridge.messages.products import Product
from bridge.store.pages import begin_run, end_turn, last_complete_start, resume_run

T = TypeVar("T")


def orders(connection_id: int, channel: Channel, since: datetime, number: int, now: datetime) -> Page[Order]:
    """A page of the orders that changed since a moment.

    Each run reaches back to the start of the last complete one, less an overlap, even where Linnworks asks
    for less: an order that changed while that run was under way comes again.
    """
    known = last_complete_start(connection_id, "orders") or since
    reach = before(min(since, known), channel.settings.orders_overlap_seconds)
    return _page(connection_id, "orders", since, reach, number, now, channel.orders)


def products(connection_id: int, channel: Channel, number: int, now: datetime) -> Page[Product]:
    """A page of the catalogue."""
    return _page(connection_id, "products", EPOCH, EPOCH, number, now, lambda _, cursor: channel.products(cursor))


def categories(connection_id: int, channel: Channel, number: int, now: datetime) -> Page[Category]:
    """A page of the shop's categories."""
    return _page(connection_id, "categories", EPOCH, EPOCH, number, now, lambda _, cursor: channel.categories(cursor))


def _page(
    connection_id: int,
    kind: str,
    asked_since: datetime,
    since: datetime,
    number: int,
    now: datetime,
    read: Callable[[datetime, str | None], Page[T]],
) -> Page[T]:
    """Page 1 begins a run; a later page goes on where the one before it ended, however the shop changed meanwhile.

    A page past the last is empty. A page that cannot be placed is an error, as is a shop that serves a page
    again, and an answer that was overtaken by a newer request for the same page.
    """
    if number < 1:
        raise RequestRefused("Invalid page number")
    if number == 1:
        turn = begin_run(connection_id, kind, asked_since, since, now)
    else:
        found = resume_run(connection_id, kind, asked_since, number)
        if found is True:
            return Page(())
        if found is False:
            raise RequestRefused(f"Page {number} was asked for before page {number - 1}: please start at page 1")
        turn = found
    page = read(turn.since, turn.cursor)
    fault = end_turn(turn, page.next_cursor, now)
    if fault:
        raise ChannelUnavailable(f"{fault}: please start at page 1")
    return page
