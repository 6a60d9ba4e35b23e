"""Rows sent to a Medusa shop in batches, which are all or nothing there, so that each row has its own outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from bridge.channels.base import Outcome
from bridge.channels.helpers.pace import NO_TIME, Pace
from bridge.channels.medusa.api import MedusaClient
from bridge.errors import ChannelError, ChannelRefused, ChannelUnavailable, CredentialsRefused

T = TypeVar("T")


def in_batches(
    shop: MedusaClient, rows: Sequence[T], send: Callable[[Sequence[T]], Sequence[Outcome]], *, key: str, limit: int
) -> list[Outcome]:
    """Return the outcomes of rows that `send` reads and writes, as many at a time as the shop takes in time.

    What is read is written at once, so that little can change in between.
    """
    pace = Pace(shop.cache, key, limit=limit)
    outcomes: list[Outcome] = []
    while len(outcomes) < len(rows):
        size = pace.fitting(shop.deadline.left())
        chunk = rows[len(outcomes) : len(outcomes) + size]
        if not chunk:
            break
        try:
            outcomes += pace.timed(partial(send, chunk), len(chunk), shop.deadline)()
        except ChannelError as error:
            outcomes += [error] * len(chunk)
    return outcomes + [ChannelUnavailable(NO_TIME)] * (len(rows) - len(outcomes))


def divide(rows: Sequence[T], send: Callable[[Sequence[T]], object]) -> list[Outcome]:
    """Send rows in one call; if the shop refuses it, send each half, down to the rows that it refuses."""
    if not rows:
        return []
    try:
        send(rows)
    except CredentialsRefused as error:
        return [error] * len(rows)
    except ChannelRefused as error:
        if len(rows) == 1:
            return [error]
        middle = len(rows) // 2
        return divide(rows[:middle], send) + divide(rows[middle:], send)
    except ChannelError as error:
        return [error] * len(rows)
    return [None] * len(rows)
