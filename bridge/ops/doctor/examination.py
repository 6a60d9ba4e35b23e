"""The order in which an installation is looked over: what the later questions need comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial

from bridge.channels import Channels
from bridge.ops.doctor import installation, integrations, service, work
from bridge.ops.doctor.findings import Finding, asked, worst
from bridge.settings import Settings
from bridge.store.database import close_store


def examine(environ: Mapping[str, str], now: Callable[[], datetime]) -> Iterator[Finding]:
    """Look over the installation that these variables name, and change nothing in it.

    Whatever is broken, and however a question fails, is a finding.
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
    yield from asked("disk", lambda: installation.disk(settings))
    database = list(asked("database", lambda: installation.database(settings)))
    yield from database
    readable = installation.is_readable(database)
    channels: list[Channels] = []
    yield from asked("key", lambda: installation.key(settings, readable, channels))
    yield from asked("worker", lambda: service.worker(settings))
    yield from asked("public address", lambda: service.public_address(settings, now()))
    if not readable:
        words = "could not be looked at without the database"
        yield Finding("integrations", worst(database), words, "see to the database first")
        return
    yield from asked("clock", lambda: installation.server_clock(now))
    yield from asked("integrations", lambda: integrations.integrations(settings, channels, now))
    for name, question in work.QUESTIONS.items():
        yield from asked(name, partial(question, now()))
