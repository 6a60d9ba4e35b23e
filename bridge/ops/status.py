"""The watch: what an operator keeps an eye on, as the database has it. Connections go by number, not by name."""

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


@dataclass(frozen=True)
class Status:
    """How things stand at a moment; ages in seconds, 0 where nothing waits."""

    polls: Mapping[int, datetime]
    seconds_since_poll: Mapping[int, float]
    silent: tuple[int, ...]
    outbox_requests: int
    outbox_values: int
    outbox_age: float
    listings: int
    listings_age: float
    unknown_actions: int
    held_orders: int


def look(now: datetime) -> Status:
    """See how things stand."""
    polls = last_polls()
    requests, values = count_waiting()
    listings, listed_since = waiting_listings()
    return Status(
        polls=polls,
        seconds_since_poll={number: _age(moment, now) for number, moment in polls.items()},
        silent=tuple(number for number, moment in polls.items() if now - moment > POLL_SILENCE),
        outbox_requests=requests,
        outbox_values=values,
        outbox_age=_age(waiting_since(), now),
        listings=listings,
        listings_age=_age(listed_since, now),
        unknown_actions=count_actions(UNKNOWN),
        held_orders=count_held(),
    )


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def details(watch: Status) -> dict[str, Any]:
    """The watch as plain data."""
    return {
        "connections": {
            str(number): {
                "last_poll": moment.isoformat(timespec="seconds"),
                "seconds_since_poll": round(watch.seconds_since_poll[number]),
                "silent": number in watch.silent,
            }
            for number, moment in watch.polls.items()
        },
        "outbox": {
            "requests": watch.outbox_requests,
            "values": watch.outbox_values,
            "oldest_seconds": round(watch.outbox_age),
        },
        "listings": {"waiting": watch.listings, "oldest_seconds": round(watch.listings_age)},
        "unknown_actions": watch.unknown_actions,
        "held_orders": watch.held_orders,
    }


def gauges(watch: Status) -> Iterator[Metric]:
    """The watch as Prometheus has it."""
    since = GaugeMetricFamily(
        "bridge_seconds_since_poll", "Since Linnworks asked for a connection's orders", labels=["connection"]
    )
    silent = GaugeMetricFamily(
        "bridge_connection_silent",
        f"Whether Linnworks has not asked for a connection's orders for {POLL_SILENCE.seconds // 60} minutes",
        labels=["connection"],
    )
    for number, seconds in watch.seconds_since_poll.items():
        since.add_metric([str(number)], seconds)
        silent.add_metric([str(number)], number in watch.silent)
    yield from (since, silent)
    for name, words, value in (
        ("outbox_requests", "Stock and price updates that nobody has pushed yet", watch.outbox_requests),
        ("outbox_values", "Stock levels and prices that a shop has not taken yet", watch.outbox_values),
        ("outbox_oldest_seconds", "Since the oldest of these came", watch.outbox_age),
        ("feed_listings", "Listings that wait for a shop", watch.listings),
        ("feed_oldest_seconds", "Since the oldest of these came", watch.listings_age),
        ("unknown_actions", "Despatches, cancels and refunds whose outcome is unknown", watch.unknown_actions),
        ("held_orders", "Orders that Linnworks would refuse", watch.held_orders),
    ):
        yield GaugeMetricFamily(f"bridge_{name}", words, value=value)
