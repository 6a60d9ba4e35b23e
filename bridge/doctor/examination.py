"""The order in which an installation is looked over: what the later questions need comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from bridge.channels import Channels
from bridge.doctor import installation, integrations, service, work
from bridge.doctor.findings import Finding, fault
from bridge.errors import BridgeError
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
    yield from _asked("disk", lambda: installation.disk(settings))
    database = list(_asked("database", lambda: installation.database(settings)))
    yield from database
    readable = installation.is_readable(database)
    channels: list[Channels] = []
    yield from _asked("key", lambda: installation.key(settings, readable, channels))
    yield from _asked("worker", lambda: service.worker(settings))
    yield from _asked("public address", lambda: service.public_address(settings, now()))
    if not readable:
        yield fault("integrations", "could not be looked at without the database", "mend the database first")
        return
    yield from _asked("clock", lambda: installation.server_clock(now))
    yield from _asked("integrations", lambda: integrations.integrations(settings, channels, now))
    for name, question in work.QUESTIONS.items():
        yield from _asked(name, lambda question=question: question(now()))  # type: ignore[misc]


def _asked(name: str, question: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """The answers to a question, the last of which may be that it failed."""
    try:
        yield from question()
    except Exception as error:  # whatever it is, the other questions are still asked
        words = str(error) if isinstance(error, BridgeError | OSError) else type(error).__name__
        yield fault(name, f"could not be looked at: {words}", "see the words, and the service's log")
