"""The status of the service as the database has it, for the operator. Connections are identified by number only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from bridge.store.actions import UNKNOWN, count_actions
from bridge.store.feeds import waiting_listings
from bridge.store.orders import count_held
from bridge.store.outbox import count_waiting, waiting_since
from bridge.store.paging import POLL_SILENCE, last_polls
from bridge.store.usage import waiting_bytes_by_connection


@dataclass(frozen=True)
class Status:
    """What waits and when Linnworks last polled, at one moment; ages are in seconds, 0 if nothing waits."""

    polls: Mapping[int, datetime]
    seconds_since_poll: Mapping[int, float]
    silent: tuple[int, ...]
    outbox_requests: int
    pending_updates: int
    outbox_age: float
    listings: int
    listings_age: float
    unknown_actions: int
    held_orders: int
    waiting_bytes: Mapping[int, int]


def current_status(now: datetime) -> Status:
    """Read the current status from the database."""
    polls = last_polls()
    requests, updates = count_waiting()
    listings, listed_since = waiting_listings()
    return Status(
        polls=polls,
        seconds_since_poll={number: _age(moment, now) for number, moment in polls.items()},
        silent=tuple(number for number, moment in polls.items() if now - moment > POLL_SILENCE),
        outbox_requests=requests,
        pending_updates=updates,
        outbox_age=_age(waiting_since(), now),
        listings=listings,
        listings_age=_age(listed_since, now),
        unknown_actions=count_actions(UNKNOWN),
        held_orders=count_held(),
        waiting_bytes=waiting_bytes_by_connection(),
    )


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def details(status: Status) -> dict[str, Any]:
    """Return the status as plain data for /health/details."""
    return {
        "connections": {
            str(number): {
                "last_poll": moment.isoformat(timespec="seconds"),
                "seconds_since_poll": round(status.seconds_since_poll[number]),
                "silent": number in status.silent,
            }
            for number, moment in status.polls.items()
        },
        "outbox": {
            "requests": status.outbox_requests,
            "pending_updates": status.pending_updates,
            "oldest_seconds": round(status.outbox_age),
        },
        "listings": {"waiting": status.listings, "oldest_seconds": round(status.listings_age)},
        "waiting_bytes": {str(number): size for number, size in status.waiting_bytes.items()},
        "unknown_actions": status.unknown_actions,
        "held_orders": status.held_orders,
    }


def gauges(status: Status) -> Iterator[Metric]:
    """Yield the status as gauges for Prometheus."""
    since = GaugeMetricFamily(
        "bridge_seconds_since_poll",
        "Seconds since Linnworks last asked for a connection's orders",
        labels=["connection"],
    )
    silent = GaugeMetricFamily(
        "bridge_connection_silent",
        f"Whether Linnworks has not asked for a connection's orders for {POLL_SILENCE.seconds // 60} minutes",
        labels=["connection"],
    )
    for number, seconds in status.seconds_since_poll.items():
        since.add_metric([str(number)], seconds)
        silent.add_metric([str(number)], number in status.silent)
    waiting = GaugeMetricFamily(
        "bridge_waiting_bytes",
        "Bytes of listings, stock and prices that wait for a connection's shop",
        labels=["connection"],
    )
    for number, size in status.waiting_bytes.items():
        waiting.add_metric([str(number)], size)
    yield from (since, silent, waiting)
    for name, help_text, value in (
        ("outbox_requests", "Stock and price requests that no process has started on", status.outbox_requests),
        ("outbox_pending_updates", "Stock levels and prices that a shop has not accepted yet", status.pending_updates),
        ("outbox_oldest_seconds", "Age of the oldest of these requests and updates", status.outbox_age),
        ("feed_listings", "Listings that the shop has not done yet", status.listings),
        ("feed_oldest_seconds", "Age of the oldest of these listings", status.listings_age),
        ("unknown_actions", "Despatches, cancels and refunds whose outcome is unknown", status.unknown_actions),
        ("held_orders", "Orders held because Linnworks would refuse them", status.held_orders),
    ):
        yield GaugeMetricFamily(f"bridge_{name}", help_text, value=value)
