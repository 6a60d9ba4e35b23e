"""The status of the service as the database has it, for the operator. Connections are identified by number only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from bridge.channels.base import LAST_STEP
from bridge.settings import Settings
from bridge.store.actions import FAILED, UNKNOWN, count_not_done
from bridge.store.connections import Connection, list_connections
from bridge.store.feeds import waiting_listings
from bridge.store.findings import last_ok
from bridge.store.installation_facts import last_certificate
from bridge.store.orders import count_held
from bridge.store.outbox import count_waiting, waiting_since
from bridge.store.paging import POLL_SILENCE, last_complete_runs, last_polls
from bridge.store.usage import waiting_bytes_by_connection
from bridge.sync import pauses
from bridge.sync.health import free_bytes


@dataclass(frozen=True)
class ConnectionStatus:
    """The status of one enabled connection; ages are in seconds, 0 if nothing waits.

    Its last success is the last call that its shop is known to have answered; before the first it is when the wizard
    was finished.
    """

    last_poll: datetime
    seconds_since_poll: float
    silent: bool
    seconds_since_complete_run: float
    seconds_since_success: float
    credentials_wanted: bool
    held_orders: int
    failed_actions: int
    unknown_actions: int
    oldest_update_seconds: Mapping[str, float]
    """By the outbox's kind."""
    paused: tuple[str, ...]


@dataclass(frozen=True)
class Status:
    """What waits and what works, at one moment."""

    connections: Mapping[int, ConnectionStatus]
    outbox_requests: int
    pending_updates: int
    listings: int
    listings_age: float
    waiting_bytes: Mapping[int, int]
    free_bytes: int | None
    certificate_days: float | None
    certificate_lifetime_days: float | None


def current_status(settings: Settings, now: datetime) -> Status:
    """Read the current status from the database, and how much room its disk has."""
    requests, updates = count_waiting()
    listings, listed_since = waiting_listings()
    certificate = last_certificate()
    return Status(
        connections=_connections(now),
        outbox_requests=requests,
        pending_updates=updates,
        listings=listings,
        listings_age=_age(listed_since, now),
        waiting_bytes=waiting_bytes_by_connection(),
        free_bytes=free_bytes(settings),
        certificate_days=_days(certificate[1] - now) if certificate else None,
        certificate_lifetime_days=_days(certificate[1] - certificate[0]) if certificate else None,
    )


def _connections(now: datetime) -> dict[int, ConnectionStatus]:
    polls, runs, successes = last_polls(), last_complete_runs(), last_ok("shop")
    held, not_done, waiting = count_held(), count_not_done(), waiting_since()

    def status(row: Connection) -> ConnectionStatus:
        number, poll = row.id, polls[row.id]
        run = runs.get(number, row.completed_at)
        paused = tuple(pauses.paused_since(row))
        return ConnectionStatus(
            last_poll=poll,
            seconds_since_poll=_age(poll, now),
            silent=now - poll > POLL_SILENCE,
            seconds_since_complete_run=_age(run, now),
            seconds_since_success=_age(max(run, successes.get(number, run)), now),
            credentials_wanted=row.step != LAST_STEP,
            held_orders=held.get(number, 0),
            failed_actions=not_done.get((number, FAILED), 0),
            unknown_actions=not_done.get((number, UNKNOWN), 0),
            oldest_update_seconds={kind: _age(waiting.get((number, kind)), now) for kind in pauses.PUSHES.values()},
            paused=paused,
        )

    return {row.id: status(row) for row in list_connections() if row.id in polls}


def _days(span: timedelta) -> float:
    return span.total_seconds() / 86400


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def details(status: Status) -> dict[str, Any]:
    """Return the status as plain data for /health/details."""
    connections = status.connections.values()
    return {
        "connections": {str(number): _details(one) for number, one in status.connections.items()},
        "outbox": {
            "requests": status.outbox_requests,
            "pending_updates": status.pending_updates,
            "oldest_seconds": round(max((_oldest(one) for one in connections), default=0)),
        },
        "listings": {"waiting": status.listings, "oldest_seconds": round(status.listings_age)},
        "waiting_bytes": {str(number): size for number, size in status.waiting_bytes.items()},
        "unknown_actions": sum(one.unknown_actions for one in connections),
        "held_orders": sum(one.held_orders for one in connections),
        "free_bytes": status.free_bytes,
        "certificate_days": None if status.certificate_days is None else round(status.certificate_days, 1),
    }


