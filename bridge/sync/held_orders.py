"""Held orders: read again until they can be sent, by the worker between polls and at the end of each run.

The worker finds out which can be sent by now; a run offers these first. So a poll costs a share of its budget however
many are held, and 10,000 of a shop that takes 0.1 s for each are found within two hours.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bridge.channels import Channels
from bridge.channels.base import Channel
from bridge.clock import Deadline, monotonic, now
from bridge.errors import ChannelError
from bridge.protocol.schemas.orders import Order
from bridge.store.orders import (
    forget_hold,
    next_to_recheck,
    record_recheck,
    released_orders,
    still_held_orders,
    touch_order,
)
from bridge.sync import order_checks, pauses

log = logging.getLogger(__name__)

AT_ONCE = 1000
"""How many held orders a page reads again at most."""
SHARE = 0.25
"""The share of what is left of the budget in which they are read at the end of the shop's last page."""
SHARE_OF_OWN_PAGE = 0.75
"""The same for a page of nothing else."""
OWN_PAGES = 10
"""How many pages of nothing else a run may have."""
CURSOR = "bridge:held:"
"""What the cursors of these pages begin with, before their number."""

RECHECK_AFTER = timedelta(hours=1)
"""How long an order that is not read by any run waits until the worker reads it again."""
PACE_SECONDS, RECHECK_SECONDS = 1, 0.25
"""How often a worker reads held orders again, and for how long: a fifth of its time, and of one shop's."""
REST_SECONDS = 60
"""How long it leaves a shop alone that has failed."""


def is_own_page(cursor: str | None) -> bool:
    """Return whether a page has held orders only."""
    return cursor is not None and cursor.startswith(CURSOR)


def offer_again(
    connection_id: int, channel: Channel, run: int, cursor: str | None, shown: set[str], now: datetime
) -> tuple[list[Order], str | None]:
    """Return orders that were held as the shop has them now, and the cursor of a page with more of them.

    Those that can be sent as far as is known come first; there is another page if time ends before all are read. The
    others are read as far as there is time, the longest unchecked first. What cannot be read stays for the next run.
    """
    own = is_own_page(cursor)
    page = int(cursor.removeprefix(CURSOR)) if own and cursor else 0
    found: list[Order] = []
    failed: list[tuple[str, ChannelError]] = []
    with channel.deadline.limited((SHARE_OF_OWN_PAGE if own else SHARE) * channel.deadline.left()):
        released = released_orders(connection_id, run, AT_ONCE)
        unread = len(released)
        for reference in [*released, *([] if own else still_held_orders(connection_id, AT_ONCE))]:
            if not channel.deadline.left():
                break
            unread -= 1
            if reference in shown:
                continue
            touch_order(connection_id, reference, now)  # so that one that cannot be read does not block the others
            try:
                order = _read(connection_id, channel, reference)
            except ChannelError as error:
                failed.append((reference, error))
            else:
                found += [order] if order else []
    if failed:
        log.warning(
            "%d held orders of connection %s cannot be read, such as %s: %s", len(failed), connection_id, *failed[0]
        )
    more = unread > 0 and found and page < OWN_PAGES
    return found, f"{CURSOR}{page + 1}" if more else None


def _read(connection_id: int, channel: Channel, reference: str) -> Order | None:
    """Return a held order as the shop has it now; None if it has none, or one that cannot be mapped.

    Raises ChannelError. An order that the shop no longer has is no longer held.
    """
    try:
        order = channel.order(reference)
    except ChannelError:
        raise
    except Exception:
        log.exception("Held order %s of connection %s cannot be read", reference, connection_id)
        return None
    if order is None:
        forget_hold(connection_id, reference)
    return order


class Rechecks:
    """The worker's task: find out which held orders can be sent by now, a few of them each second."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._due = float("-inf")
        self._resting: dict[int, float] = {}

    def work_one(self, channels: Channels) -> bool:
        """Read again what has waited longest; return False, because there is never a hurry."""
        started = self._clock()
        if started < self._due:
            return False
        self._due = started + PACE_SECONDS
        self._resting = {one: until for one, until in self._resting.items() if started < until}
        deadline = Deadline(channels.settings.budget_seconds)
        opened: dict[int, Channel] = {}
        while self._clock() < started + RECHECK_SECONDS:
            moment = now()
            row = next_to_recheck(moment, moment - RECHECK_AFTER, list(self._resting))
            if row is None:
                break
            touch_order(row.connection_id, row.reference, moment)
            if pauses.find_pause(row.connection, pauses.ORDERS):
                self._resting[row.connection_id] = self._clock() + REST_SECONDS
                continue
            try:
                if row.connection_id not in opened:
                    opened[row.connection_id] = channels.open_for(row.connection, deadline)
                order = _read(row.connection_id, opened[row.connection_id], row.reference)
            except ChannelError as error:
                log.warning("Held orders of connection %s cannot be read: %s", row.connection_id, error)
                self._resting[row.connection_id] = self._clock() + REST_SECONDS
            else:
                if order:
                    record_recheck(row.connection_id, row.reference, order_checks.check(order)[1])
        return False
