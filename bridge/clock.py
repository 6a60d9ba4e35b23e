"""Time: the present moment, and what is left of a request's budget."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
FARTHEST = timedelta(minutes=15)
"""No row is claimed for, or put off by, as long as this."""


def now() -> datetime:
    """The present moment in aware UTC."""
    return datetime.now(timezone.utc)


def before(moment: datetime, seconds: float) -> datetime:
    """The moment that many seconds earlier, or the epoch where that would be earlier still."""
    return max(EPOCH, moment) - min(timedelta(seconds=seconds), max(EPOCH, moment) - EPOCH)


def is_future(moment: datetime, now: datetime, farthest: timedelta = FARTHEST) -> bool:
    """Whether a moment that something was put off to is still to come.

    One further ahead than anything is put off was written before the clock was set back, and holds nothing up.
    """
    return now < moment <= now + farthest


class Deadline:
    """The seconds a request may still spend; handed down to every shop call, and counting them."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._end = self._began + seconds
        self._counting = threading.Lock()
        self.shop_calls = 0

    def left(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._end - self._clock())

    def spent(self) -> float:
        """Seconds since it was set, also beyond what there was to spend."""
        return self._clock() - self._began

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Let what the block does spend at most this many seconds of what is left."""
        end = self._end
        self._end = min(end, self._clock() + seconds)
        try:
            yield
        finally:
            self._end = end

    def count_call(self) -> None:
        """Note that a call to the shop is begun."""
        with self._counting:
            self.shop_calls += 1
