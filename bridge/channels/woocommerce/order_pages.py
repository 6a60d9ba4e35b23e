"""Orders page by page, as many per page as there is time to read completely.

The pages contain the orders of every status, sorted by id, and then the orders in the bin. An order that is moved to
the bin during a run may come twice in it, the second time as cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from bridge.channels.base import Page
from bridge.channels.helpers.lists import merge_lists
from bridge.channels.helpers.offsets import ListPage, Position
from bridge.channels.helpers.pace import read_paced
from bridge.channels.helpers.rows import map_orders
from bridge.channels.woocommerce import lookups, orders
from bridge.channels.woocommerce.api import PAGE_SIZE, WooClient
from bridge.channels.woocommerce.preferences import Preferences
from bridge.channels.woocommerce.product_lookup import chunks
from bridge.channels.woocommerce.values import row_id
from bridge.channels.woocommerce.wizard import PAID, UNPAID
from bridge.clock import EPOCH
from bridge.errors import ChannelError, ChannelUnavailable
from bridge.protocol.schemas.orders import Order

ANY, BINNED = "any", "trash"
REFUNDS_ROUTE_CACHE = "woocommerce refunds"
SIZE_CACHE = "woocommerce orders at once"

Row = Mapping[str, Any]
Refunds = Mapping[int, Row]
"""The refunds of a page, by id."""


def page(shop: WooClient, since: datetime, cursor: str | None, preferences: Preferences) -> Page[Order]:
    """Return orders last changed at or after `since`, after the cursor."""
    # one second earlier, because WooCommerce's filter excludes the second it is given
    after = max(since, EPOCH + timedelta(days=1)) - timedelta(seconds=1)
    query = {"modified_after": f"{after:%Y-%m-%dT%H:%M:%S}", "dates_are_gmt": "true"}

    def read(status: str, cursor: str | None, size: int) -> Page[Order]:
        position = _parse_cursor(cursor)
        rows = shop.read_after("orders", {**query, "status": status}, position, size)
        found, reached = _orders(shop, rows, position, status, preferences)
        return Page(found, f"{reached.id}.{reached.offset}" if reached else None, rows.as_of)

    lists = merge_lists({status: partial(read, status) for status in (ANY, BINNED)})
    return read_paced(lists, cursor, limit=PAGE_SIZE, deadline=shop.deadline, cache=shop.cache, key=SIZE_CACHE)


def _parse_cursor(cursor: str | None) -> Position:
    number, _, offset = (cursor or "0.0").partition(".")
    return Position(int(number), int(offset))


def _orders(
    shop: WooClient, page: ListPage[dict[str, Any]], before: Position, status: str, preferences: Preferences
) -> tuple[list[Order], Position | None]:
    """Return the orders up to the first whose refunds could not be read in time, and the position after them.

    Some versions list orders in the bin among the others; they are skipped there, or they would come twice.
    """
    rows, end = list(page.rows), page.next_position
    refunds, unread = _refunds(shop, rows, preferences)
    late = [number for number, row in enumerate(rows) if isinstance(unread.get(row_id(row)), ChannelUnavailable)]
    if late:
        if not late[0]:
            raise unread[row_id(rows[0])]
        rows = rows[: late[0]]
        end = Position(max(row_id(row) or before.id for row in rows), page.first_offset + len(rows))
    # any other error of refunds means that the order was deleted in the meantime
    shown = [row for row in rows if row_id(row) not in unread and (status == BINNED or row.get("status") != BINNED)]
    countries = lookups.countries(shop) if shown else {}

    def mapped(row: Row) -> Order | None:
        own = [refunds[number] for number in _refund_numbers(row, preferences)]
        return orders.order(row, own, preferences, countries)

    return map_orders(shown, mapped, reference), end


def reference(row: Row) -> str:
    """Return what Linnworks calls an order."""
    return str(row_id(row) or row_id({"id": row["number"]}) or "")


def _refund_numbers(row: Row, preferences: Preferences) -> list[int]:
    """Return the ids of the refunds that change what Linnworks gets of an order; raises where they cannot be read."""
    if preferences.meaning(row["status"], bool(row["date_paid_gmt"])) not in (PAID, UNPAID):
        return []
    return [int(refund["id"]) for refund in row["refunds"]]


def _refunds(
    shop: WooClient, rows: Sequence[Row], preferences: Preferences
) -> tuple[Refunds, dict[int | None, ChannelError]]:
    """Return the refunds of orders, and why those of some orders could not be read, by order id.

    Older versions of WooCommerce must be asked order by order.
    """
    numbers: dict[int, list[int]] = {}
    for row in rows:
        with suppress(Exception):  # its mapping fails too, and tells why
            numbers[int(row["id"])] = _refund_numbers(row, preferences)
    wanted = [number for of_order in numbers.values() for number in of_order]
    if wanted and shop.cache.get(REFUNDS_ROUTE_CACHE) != "no":
        queries = [{"include": ",".join(map(str, chunk)), "per_page": PAGE_SIZE} for chunk in chunks(wanted)]
        first = shop.get("refunds", queries[0], accept=(HTTPStatus.NOT_FOUND,))
        if first.status != HTTPStatus.NOT_FOUND:
            rest = shop.read_parallel([partial(shop.get, "refunds", query) for query in queries[1:]])
            return _by_id(refund for answer in (first, *rest) for refund in answer.rows()), {}
        shop.cache[REFUNDS_ROUTE_CACHE] = "no"
    refunded = [order for order, of_order in numbers.items() if of_order]
    results = shop.run_parallel([partial(shop.read_all, f"orders/{order}/refunds") for order in refunded])
    read: list[Row] = []
    unread: dict[int | None, ChannelError] = {}
    for order, result in zip(refunded, results, strict=True):
        if isinstance(result, ChannelError):
            unread[order] = result
        else:
            read += result
    return _by_id(read), unread


def _by_id(refunds: Iterable[Row]) -> Refunds:
    return {number: refund for refund in refunds if (number := row_id(refund))}
