"""Orders page by page, as many per page as there is time to read completely.

The pages contain the orders of every status that WooCommerce means by "any", sorted by id, then those in the bin and
those of hidden statuses, which "any" leaves out. An order that is moved to one of these during a run may come twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bridge.channels.base import Page
from bridge.channels.helpers.lists import merge_lists
from bridge.channels.helpers.offsets import ListPage, Position
from bridge.channels.helpers.pace import read_paced
from bridge.channels.helpers.rows import map_orders
from bridge.channels.woocommerce import lookups, orders
from bridge.channels.woocommerce.api import PAGE_SIZE, WooClient, rows_of
from bridge.channels.woocommerce.lookups import MoneySettings
from bridge.channels.woocommerce.order_rows import exact_query, straighten_order, straighten_refund
from bridge.channels.woocommerce.order_statuses import ANY, BINNED, beside_any, note_shown
from bridge.channels.woocommerce.preferences import Preferences
from bridge.channels.woocommerce.product_lookup import chunks
from bridge.channels.woocommerce.values import row_id, utc_time
from bridge.channels.woocommerce.wizard import PAID, UNPAID
from bridge.clock import EPOCH
from bridge.errors import ChannelError, ChannelUnavailable
from bridge.protocol.schemas.orders import Order

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

    def read(name: str, cursor: str | None, size: int) -> Page[Order]:
        position = _parse_cursor(cursor)
        settings = lookups.money_settings(shop)
        status = ANY if name == ANY else beside_any(shop, is_new=cursor is None)
        rows = shop.read_after("orders", {**query, **exact_query(settings), "status": status}, position, size)
        if name == ANY:
            note_shown(shop, rows.rows)
        found, reached = _orders(shop, rows, position, name, preferences, settings)
        return Page(found, f"{reached.id}.{reached.offset}" if reached else None, rows.as_of)

    lists = merge_lists({status: partial(read, status) for status in (ANY, BINNED)})
    return read_paced(lists, cursor, limit=PAGE_SIZE, deadline=shop.deadline, cache=shop.cache, key=SIZE_CACHE)


def _parse_cursor(cursor: str | None) -> Position:
    number, _, offset = (cursor or "0.0").partition(".")
    return Position(int(number), int(offset))


def _orders(
    shop: WooClient,
    page: ListPage[dict[str, Any]],
    before: Position,
    name: str,
    preferences: Preferences,
    settings: MoneySettings,
) -> tuple[list[Order], Position | None]:
    """Return the orders up to the first whose refunds could not be read in time, and the position after them.

    Some versions list orders in the bin among the others; they are skipped there, or they would come twice.
    """
    rows, end = [straighten_order(row, settings) for row in page.rows], page.next_position
    refunds, unread = _refunds(shop, rows, preferences, settings)
    late = [number for number, row in enumerate(rows) if isinstance(unread.get(row_id(row)), ChannelUnavailable)]
    if late:
        if not late[0]:
            raise unread[row_id(rows[0])]
        rows = rows[: late[0]]
        end = Position(max(row_id(row) or before.id for row in rows), page.first_offset + len(rows))
    # any other error of refunds means that the order was deleted in the meantime
    shown = [row for row in rows if row_id(row) not in unread and (name == BINNED or row.get("status") != BINNED)]
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
    if preferences.meaning(row["status"], utc_time(row["date_paid_gmt"]) is not None) not in (PAID, UNPAID):
        return []
    return [int(refund["id"]) for refund in row["refunds"]]


def _refunds(
    shop: WooClient, rows: Sequence[Row], preferences: Preferences, settings: MoneySettings
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
        query = {"per_page": PAGE_SIZE, **exact_query(settings)}
        queries = [{**query, "include": ",".join(map(str, chunk))} for chunk in chunks(wanted)]
        first = shop.get_if_open("refunds", queries[0])
        if first is not None:
            rest = shop.read_parallel([partial(shop.get, "refunds", query) for query in queries[1:]])
            return _by_id(refund for answer in (first, *rest) for refund in rows_of(answer)), {}
        shop.cache[REFUNDS_ROUTE_CACHE] = "no"
    refunded = [order for order, of_order in numbers.items() if of_order]
    exact = exact_query(settings)
    results = shop.run_parallel([partial(shop.read_all, f"orders/{order}/refunds", exact) for order in refunded])
    read: list[Row] = []
    unread: dict[int | None, ChannelError] = {}
    for order, result in zip(refunded, results, strict=True):
        if isinstance(result, ChannelError):
            unread[order] = result
        else:
            read += result
    return _by_id(read), unread


def _by_id(refunds: Iterable[Row]) -> Refunds:
    return {number: straighten_refund(refund) for refund in refunds if (number := row_id(refund))}
