"""The order of the doctor's checks: first what later checks need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial

from bridge.channels import Channels
from bridge.ops.doctor import backlog, installation, integrations, public, service
from bridge.ops.doctor.findings import Finding, findings_of, worst
from bridge.settings import Settings
from bridge.store.database import close_store


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
    yield from findings_of("worker", lambda: service.worker(settings))
    yield from findings_of("public address", lambda: service.public_address(settings, now()))
    yield from findings_of("trusted proxies", lambda: public.trusted_proxies(settings))
    if not readable:
        yield Finding("integrations", worst(database), "not checked without the database", "fix the database first")
        return
    yield from findings_of("oauth", lambda: public.oauth_is_on(settings))
    yield from findings_of("clock", lambda: installation.server_clock(now))
    yield from findings_of("integrations", lambda: integrations.integrations(settings, channels, now))
    for name, check in backlog.CHECKS.items():
        yield from findings_of(name, partial(check, now()))