def _details(one: ConnectionStatus) -> dict[str, Any]:
    return {
        "last_poll": one.last_poll.isoformat(timespec="seconds"),
        "seconds_since_poll": round(one.seconds_since_poll),
        "silent": one.silent,
        "seconds_since_complete_run": round(one.seconds_since_complete_run),
        "seconds_since_success": round(one.seconds_since_success),
        "credentials_wanted": one.credentials_wanted,
        "held_orders": one.held_orders,
        "failed_actions": one.failed_actions,
        "unknown_actions": one.unknown_actions,
        "oldest_update_seconds": round(_oldest(one)),
        "paused": list(one.paused),
    }


def _oldest(one: ConnectionStatus) -> float:
    return max(one.oldest_update_seconds.values())


GAUGES_OF_CONNECTIONS: tuple[tuple[str, str, Callable[[ConnectionStatus], float]], ...] = (
    (
        "seconds_since_poll",
        "Seconds since Linnworks last asked for a connection's orders",
        lambda one: one.seconds_since_poll,
    ),
    (
        "connection_silent",
        f"Whether Linnworks has not asked for a connection's orders for {POLL_SILENCE.seconds // 60} minutes",
        lambda one: one.silent,
    ),
    (
        "seconds_since_complete_run",
        "Seconds since Linnworks last got all pages of a connection's orders",
        lambda one: one.seconds_since_complete_run,
    ),
    (
        "seconds_since_success",
        "Seconds since a connection's shop last answered as it should",
        lambda one: one.seconds_since_success,
    ),
    (
        "credentials_wanted",
        "Whether the seller must enter the shop's credentials again",
        lambda one: one.credentials_wanted,
    ),
    ("held_orders", "Orders held because Linnworks would refuse them", lambda one: one.held_orders),
)


def gauges(status: Status) -> Iterator[Metric]:
    """Yield the status as gauges for Prometheus."""
    for name, help_text, value_of in GAUGES_OF_CONNECTIONS:
        gauge = GaugeMetricFamily(f"bridge_{name}", help_text, labels=["connection"])
        for number, one in status.connections.items():
            gauge.add_metric([str(number)], value_of(one))
        yield gauge
    actions = GaugeMetricFamily(
        "bridge_actions",
        "Despatches, cancels and refunds that failed, or whose outcome is unknown",
        labels=["connection", "state"],
    )
    oldest = GaugeMetricFamily(
        "bridge_outbox_oldest_seconds",
        "Age of the oldest stock level or price that a shop has not accepted yet",
        labels=["connection", "kind"],
    )
    paused = GaugeMetricFamily(
        "bridge_paused", "Whether the operator has paused a kind of work", labels=["connection", "kind"]
    )
    for number, one in status.connections.items():
        actions.add_metric([str(number), FAILED], one.failed_actions)
        actions.add_metric([str(number), UNKNOWN], one.unknown_actions)
        for kind, name in pauses.PUSHES.items():
            oldest.add_metric([str(number), kind], one.oldest_update_seconds[name])
        for kind in pauses.NAMES:
            paused.add_metric([str(number), kind], kind in one.paused)
    waiting = GaugeMetricFamily(
        "bridge_waiting_bytes",
        "Bytes of listings, stock and prices that wait for a connection's shop",
        labels=["connection"],
    )
    for number, size in status.waiting_bytes.items():
        waiting.add_metric([str(number)], size)
    yield from (actions, oldest, paused, waiting)
    for name, help_text, value in (
        ("outbox_requests", "Stock and price requests that no process has started on", status.outbox_requests),
        ("outbox_pending_updates", "Stock levels and prices that a shop has not accepted yet", status.pending_updates),
        ("feed_listings", "Listings that the shop has not done yet", status.listings),
        ("feed_oldest_seconds", "Age of the oldest listing that the shop has not done yet", status.listings_age),
        ("free_bytes", "Room on the disk of the database or the data folder", status.free_bytes),
        ("certificate_days", "Days until the certificate of the public address expires", status.certificate_days),
        (
            "certificate_lifetime_days",
            "Days for which the certificate of the public address is valid in all",
            status.certificate_lifetime_days,
        ),
    ):
        if value is not None:
            yield GaugeMetricFamily(f"bridge_{name}", help_text, value=value)
