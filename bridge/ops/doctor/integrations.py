"""Checks of each integration: its shop, and when Linnworks last asked for orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from bridge.channels import Channels
from bridge.clock import Deadline
from bridge.errors import ChannelError, CredentialsRefused
from bridge.ops.doctor import installation
from bridge.ops.doctor.findings import Finding, State, error, finding, findings_of, ok, warning
from bridge.settings import Settings
from bridge.store.connections import Connection, list_connections
from bridge.store.paging import POLL_SILENCE, last_polls


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
    for row in ready:
        for opener in channels:
            yield from findings_of(_name(row), partial(_shop, row, opener, now))
            yield from omissions(row, opener)
        yield polls(row, polled[row.id], now())


def polls(row: Connection, last: datetime, now: datetime) -> Finding:
    """Check that Linnworks still asks for this integration's orders."""
    asked_for = "never asked for, set up at" if last == row.completed_at else "last asked for at"
    advice = (
        "check in Linnworks, under Settings, Channel integration, that it is enabled and has no error, and here that "
        "the public address answers"
    )
    state = State.ERROR if now - last > POLL_SILENCE else State.OK
    return finding(f"orders of {row.account_name}", f"{asked_for} {last:%Y-%m-%d %H:%M} UTC", state, advice)


def omissions(row: Connection, channels: Channels) -> Iterator[Finding]:
    """Tell what the channel's lists cannot show, if there is anything."""
    left_out = channels.channel_class.omissions
    if left_out:
        yield ok(f"lists of {row.account_name}", f"complete, but for {'; '.join(left_out)}")


def _shop(row: Connection, channels: Channels, now: Callable[[], datetime]) -> Iterator[Finding]:
    """Check that the shop answers and accepts the credentials, and that its clock agrees with ours."""
    name = _name(row)
    reconnect = (
        f"linnworks-bridge connections reconnect {row.id}, then open the integration in Linnworks and enter them again"
    )
    try:
        channel = channels.open_for(row, Deadline(channels.settings.budget_seconds))
        channel.check()
        if row.step != "UserConfig":
            yield warning(name, "it answers, but the seller must enter the credentials again", reconnect)
        else:
            yield ok(name, "it answers")
        asked_at = now()
        shop_time = channel.orders(asked_at, None).as_of
    except CredentialsRefused as problem:
        yield error(name, str(problem), reconnect)
    except ChannelError as problem:
        yield error(name, str(problem), "check that the shop is up and allows calls from this machine")
    else:
        if shop_time is not None:
            # the shop read its clock during the call, and rounded to a second
            ahead = max(asked_at - shop_time - timedelta(seconds=1), min(now() - shop_time, timedelta(0)))
            yield installation.clock(f"clock of {row.account_name}", "the shop's", ahead)


def _name(row: Connection) -> str:
    return f"shop of {row.account_name}"
