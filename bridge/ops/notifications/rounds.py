"""Rounds: every few minutes the doctor's questions are asked, and what has changed is told."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import peewee

from bridge.channels import Channels
from bridge.channels.base import LAST_STEP
from bridge.clock import EPOCH, monotonic, now
from bridge.ops.doctor import backlog, installation, integrations, service
from bridge.ops.doctor.findings import Finding, findings_of
from bridge.ops.notifications.delivery import ping, record_failures, send
from bridge.ops.notifications.messages import (
    CONFIRMED_BY,
    FOLLOWS_FROM,
    NOT_TOLD,
    RECOVERY,
    RETRY,
    SEVERITY,
    SILENCE,
    message,
)
from bridge.settings import Settings
from bridge.store.connections import Connection, list_connections
from bridge.store.database import close_store, discard_connection
from bridge.store.findings import (
    OK,
    RecordedFinding,
    claim_telling,
    finding_key,
    record_delivery,
    record_findings,
    recorded_findings,
)
from bridge.store.installation_facts import replace_fact, save_certificate, save_fact_once
from bridge.store.paging import last_complete_runs, last_polls
from bridge.sync import pauses
from bridge.sync.health import Health
from bridge.sync.worker import BackgroundWorker

log = logging.getLogger(__name__)

LOCK = "doctor.lock"
ROUND_AT = "doctor_round_at"
"""The fact when the last round over all connections began: one of all hosts makes it."""
SHOPS_SECONDS = 60
"""How long a round asks shops; those that it has not reached come first in the next."""
OF_SHOPS = ("shop", "shop clock")


class Rounds:
    """The task of one process of each host, which has the lock for as long as it runs."""

    def __init__(
        self, worker: BackgroundWorker, clock: Callable[[], float] = monotonic, now: Callable[[], datetime] = now
    ) -> None:
        self._worker = worker
        self._clock = clock
        self._now = now
        self._due: float | None = None
        self._lock: int | None = None
        self._health = Health()
        self._host = socket.gethostname()
        self._in_memory: dict[str, RecordedFinding] = {}

    def work_one(self, channels: Channels) -> bool:
        """Make a round if it is due; False, as there is no hurry."""
        interval = channels.settings.doctor_seconds
        if self._due is None:
            self._due = self._clock() + interval  # after a start of the machine, the network may not be up yet
        if self._clock() >= self._due:
            self._due = self._clock() + interval
            if self._leads(channels.settings):
                try:
                    self.run(channels)
                finally:
                    close_store()
        return False

    def run(self, channels: Channels) -> None:
        """Ask all questions, record the answers, and tell what has changed."""
        moment, settings = self._now(), channels.settings
        self._health.probe(channels)
        problems = self._health.problems(settings, self._worker)
        self._remember(service.health_findings(problems, settings), moment)
        self._tell(settings, list(self._in_memory.values()), self._claim_in_memory, moment)
        if not problems["database"] and not problems["storage"]:
            try:
                self._ask(channels, moment)
            except peewee.PeeweeException:
                log.exception("A round of the doctor failed")
                discard_connection()
        if settings.ping_url and not any(problems.values()):
            self._record({"ping": ping(settings)}, moment)

    def _leads(self, settings: Settings) -> bool:
        """Return whether this process makes the rounds of its host."""
        if self._lock is not None:
            return True
        descriptor = -1
        try:
            descriptor = _open_lock(settings.data_dir)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
            return not isinstance(error, BlockingIOError)  # without a lock, the database decides who tells
        self._lock = descriptor
        return True

    # -- what is wrong with this process, in memory ----------------------------------------------------

    def _remember(self, found: Iterator[Finding], moment: datetime) -> None:
        """Remember answers that could not be stored, or are about this process alone."""
        for finding in found:
            old, new = self._in_memory.get(finding.cause), _row(finding, self._host, moment)
            if old is not None:
                if (new.state == OK) == (old.state == OK):
                    new.rounds, new.since = old.rounds + 1, old.since
                new.told_state, new.told_at = old.told_state, old.told_at
                new.alarmed_at, new.delivered = old.alarmed_at, old.delivered
            self._in_memory[finding.cause] = new

    def _claim_in_memory(self, row: RecordedFinding, state: str, moment: datetime) -> bool:
        row.told_state, row.told_at, row.delivered = state, moment, False
        row.alarmed_at = row.alarmed_at if state == OK else moment
        return True

    # -- what all hosts see, in the database ------------------------------------------------------------

    def _ask(self, channels: Channels, moment: datetime) -> None:
        settings = channels.settings
        here = [*_answers("disk", lambda: installation.disk(settings))]
        here += _answers("key", lambda: installation.key(settings, True, []))
        self._store(here, {"disk", "key", "key file"}, moment, self._host)
        if self._is_first(settings, moment):
            self._ask_for_all(channels, moment)
        rows = [row for row in recorded_findings() if row.host in ("", self._host)]
        self._tell(settings, rows, claim_telling, moment)

    def _is_first(self, settings: Settings, moment: datetime) -> bool:
        """Return whether no other host has begun a round over all connections within the interval."""
        last = save_fact_once(ROUND_AT, EPOCH.isoformat())
        # a little earlier than due, as the hosts' clocks and timers differ
        waits = timedelta(seconds=0.8 * settings.doctor_seconds)
        if abs(moment - datetime.fromisoformat(last)) < waits:
            return False
        return replace_fact(ROUND_AT, last, moment.isoformat())

    def _ask_for_all(self, channels: Channels, moment: datetime) -> None:
        settings = channels.settings
        rows = [row for row in list_connections() if row.complete]
        polled = last_polls()
        found: list[Finding] = []
        asked: set[str] = {"polls", *(f"pause of {kind}" for kind in pauses.NAMES)}
        for row in rows:
            if row.id in polled:
                found.append(integrations.polls(row, polled[row.id], moment))
            found += integrations.pauses_of(row)
        for name, check in backlog.CHECKS.items():
            found += _answers(name, partial(check, moment))
            asked |= {name, *backlog.FURTHER_CAUSES.get(name, ())}
        found += _answers("clock", lambda: installation.server_clock(self._now))
        asked.add("clock")
        if settings.base_url:
            found += _answers("public address", lambda: service.public_address(settings, moment))
            asked |= {"public address", "certificate"}
            _remember_certificate(settings)
        self._store(found, asked, moment, "")
        self._ask_shops(rows, channels, moment)

    def _ask_shops(self, rows: list[Connection], channels: Channels, moment: datetime) -> None:
        """Ask each shop whether it works; one whose orders Linnworks has just got does."""
        known = {row.connection_id: row.found_at for row in recorded_findings() if row.cause == "shop"}
        runs, interval = last_complete_runs(), timedelta(seconds=channels.settings.doctor_seconds)
        end = self._clock() + SHOPS_SECONDS
        for row in sorted(rows, key=lambda row: known.get(row.id, EPOCH)):
            if self._clock() >= end:
                break
            run = runs.get(row.id)
            if run and moment - run < interval and row.step == LAST_STEP:
                found, asked = [integrations.shop_works(row)], {"shop"}
            else:
                found, asked = list(integrations.shop(row, channels, self._now)), set(OF_SHOPS)
            self._store(found, asked, moment, "", row.id)

    def _store(
        self, found: list[Finding], asked: set[str], moment: datetime, host: str, connection_id: int | None = None
    ) -> None:
        """Record answers; of causes that could not be asked about, the last answer stays."""
        answered = asked - {finding.cause for finding in found if finding.unanswered}
        new = {row.key: row for row in (_row(finding, host, moment) for finding in found)}
        record_findings(list(new.values()), answered, host, connection_id, moment)

    # -- telling ---------------------------------------------------------------------------------------

    def _tell(
        self,
        settings: Settings,
        rows: list[RecordedFinding],
        claim: Callable[[RecordedFinding, str, datetime], bool],
        moment: datetime,
    ) -> None:
        """Tell what has changed, one message for each cause; who claims a change tells it."""
        if not settings.notify:
            return
        changed: dict[tuple[str, str], list[RecordedFinding]] = defaultdict(list)
        for row in rows:
            state = state_to_tell(row, moment)
            never_told = row.told_state != OK and not row.delivered
            if state is None or (state != OK and follows(row, rows, moment)) or not claim(row, state, moment):
                continue
            if state == OK and never_told:
                self._mark_delivered([row])
            else:
                changed[row.cause, state].append(row)
        for (cause, state), some in changed.items():
            problems = send(settings, *message(settings, state, some))
            log.info("The owner was told of %s: %s", cause, state)
            if not all(problems.values()):
                self._mark_delivered(some)
            self._record(problems, moment)

    def _mark_delivered(self, rows: list[RecordedFinding]) -> None:
        for row in rows:
            row.delivered = True
        with suppress(peewee.PeeweeException):
            record_delivery([row.key for row in rows])

    def _record(self, problems: dict[str, str], moment: datetime) -> None:
        for label, problem in problems.items():
            if problem:
                log.warning("Notification address %s: %s", label, problem)
        with suppress(peewee.PeeweeException):
            record_failures(problems, moment)


def _open_lock(folder: Path) -> int:
    """Open the file that is locked, or the folder itself where a full or read-only disk has no room for the file."""
    try:
        return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return os.open(folder, os.O_RDONLY | os.O_CLOEXEC)


def state_to_tell(row: RecordedFinding, moment: datetime) -> str | None:
    """Return the state that the owner is to be told of, None if there is nothing new, or it is too early."""
    if row.cause in NOT_TOLD or row.cause.startswith("pause of "):
        return None
    if row.state == OK and row.told_state != OK:
        return OK
    # the round of another host may have begun a moment later than this one
    rested = row.alarmed_at is None or abs(moment - row.alarmed_at) >= SILENCE
    if SEVERITY[row.state] > SEVERITY[row.told_state] and rested and row.rounds >= CONFIRMED_BY:
        return str(row.state)
    if not row.delivered and row.told_at is not None and abs(moment - row.told_at) >= RETRY:
        return str(row.told_state)
    return None


def follows(row: RecordedFinding, rows: list[RecordedFinding], moment: datetime) -> bool:
    """Return whether what is wrong follows from something else that is, or was until a short time ago."""
    return any(
        cause.cause in FOLLOWS_FROM.get(row.cause, ())
        and cause.connection_id in (None, row.connection_id)
        and (
            cause.state == "error"
            or (cause.state != OK and cause.cause == "shop")  # which waits for its seller
            or (cause.alarmed_at is not None and moment - cause.since < RECOVERY)
        )
        for cause in rows
    )


def _remember_certificate(settings: Settings) -> None:
    """Store the lifetime of the certificate at the public address, for monitoring."""
    url = urlsplit(settings.base_url)
    if url.scheme == "https":
        with suppress(OSError):
            save_certificate(*service.certificate_lifetime(url.hostname or "", url.port or 443))


def _answers(name: str, check: Callable[[], Any]) -> list[Finding]:
    return list(findings_of(name, check))


def _row(finding: Finding, host: str, moment: datetime) -> RecordedFinding:
    return RecordedFinding(
        key=finding_key(finding.cause, finding.connection, host),
        cause=finding.cause,
        connection=finding.connection,
        host=host,
        name=finding.name,
        state=finding.state.value,
        message=finding.message,
        advice=finding.advice,
        command=finding.command,
        since=finding.since or moment,
        found_at=moment,
    )
