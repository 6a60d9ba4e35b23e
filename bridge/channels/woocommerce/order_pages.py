"""Orders page by page, as many of a page as there is time to read whole.

A page is of the orders in any status, in the order of their ids; after the last come those in the bin. One that is
binned while a run is under way may come twice in it, the second time as cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from bridge.channels.base import Page
from bridge.channels.woocommerce import connecting, orders
from bridge.channels.woocommerce.api import AT_A_TIME, Mark, Stretch, WooClient
from bridge.channels.woocommerce.catalogue import chunks
from bridge.channels.woocommerce.wizard import PAID, UNPAID, Preferences
from bridge.clock import EPOCH
from bridge.errors import ChannelError, ChannelUnavailable
from bridge.protocol.schemas.orders import Order

ANY, BINNED = "any", "trash"
ONE_ROUTE = "woocommerce refunds"

Refunds = Sequence[Mapping[str, Any]] | ChannelError


def page(shop: WooClient, since: datetime, cursor: str | None, preferences: Preferences) -> Page[Order]:
    """Orders last changed at or after `since` and after the cursor."""
    status, mark = _place(cursor)
    # what changed in the second of `since` counts, and WooCommerce looks for what is strictly later
    after = max(since, EPOCH + timedelta(days=1)) - timedelta(seconds=1)
    wanted = {"modified_after": f"{after:%Y-%m-%dT%H:%M:%S}", "dates_are_gmt": "true"}
    stretch = shop.after("orders", {**wanted, "status": status}, mark)
    found, following = _mapped(shop, stretch, status, preferences)
    if following is None and status == ANY:
        status = BINNED
        binned = shop.after("orders", {**wanted, "status": BINNED}, Mark())
        if len(found) + len(binned.rows) > AT_A_TIME:
            following = Mark()  # for a page of its own
        else:
            more, following = _mapped(shop, binned, BINNED, preferences)
            found += more
    return Page(found, f"{status}:{following.id}.{following.offset}" if following else None, stretch.as_of)


def _place(cursor: str | None) -> tuple[str, Mark]:
    status, _, place = (cursor or f"{ANY}:0.0").partition(":")
    number, _, offset = place.partition(".")
    return status, Mark(int(number), int(offset))


def _mapped(
    shop: WooClient, stretch: Stretch, status: str, preferences: Preferences
) -> tuple[list[Order], Mark | None]:
    """The orders of a stretch, up to the first whose refunds there was no time for, and the mark after them.

    Some versions count what is in the bin among the rest, where it would come twice.
    """
    rows = {row["id"]: row for row in stretch.rows if status == BINNED or row["status"] != BINNED}
    refunds = _refunds(shop, [row for row in rows.values() if _matter(row, preferences)])
    countries = connecting.countries(shop) if rows else {}
    found: list[Order] = []
    mark = None
    for position, row in enumerate(stretch.rows, stretch.first + 1):
        known = refunds.get(row["id"], ())
        if isinstance(known, ChannelUnavailable):
            if mark is None:
                raise known
            return found, mark
        # refused are the refunds of an order that has been deleted meanwhile
        if row["id"] in rows and not isinstance(known, ChannelError):
            order = orders.order(row, known, preferences, countries)
            found += [order] if order else []
        mark = Mark(row["id"], position)
    return found, stretch.mark


def _matter(row: Mapping[str, Any], preferences: Preferences) -> bool:
    """Whether the refunds of an order change what is told of it."""
    return bool(row["refunds"]) and preferences.meaning(row["status"], bool(row["date_paid_gmt"])) in (PAID, UNPAID)


def _refunds(shop: WooClient, rows: Sequence[Mapping[str, Any]]) -> dict[int, Refunds]:
    """The refunds of these orders, or why there are none; WooCommerce before 9 must be asked order by order."""
    if rows and shop.cache.get(ONE_ROUTE) != "no":
        numbers = [refund["id"] for row in rows for refund in row["refunds"]]
        asked = [{"include": ",".join(map(str, chunk)), "per_page": AT_A_TIME} for chunk in chunks(numbers)]
        first = shop.get("refunds", asked[0], accept=(HTTPStatus.NOT_FOUND,))
        if first.status != HTTPStatus.NOT_FOUND:
            rest = shop.together([partial(shop.get, "refunds", params) for params in asked[1:]])
            found: dict[int, list[Mapping[str, Any]]] = {}
            for answer in (first, *rest):
                for refund in answer.rows():
                    found.setdefault(refund["parent_id"], []).append(refund)
            return dict(found)
        shop.cache[ONE_ROUTE] = "no"
    calls = [partial(shop.all, f"orders/{row['id']}/refunds") for row in rows]
    return dict(zip((row["id"] for row in rows), shop.attempts(calls), strict=True))
