"""Orders page by page, as many per page as there is time to read completely.

The pages contain the orders of every status, sorted by id, and then the orders in the bin. An order that is moved to
the bin during a run may come twice in it, the second time as cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from bridge.channels.base import Page
from bridge.channels.helpers.offsets import ListPage, Position
from bridge.channels.woocommerce import lookups, orders
from bridge.channels.woocommerce.api import PAGE_SIZE, WooClient
from bridge.channels.woocommerce.preferences import Preferences
from bridge.channels.woocommerce.product_lookup import chunks
from bridge.channels.woocommerce.wizard import PAID, UNPAID
from bridge.clock import EPOCH
from bridge.errors import ChannelError, ChannelUnavailable
from bridge.protocol.schemas.orders import Order

ANY, BINNED = "any", "trash"
REFUNDS_ROUTE_CACHE = "woocommerce refunds"

Refunds = Sequence[Mapping[str, Any]] | ChannelError
"""The refunds of an order, or why they could not be read."""


def page(shop: WooClient, since: datetime, cursor: str | None, preferences: Preferences) -> Page[Order]:
    """Return orders last changed at or after `since`, after the cursor."""
    status, position = _parse_cursor(cursor)
    # one second earlier, because WooCommerce's filter excludes the second it is given
    after = max(since, EPOCH + timedelta(days=1)) - timedelta(seconds=1)
    query = {"modified_after": f"{after:%Y-%m-%dT%H:%M:%S}", "dates_are_gmt": "true"}
    rows = shop.read_after("orders", {**query, "status": status}, position)
    found, next_position = _mapped(shop, rows, status, preferences)
    if next_position is None and status == ANY:
        status = BINNED
        binned = shop.read_after("orders", {**query, "status": BINNED}, Position())
        if len(found) + len(binned.rows) > PAGE_SIZE:
            next_position = Position()  # they get a page of their own
        else:
            more, next_position = _mapped(shop, binned, BINNED, preferences)
            found += more
    next_cursor = f"{status}:{next_position.id}.{next_position.offset}" if next_position else None
    return Page(found, next_cursor, rows.as_of)


def _parse_cursor(cursor: str | None) -> tuple[str, Position]:
    status, _, position = (cursor or f"{ANY}:0.0").partition(":")
    number, _, offset = position.partition(".")
    return status, Position(int(number), int(offset))


def _mapped(
    shop: WooClient, page: ListPage[dict[str, Any]], status: str, preferences: Preferences
) -> tuple[list[Order], Position | None]:
    """Return the orders up to the first whose refunds could not be read in time, and the position after them.

    Some versions list orders in the bin among the others; they are skipped there, or they would come twice.
    """
    rows = {row["id"]: row for row in page.rows if status == BINNED or row["status"] != BINNED}
    refunds = _refunds(shop, [row for row in rows.values() if _needs_refunds(row, preferences)])
    countries = lookups.countries(shop) if rows else {}
    found: list[Order] = []
    position = None
    for offset, row in enumerate(page.rows, page.first_offset + 1):
        of_order = refunds.get(row["id"], ())
        if isinstance(of_order, ChannelUnavailable):
            if position is None:
                raise of_order
            return found, position
        # any other error means that the order was deleted in the meantime
        if row["id"] in rows and not isinstance(of_order, ChannelError):
            order = orders.order(row, of_order, preferences, countries)
            found += [order] if order else []
        position = Position(row["id"], offset)
    return found, page.next_position


def _needs_refunds(row: Mapping[str, Any], preferences: Preferences) -> bool:
    """Return whether an order's refunds change what Linnworks gets."""
    return bool(row["refunds"]) and preferences.meaning(row["status"], bool(row["date_paid_gmt"])) in (PAID, UNPAID)


def _refunds(shop: WooClient, rows: Sequence[Mapping[str, Any]]) -> dict[int, Refunds]:
    """Return the refunds of orders by order id; older versions of WooCommerce must be asked order by order."""
    if rows and shop.cache.get(REFUNDS_ROUTE_CACHE) != "no":
        numbers = [refund["id"] for row in rows for refund in row["refunds"]]
        queries = [{"include": ",".join(map(str, chunk)), "per_page": PAGE_SIZE} for chunk in chunks(numbers)]
        first = shop.get("refunds", queries[0], accept=(HTTPStatus.NOT_FOUND,))
        if first.status != HTTPStatus.NOT_FOUND:
            rest = shop.read_parallel([partial(shop.get, "refunds", query) for query in queries[1:]])
            found: dict[int, list[Mapping[str, Any]]] = {}
            for answer in (first, *rest):
                for refund in answer.rows():
                    found.setdefault(refund["parent_id"], []).append(refund)
            return dict(found)
        shop.cache[REFUNDS_ROUTE_CACHE] = "no"
    calls = [partial(shop.read_all, f"orders/{row['id']}/refunds") for row in rows]
    return dict(zip((row["id"] for row in rows), shop.run_parallel(calls), strict=True))
