"""The order of the doctor's checks: first what later checks need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from bridge.channels import Channels
from bridge.ops.doctor import backlog, installation, integrations, notifications, public, service
from bridge.ops.doctor.findings import Finding, State, findings_of, worst
from bridge.settings import Settings
from bridge.store.database import close_store
from bridge.store.findings import recorded_findings


def examine(environ: Mapping[str, str], now: Callable[[], datetime]) -> Iterator[Finding]:
    """Check the installation that these variables name, and change nothing in it.

    Whatever is broken becomes a finding, as does a check that fails.
    """
    settings, findings = installation.settings(environ)
    yield from findings
    if settings is None:
        return
    try:
        yield from _examine(settings, now)
    finally:
        close_store()


def _examine(settings: Settings, now: Callable[[], datetime]) -> Iterator[Finding]:
    yield from findings_of("disk", lambda: installation.disk(settings))
    database = list(findings_of("database", lambda: installation.database(settings)))
    yield from database
    readable = installation.is_readable(database)
    channels: list[Channels] = []
    yield from findings_of("key", lambda: installation.key(settings, readable, channels))
    dated = partial(_dated, _trouble_since() if readable else {})
    yield from map(dated, findings_of("worker", lambda: service.worker(settings)))
    yield from map(dated, findings_of("public address", lambda: service.public_address(settings, now())))
    yield from findings_of("trusted proxies", lambda: public.trusted_proxies(settings))
    yield from findings_of("notifications", lambda: notifications.notifications(settings, readable))
    if not readable:
        yield Finding("integrations", worst(database), "not checked without the database", "fix the database first")
        return
    yield from findings_of("oauth", lambda: public.oauth_is_on(settings))
    yield from map(dated, findings_of("clock", lambda: installation.server_clock(now)))
    asked = findings_of("integrations", lambda: integrations.integrations(settings, channels, now))
    yield from map(dated, asked)
    for name, check in backlog.CHECKS.items():
        yield from map(dated, findings_of(name, partial(check, now())))


def _trouble_since() -> dict[tuple[str, int | None], datetime]:
    """Return since when the service itself has found what is wrong, by cause and connection."""
    return {(row.cause, row.connection_id): row.since for row in recorded_findings() if row.state != State.OK.value}


def _dated(since: Mapping[tuple[str, int | None], datetime], found: Finding) -> Finding:
    """Return a finding with the moment since when it has been so, if the service knows that."""
    if found.state is State.OK or found.since:
        return found
    return replace(found, since=since.get((found.cause, found.connection)))
