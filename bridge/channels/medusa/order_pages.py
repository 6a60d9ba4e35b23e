"""Orders page by page, as many per page as there is time to read completely.

Two lists tell what changed. The orders themselves, sorted by id, after the last one that was read: an edit moves none.
And the payments, because Medusa moves no time of an order when its payment is captured or marked as paid: what was
paid comes from that list, without the orders that the first one has. Both are asked once in an empty poll.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bridge.channels.base import Page
from bridge.channels.helpers.lists import ReadPage, merge_lists
from bridge.channels.helpers.offsets import Position, read_after
from bridge.channels.helpers.pace import read_paced
from bridge.channels.helpers.rows import map_orders
from bridge.channels.medusa import lookups, orders
from bridge.channels.medusa.api import MedusaClient, Row, rows_of
from bridge.channels.medusa.order_header import outward, payments, shipping_option
from bridge.channels.medusa.preferences import Preferences
from bridge.channels.medusa.values import key_text, mapping, read_time, text, write_time
from bridge.errors import ChannelUnavailable
from bridge.protocol.schemas.orders import Order

PAGE_SIZE = 100
SIZE_CACHE = "medusa orders at once"
PAYMENTS_AT_ONCE = 10  # payments read for each order that is asked for: most are of orders that changed themselves
CAPTURE_DAYS = 35  # how long after it was made a payment is captured at the latest
NUMBERS_AT_ONCE, MOST_STEPS = 20, 25  # orders in one step of the search for a number

FIELDS = ",".join(
    (
        "id,display_id,custom_display_id,status,email,currency_code,created_at,updated_at,metadata,total,shipping_total",
        "sales_channel.name,*items,*items.tax_lines,*items.adjustments,*items.detail",
        "*shipping_methods,*shipping_methods.tax_lines,*shipping_methods.adjustments,*shipping_methods.detail",
        "*shipping_address,*billing_address,*credit_lines",
        "*payment_collections.payments,*payment_collections.payments.captures,*payment_collections.payments.refunds",
        "returns.display_id,returns.requested_at,returns.canceled_at,returns.exchange_id,returns.claim_id",
    )
)
PAYMENT_FIELDS = (
    "id,updated_at,payment_collection.updated_at,payment_collection.order.id,payment_collection.order.updated_at"
)


def page(shop: MedusaClient, since: datetime, cursor: str | None, preferences: Preferences) -> Page[Order]:
    """Return orders that changed at or after `since`, after the cursor."""
    lists: dict[str, ReadPage[Order]] = {
        "orders": partial(_changed, shop, since, preferences),
        "payments": partial(_paid, shop, since, preferences, {"updated_at[$gte]": write_time(since)}, _moved_at),
    }
    if ("partially_captured" in preferences.paid_statuses) != ("authorized" in preferences.paid_statuses):
        # the capture of a part moves neither order nor payment, only the payment collection, which has no list
        made = {
            "created_at[$gte]": write_time(since - timedelta(days=CAPTURE_DAYS)),
            "updated_at[$lt]": write_time(since),
        }
        lists["captures"] = partial(_paid, shop, since, preferences, made, _collection_moved_at)
    return read_paced(
        merge_lists(lists), cursor, limit=PAGE_SIZE, deadline=shop.deadline, cache=shop.cache, key=SIZE_CACHE
    )


def one(shop: MedusaClient, reference: str, preferences: Preferences) -> Order | None:
    """Return the order with this id as it is now, None if there is none or it is a draft."""
    if not reference:
        return None
    rows = shop.read_list("orders", "orders", {"id[]": reference, "fields": FIELDS, "limit": 1})
    return next(iter(_mapped(shop, rows, preferences)), None)


def _channels(preferences: Preferences) -> dict[str, Any]:
    chosen = sorted(preferences.sales_channels)
    return {"sales_channel_id[]": chosen} if chosen else {}


def _changed(
    shop: MedusaClient, since: datetime, preferences: Preferences, cursor: str | None, size: int
) -> Page[Order]:
    """Return orders whose own time moved, sorted by id."""
    after = {"id[$gt]": cursor} if cursor else {}
    query = {"updated_at[$gte]": write_time(since), **after, **_channels(preferences), "order": "id"}
    answer = shop.get("orders", {**query, "limit": size, "fields": FIELDS})
    rows = rows_of(answer, "orders")
    ids = [number for row in rows if (number := text(row.get("id")))]
    is_last = len(rows) < size
    if sorted(set(ids)) != ids or (cursor and ids and ids[0] <= cursor) or not (is_last or ids):
        raise answer.unusable("The shop's list was not in the order that was asked for")
    return Page(_mapped(shop, rows, preferences), None if is_last else ids[-1], answer.date)


def _mapped(shop: MedusaClient, rows: Sequence[Row], preferences: Preferences) -> list[Order]:
    if not rows:
        return []
    units, countries = lookups.units(shop), lookups.countries(shop)
    options = lookups.shipping_options(shop, _shipping_options(rows))

    def mapped(row: Row) -> Order:
        unit = units.get(key_text(row["currency_code"]).upper(), lookups.USUAL_UNIT)
        return orders.order(row, preferences, unit, options, countries)

    return map_orders(rows, mapped, lambda row: key_text(row["id"]))


def _shipping_options(rows: Sequence[Row]) -> Collection[str]:
    """Return the shipping options of the orders that name one."""
    found = set()
    for row in rows:
        with suppress(Exception):  # its mapping tells what is wrong
            found.add(shipping_option(outward(row)))
    return found - {""}


# -- payments ------------------------------------------------------------------------------------------


def _moved_at(payment: Row) -> datetime | None:
    return read_time(payment["updated_at"])


def _collection_moved_at(payment: Row) -> datetime | None:
    return read_time(mapping(payment.get("payment_collection"))["updated_at"])


def _paid(
    shop: MedusaClient,
    since: datetime,
    preferences: Preferences,
    filters: Mapping[str, str],
    moved_at: Callable[[Row], datetime | None],
    cursor: str | None,
    size: int,
) -> Page[Order]:
    """Return orders whose payment moved since then but they themselves did not, in the order of their payments."""

    def read(offset: int, limit: int) -> Page[dict[str, Any]]:
        query = {**filters, "order": "id", "offset": offset, "limit": limit, "fields": PAYMENT_FIELDS}
        answer = shop.get("payments", query)
        return Page(rows_of(answer, "payments"), as_of=answer.date)

    position = _parse_cursor(cursor)
    listed = read_after(read, _payment_id, position, limit=size * PAYMENTS_AT_ONCE)
    wanted: dict[str, str] = {}
    end = listed.next_position
    for index, payment in enumerate(listed.rows):
        number = _order_of(payment, since, moved_at)
        if number and number not in wanted:
            if len(wanted) == size:
                before = listed.rows[:index]
                last = next((key for row in reversed(before) if (key := _payment_id(row))), position.id)
                end = Position(last, listed.first_offset + index)
                break
            wanted[number] = _payment_id(payment) or ""
    found = _first_seen(shop, wanted, preferences, since) if wanted else []
    return Page(found, f"{end.id or ''}.{end.offset}" if end else None, listed.as_of)


def _parse_cursor(cursor: str | None) -> Position:
    key, _, offset = (cursor or ".0").rpartition(".")
    return Position(key or None, int(offset))


def _payment_id(row: Row) -> str | None:
    return text(row.get("id")) or None


def _order_of(payment: Row, since: datetime, moved_at: Callable[[Row], datetime | None]) -> str:
    """Return the id of a payment's order; "" if it has none, or the order comes by itself or need not come."""
    order = mapping(mapping(payment.get("payment_collection")).get("order"))
    try:
        changed, moved = read_time(order.get("updated_at")), moved_at(payment)
    except (ValueError, KeyError):  # rather once too often
        return text(order.get("id"))
    return "" if (changed and changed >= since) or (moved and moved < since) else text(order.get("id"))


