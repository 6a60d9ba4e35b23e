"""Checks of each integration: its shop, and when Linnworks last asked for orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from bridge.channels import Channels
from bridge.channels.base import LAST_STEP
from bridge.clock import Deadline, monotonic
from bridge.errors import ChannelError, CredentialsRefused
from bridge.ops.doctor import installation
from bridge.ops.doctor.findings import Finding, State, error, finding, findings_of, ok, warning
from bridge.settings import Settings
from bridge.store.connections import Connection, list_connections
from bridge.store.paging import POLL_SILENCE, last_polls
from bridge.sync import pauses
from bridge.sync.shop_check import check_shop

DOCTOR = "linnworks-bridge doctor"
SHOPS_SECONDS = 120
"""How long the doctor asks shops, one after the other."""
AGAIN = "see the shops above that do not answer, and run it again"


def integrations(settings: Settings, channels: Sequence[Channels], now: Callable[[], datetime]) -> Iterator[Finding]:
    """Check all integrations that are set up, and count those that are not yet."""
    mismatch = installation.channel_mismatch(settings)
    if mismatch:
        yield mismatch
        return
    rows = list_connections()
    ready = [row for row in rows if row.complete]
    yield ok("integrations", f"{len(ready)} set up, {len(rows) - len(ready)} in the wizard")
    polled = last_polls()
    end = monotonic() + SHOPS_SECONDS
    for row in ready:
        if monotonic() >= end:
            problem = warning(f"shop of {row.account_name}", "not asked, as other shops took too long", AGAIN)
            yield replace(problem, cause="shop", connection=row.id, unanswered=True)
        for opener in channels if monotonic() < end else ():
            yield from shop(row, opener, now)
            yield from omissions(row, opener)
        yield polls(row, polled[row.id], now())
        yield from pauses_of(row)


def shop(row: Connection, channels: Channels, now: Callable[[], datetime]) -> Iterator[Finding]:
    """Check that an integration's shop works."""
    yield from findings_of(f"shop of {row.account_name}", partial(_shop, row, channels, now), "shop", row.id)


def shop_works(row: Connection) -> Finding:
    """Return the finding that a shop works."""
    return replace(ok(f"shop of {row.account_name}", "it answers"), cause="shop", connection=row.id)


def polls(row: Connection, last: datetime, now: datetime) -> Finding:
    """Check that Linnworks still asks for this integration's orders."""
    asked_for = "never asked for, set up at" if last == row.completed_at else "last asked for at"
    advice = (
        "check in Linnworks, under Settings, Channel integration, that it is enabled and has no error, and here that "
        "the public address answers"
    )
    state = State.ERROR if now - last > POLL_SILENCE else State.OK
    message = f"{asked_for} {last:%Y-%m-%d %H:%M} UTC"
    found = finding(f"orders of {row.account_name}", message, state, advice, since=last, command=DOCTOR)
    return replace(found, cause="polls", connection=row.id)


def pauses_of(row: Connection) -> Iterator[Finding]:
    """Tell what the operator has paused of this integration."""
    for kind, since in pauses.paused_since(row).items():
        command = f"linnworks-bridge resume {row.id} {kind}"
        message = pauses.describe(kind, since)
        found = warning(f"pauses of {row.account_name}", message, command, since=since, command=command)
        yield replace(found, cause=f"pause of {kind}", connection=row.id)


def omissions(row: Connection, channels: Channels) -> Iterator[Finding]:
    """Tell what the channel's lists cannot show, if there is anything."""
    left_out = channels.channel_class.omissions
    if left_out:
        found = ok(f"lists of {row.account_name}", f"complete, but for {'; '.join(left_out)}")
        yield replace(found, cause="lists", connection=row.id)


def _shop(row: Connection, channels: Channels, now: Callable[[], datetime]) -> Iterator[Finding]:
    """Check that the shop answers and accepts the credentials, and that its clock agrees with ours."""
    name = f"shop of {row.account_name}"
    command = f"linnworks-bridge connections reconnect {row.id}"
    reconnect = f"{command}, then open the integration in Linnworks and enter them again"
    try:
        ahead = check_shop(channels.open_for(row, Deadline(channels.settings.budget_seconds)), now)
    except CredentialsRefused as problem:
        yield error(name, str(problem), reconnect, command=command)
    except ChannelError as problem:
        advice = "check that the shop is up and allows calls from this machine"
        yield error(name, str(problem), advice, command=DOCTOR)
    else:
        if row.step != LAST_STEP:
            message = "it answers, but the seller must enter the credentials again"
            yield warning(name, message, reconnect, command=command)
        else:
            yield shop_works(row)
        if ahead is not None:
            found = installation.clock(f"clock of {row.account_name}", "the shop's", ahead)
            yield replace(found, cause="shop clock")
