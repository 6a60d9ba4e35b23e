"""Checks of the backlog of all integrations: what waits, has failed or is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from bridge.ops.doctor.findings import Finding, State, finding, ok, warning
from bridge.store.actions import unresolved_actions
from bridge.store.feeds import items_since
from bridge.store.orders import held_orders
from bridge.store.outbox import count_set_aside, count_waiting, waiting_since
from bridge.store.usage import waiting_bytes_by_connection
from bridge.sync.quota import MOST_WAITING_BYTES

LONG, VERY_LONG = timedelta(minutes=15), timedelta(hours=6)
UNDER_WAY = timedelta(minutes=2)
"""An action may be under way for this long."""
RECENT = timedelta(days=7)


def outbox(now: datetime) -> Iterator[Finding]:
    """Check for stock levels and prices that the shops have not accepted."""
    if set_aside := count_set_aside():
        advice = "linnworks-bridge outbox list shows them; send these values again in Linnworks, then drop them"
        yield warning("outbox", f"{set_aside} stored updates cannot be pushed and were set aside", advice)
    requests, updates = count_waiting()
    since = waiting_since()
    if since is None:
        yield ok("outbox", "nothing waits")
    else:
        advice = "linnworks-bridge outbox list says why; the bridge keeps trying"
        message = f"{updates} updates and {requests} requests wait, the oldest since {since:%Y-%m-%d %H:%M} UTC"
        yield finding("outbox", message, _by_age(now - since), advice)


def actions(now: datetime) -> Iterator[Finding]:
    """Check for despatches, cancels and refunds whose outcome is unknown."""
    unknown = unresolved_actions(now - UNDER_WAY)
    if not unknown:
        yield ok("actions", "every outcome is known")
    else:
        numbers = _some([str(action.id) for action in unknown])
        advice = "linnworks-bridge actions list; linnworks-bridge actions retry NUMBER asks the shop"
        yield warning("actions", f"the outcome of {len(unknown)} is unknown: {numbers}", advice)


def orders(now: datetime) -> Iterator[Finding]:
    """Check for orders held because Linnworks would refuse them."""
    held = held_orders()
    if not held:
        yield ok("held orders", "none")
    else:
        numbers = _some([row.reference for row in held])
        yield warning(
            "held orders", f"{len(held)}: {numbers}", "linnworks-bridge orders held says what to fix in the shop"
        )


def feeds(now: datetime) -> Iterator[Finding]:
    """Check for listings that have waited long or failed recently."""
    items = items_since(now - RECENT)
    waiting = [item for item in items if not item.done]
    failed = [item for item in items if item.failed]
    if failed:
        message = (
            f"{len(failed)} listings failed in the last {RECENT.days} days: {_some([str(item.id) for item in failed])}"
        )
        yield warning(
            "feeds", message, "linnworks-bridge feeds list --all; Linnworks shows the reason with the listing"
        )
    if waiting:
        since = min(item.feed.created_at for item in waiting)
        advice = "linnworks-bridge feeds list says why; the bridge keeps trying"
        message = f"{len(waiting)} listings wait, the oldest since {since:%Y-%m-%d %H:%M} UTC"
        yield finding("feeds", message, _by_age(now - since), advice)
    if not failed and not waiting:
        yield ok("feeds", "no listing waits, and none has failed recently")


def disk(now: datetime) -> Iterator[Finding]:
    """Check for integrations for which much waits."""
    sizes = waiting_bytes_by_connection()
    largest = _some([f"{size / 1_000_000:.1f} MB of integration {number}" for number, size in sizes.items()], 3)
    if max(sizes.values(), default=0) > MOST_WAITING_BYTES / 2:
        advice = f"each may have {MOST_WAITING_BYTES // 1_000_000} MB; linnworks-bridge connections erase ends one"
        yield warning("waiting data", largest, advice)
    else:
        yield ok("waiting data", largest or "none")


CHECKS: dict[str, Callable[[datetime], Iterator[Finding]]] = {
    "outbox": outbox,
    "actions": actions,
    "held orders": orders,
    "feeds": feeds,
    "waiting data": disk,
}


def _by_age(age: timedelta) -> State:
    return State.ERROR if age > VERY_LONG else State.WARNING if age > LONG else State.OK


def _some(names: list[str], limit: int = 5) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
