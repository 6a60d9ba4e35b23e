"""The check of a shop: whether it answers and accepts the credentials, and whether its clock agrees with ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bridge.channels.base import Channel

CLOCK_WARNING, CLOCK_ERROR = timedelta(seconds=30), timedelta(seconds=300)


def check_shop(channel: Channel, now: Callable[[], datetime]) -> timedelta | None:
    """Return how far our clock is ahead of the shop's, None if it does not tell; raises ChannelError if it fails.

    The shop is asked for orders too, which is what Linnworks will ask it for.
    """
    channel.check()
    asked_at = now()
    shop_time = channel.orders(asked_at, None).as_of
    if shop_time is None:
        return None
    # the shop read its clock during the call, and rounded to a second
    return max(asked_at - shop_time - timedelta(seconds=1), min(now() - shop_time, timedelta(0)))


def compare_clocks(owner: str, ahead: timedelta) -> str:
    """Return a message about another clock that ours is ahead of by so much."""
    by = abs(ahead)
    how = "ahead of" if ahead > timedelta(0) else "behind"
    return f"ours is {round(by.total_seconds())} s {how} {owner}" if by > CLOCK_WARNING else f"agrees with {owner}"