def _first_seen(
    shop: MedusaClient, wanted: Mapping[str, str], preferences: Preferences, since: datetime
) -> list[Order]:
    """Return the orders that these payments are of, each with the first of its payments that moved."""
    query = {"id[]": sorted(wanted), **_channels(preferences), "order": "id", "limit": len(wanted)}
    rows = shop.read_list("orders", "orders", {**query, "fields": FIELDS})
    return _mapped(shop, [row for row in rows if _is_first(row, wanted, since)], preferences)


def _is_first(row: Row, wanted: Mapping[str, str], since: datetime) -> bool:
    """Return whether no earlier page had an order because of another of its payments."""
    own = wanted.get(text(row.get("id")), "")
    try:
        changed = read_time(row["updated_at"])
        others = [one["id"] for one in payments(row) if (read_time(one["updated_at"]) or since) >= since]
        return not (changed and changed >= since) and own <= min([own, *others])
    except (ValueError, KeyError, TypeError):  # its mapping tells what is wrong
        return True


# -- numbers -------------------------------------------------------------------------------------------


def reference_of(shop: MedusaClient, number: str) -> str | None:
    """Return the id of the order that its customer knows by this number, None if there is none.

    Medusa searches in names and phone numbers too; where it finds too many, the numbers are searched, which are sorted.
    """
    query = {"fields": "id,display_id,custom_display_id", "order": "display_id", "limit": NUMBERS_AT_ONCE}
    rows = shop.read_list("orders", "orders", {**query, "q": number})
    found = _with_number(rows, number)
    is_number = number.isdecimal() and number.isascii() and len(number) < 10
    if found or len(rows) < NUMBERS_AT_ONCE or not is_number:
        return found
    wanted, first, last = int(number), 0, int(number) - 1  # the offsets that it can have: no number comes twice
    offset = max(0, wanted - NUMBERS_AT_ONCE)
    for _ in range(MOST_STEPS):
        rows = shop.read_list("orders", "orders", {**query, "offset": offset})
        numbers = [row["display_id"] for row in rows if isinstance(row.get("display_id"), int)]
        if found := _with_number(rows, number):
            return found
        if not numbers or numbers[0] > wanted:
            first, last = max(first, offset - (numbers[0] - wanted) if numbers else 0), offset - 1
        elif numbers[-1] < wanted and len(rows) == NUMBERS_AT_ONCE:
            first = offset + len(rows)
        else:
            return None
        if last < first:
            return None
        offset = first if last - first < NUMBERS_AT_ONCE else (first + last) // 2
    raise ChannelUnavailable("The order was not found in time")


def _with_number(rows: Collection[Row], number: str) -> str | None:
    known = (row for row in rows if orders.order_number({"display_id": None, **row}) == number)
    return next((key_text(row["id"]) for row in known), None)
