"""Each integration: its shop, and when Linnworks last asked for orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from bridge.channels import Channels
from bridge.clock import Deadline
from bridge.errors import ChannelError, CredentialsRefused
from bridge.ops.doctor import installation
from bridge.ops.doctor.findings import Finding, State, asked, fault, judged, warning, well
from bridge.settings import Settings
from bridge.store.connections import Connection, list_connections
from bridge.store.paging import POLL_SILENCE, last_polls


def integrations(settings: Settings, channels: Sequence[Channels], now: Callable[[], datetime]) -> Iterator[Finding]:
    """All integrations that are set up, and a word on those that are not yet."""
    of_another = installation.channel_fault(settings)
    if of_another:
        yield of_another
        return
    rows = list_connections()
    ready = [row for row in rows if row.complete]
    yield well("integrations", f"{len(ready)} set up, {len(rows) - len(ready)} in the wizard")
    polled = last_polls()
    for row in ready:
        for opener in channels:
            yield from asked(_name(row), partial(_shop, row, opener, now))
        yield polls(row, polled[row.id], now())


def polls(row: Connection, last: datetime, now: datetime) -> Finding:
    """Whether Linnworks still asks for this integration's orders."""
    asked_for = "never asked for, since" if last == row.completed_at else "last asked for at"
    advice = (
        "see in Linnworks, Settings, Channel integration, that it is enabled and has no error, and here that the "
        "public address answers"
    )
    state = State.FAULT if now - last > POLL_SILENCE else State.OK
    return judged(f"orders of {row.account_name}", f"{asked_for} {last:%Y-%m-%d %H:%M} UTC", state, advice)


def _shop(row: Connection, channels: Channels, now: Callable[[], datetime]) -> Iterator[Finding]:
    """Whether the shop answers and takes the credentials, and whether its clock goes with ours."""
    name = _name(row)
    reconnect = (
        f"linnworks-bridge connections reconnect {row.id}, then open the integration in Linnworks and enter them again"
    )
    try:
        channel = channels.open(channels.config(row), Deadline(channels.settings.budget_seconds))
        channel.check()
        if row.step != "UserConfig":
            yield warning(name, "it answers, but credentials are asked for", reconnect)
        else:
            yield well(name, "it answers")
        begun = now()
        shop_time = channel.orders(begun, None).as_of
    except CredentialsRefused as error:
        yield fault(name, str(error), reconnect)
    except ChannelError as error:
        yield fault(name, str(error), "see whether the shop is up and lets this machine in")
    else:
        if shop_time is not None:
            # it told the time while it was asked, and no finer than to the second
            ahead = max(begun - shop_time - timedelta(seconds=1), min(now() - shop_time, timedelta(0)))
            yield installation.clock(f"clock of {row.account_name}", "the shop's", ahead)


def _name(row: Connection) -> str:
    return f"shop of {row.account_name}"
