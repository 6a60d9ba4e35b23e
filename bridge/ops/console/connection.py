"""What the console shows of one connection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup

from bridge.ops.console.calls import line
from bridge.ops.console.charts import Bar, bars
from bridge.ops.console.lights import light_of_shop
from bridge.store.actions import FAILED, UNKNOWN, count_not_done, list_actions
from bridge.store.call_statistics import CallFigures, call_figures
from bridge.store.calls import find_calls, recent_failures
from bridge.store.connections import Connection
from bridge.store.feeds import list_items
from bridge.store.orders import count_held, first_held, orders_by_day
from bridge.store.outbox import count_waiting, list_pending_updates, waiting_since
from bridge.store.paging import last_complete_runs, last_polls
from bridge.sync import pauses

DAYS, HOURS = 14, 24
MOST_ORDERS, MOST_ROWS, MOST_CALLS = 50_000, 20, 30
KINDS = {"stock": ("Stock levels", "InventoryUpdate"), "price": ("Prices", "PriceUpdate")}
"""The outbox's kinds: what they are called, and the endpoint that brings them."""


def described(row: Connection, now: datetime, *, failed_only: bool) -> dict[str, Any]:
    """Return what a connection's page shows; of its calls only those with an Error, if that is asked for."""
    figures = call_figures(row.id, now - timedelta(hours=HOURS))
    not_done = count_not_done()
    calls = recent_failures(row.id, MOST_CALLS) if failed_only else find_calls(connection=row.id, limit=MOST_CALLS)
    return {
        "connection": row,
        "light": light_of_shop(row, now) if row.complete else None,
        "last_poll": last_polls().get(row.id),
        "last_run": last_complete_runs().get(row.id),
        "paused": [(pauses.NAMES[kind], kind, since) for kind, since in pauses.paused_since(row).items()],
        "orders_chart": _orders(row, now),
        "times_chart": _times(figures, now),
        "pushes": [_push(row, kind, figures) for kind in KINDS],
        "waiting_requests": count_waiting(row.id)[0],
        "pending": list_pending_updates(MOST_ROWS, connection=row.id),
        "held": first_held(row.id, MOST_ROWS),
        "held_count": count_held().get(row.id, 0),
        "actions": list_actions([UNKNOWN, FAILED], MOST_ROWS, connection=row.id),
        "actions_count": not_done.get((row.id, UNKNOWN), 0) + not_done.get((row.id, FAILED), 0),
        "feeds": list_items(MOST_ROWS, with_done=True, connection=row.id)[::-1],
        "lines": [line(record) for record in calls],
    }


def _orders(row: Connection, now: datetime) -> Markup:
    """Return the chart of orders that the shop showed first on each day; of no more than can be counted quickly."""
    counts, incomplete = orders_by_day(row.id, MOST_ORDERS)
    days = [now.date() - timedelta(days=age) for age in reversed(range(DAYS))]
    if incomplete:
        days = [day for day in days if day > incomplete] or days[-1:]
    some = [Bar(f"{day.day} {day:%b}", (counts.get(day, 0),)) for day in days]
    return bars(f"Orders a day, over {len(days)} days; {counts.get(now.date(), 0)} today", some, "orders")


def _times(figures: Sequence[CallFigures], now: datetime) -> Markup | None:
    """Return the chart of how long calls took on average in each hour; None without calls."""
    if not figures:
        return None
    by_hour: dict[datetime, list[CallFigures]] = defaultdict(list)
    for one in figures:
        by_hour[one.at.replace(minute=0, second=0, microsecond=0)].append(one)
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    some = []
    for age in reversed(range(HOURS)):
        hour = this_hour - timedelta(hours=age)
        calls = by_hour[hour]
        shop, ours = (sum(one.shop_ms for one in calls), sum(one.ms - one.shop_ms for one in calls))
        count = max(1, len(calls))
        some.append(Bar(f"{hour:%H:%M}", (shop / count, ours / count)))
    title = f"Milliseconds a call took on average in each hour of the last {HOURS}, the shop's share below the bridge's"
    return bars(title, some, "ms", ("shop", "bridge"))


def _push(row: Connection, kind: str, figures: Sequence[CallFigures]) -> dict[str, Any]:
    """Return how many values of a kind were received, refused and pushed later, and since when others wait."""
    name, endpoint = KINDS[kind]
    came = [one for one in figures if one.endpoint == endpoint]
    later = [one for one in figures if one.endpoint == f"Push of waiting {kind}"]
    return {
        "name": name,
        "received": sum(one.rows for one in came),
        "refused": sum(one.failed_rows for one in came),
        "later": sum(one.rows - one.failed_rows for one in later),
        "since": waiting_since().get((row.id, kind)),
    }
