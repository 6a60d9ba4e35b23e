"""Checks of the backlog of all integrations: what waits, has failed or is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bridge.ops.doctor.findings import Finding, State, finding, ok, warning
from bridge.store.actions import unresolved_actions
from bridge.store.connections import list_connections
from bridge.store.feeds import items_since
from bridge.store.orders import held_orders
from bridge.store.outbox import count_set_aside, count_waiting, waiting_since
from bridge.store.usage import waiting_bytes_by_connection
from bridge.sync.pauses import paused_pushes
from bridge.sync.quota import MOST_WAITING_BYTES

LONG, VERY_LONG = timedelta(minutes=15), timedelta(hours=6)
UNDER_WAY = timedelta(minutes=2)
"""An action may be under way for this long."""
RECENT = timedelta(days=7)


def outbox(now: datetime) -> Iterator[Finding]:
    """Check for stock levels and prices that the shops have not accepted; what is paused waits on purpose."""
    command = "linnworks-bridge outbox list"
    if set_aside := count_set_aside():
        advice = f"{command} shows them; send these values again in Linnworks, then drop them"
        message = f"{set_aside} stored updates cannot be pushed and were set aside"
        yield replace(warning("outbox", message, advice, command=command), cause="set-aside updates")
    connections = {row.id: row for row in list_connections()}
    paused = {(row.id, kind) for row in connections.values() for kind in paused_pushes(row)}
    since: dict[int, datetime] = {}
    for (number, kind), moment in waiting_since().items():
        if (number, kind) not in paused:
            since[number] = min(moment, since.get(number, moment))
    if not since:
        yield ok("outbox", "nothing waits" if not paused else "nothing waits but what is paused")
    for number, moment in since.items():
        requests, updates = count_waiting(number)
        message = (
            f"{_count(updates, 'update')} and {_count(requests, 'request')} of {connections[number].account_name} "
            f"wait, the oldest since {moment:%Y-%m-%d %H:%M} UTC"
        )
        advice = f"{command} says why; the bridge keeps trying"
        found = finding("outbox", message, _by_age(now - moment), advice, since=moment, command=command)
        yield replace(found, connection=number)


def actions(now: datetime) -> Iterator[Finding]:
    """Check for despatches, cancels and refunds whose outcome is unknown."""
    unknown = unresolved_actions(now - UNDER_WAY)
    if not unknown:
        yield ok("actions", "every outcome is known")
    for number, some in _by_connection(unknown).items():
        numbers = _some([str(action.id) for action in some])
        advice = "linnworks-bridge actions list; linnworks-bridge actions retry NUMBER asks the shop"
        message = f"the outcome of {len(some)} is unknown: {numbers}"
        since = min(action.planned_at for action in some)
        found = warning("actions", message, advice, since=since, command="linnworks-bridge actions list")
        yield replace(found, connection=number)


def orders(now: datetime) -> Iterator[Finding]:
    """Check for orders held because Linnworks would refuse them."""
    held = held_orders()
    if not held:
        yield ok("held orders", "none")
    for number, some in _by_connection(held).items():
        numbers = _some([row.reference for row in some])
        command = "linnworks-bridge orders held"
        advice = f"{command} says what to fix in the shop"
        since = min(row.held_since for row in some)
        found = warning("held orders", f"{len(some)}: {numbers}", advice, since=since, command=command)
        yield replace(found, connection=number)


def feeds(now: datetime) -> Iterator[Finding]:
    """Check for listings that have waited long or failed recently."""
    items = items_since(now - RECENT)
    waiting = [item for item in items if not item.done]
    failed = [item for item in items if item.failed]
    if failed:
        numbers = _some([str(item.id) for item in failed])
        message = f"{len(failed)} listings failed in the last {RECENT.days} days: {numbers}"
        advice = "linnworks-bridge feeds list --all; Linnworks shows the reason with the listing"
        found = warning("feeds", message, advice, command="linnworks-bridge feeds list --all")
        yield replace(found, cause="failed listings")
    for number, some in _by_connection(waiting).items():
        since = min(item.feed.created_at for item in some)
        command = "linnworks-bridge feeds list"
        advice = f"{command} says why; the bridge keeps trying"
        message = f"{_count(len(some), 'listing')} wait, the oldest since {since:%Y-%m-%d %H:%M} UTC"
        found = finding("feeds", message, _by_age(now - since), advice, since=since, command=command)
        yield replace(found, connection=number)
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


FURTHER_CAUSES = {"outbox": ("set-aside updates",), "feeds": ("failed listings",)}
"""Causes of findings of a check, besides the check's own."""
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


def _by_connection(rows: Sequence[Any]) -> dict[int, list[Any]]:
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.connection_id, []).append(row)
    return grouped


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
