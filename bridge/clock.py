"""Time: the current moment, moments that are due or still to come, and the budget of a request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

from bridge.trace import Trace

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
FARTHEST = timedelta(minutes=15)
"""Longer than any row is claimed or postponed for."""


class Clock:
    """The computer's clock. A simulation replaces it with a virtual one by `use`."""

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


_clock = Clock()


def use(clock: Clock) -> Clock:
    """Make this the clock of the whole process and return the one it replaces."""
    global _clock
    previous, _clock = _clock, clock
    return previous


def now() -> datetime:
    """Return the current moment as an aware UTC datetime."""
    return _clock.now()


def monotonic() -> float:
    """Return seconds that only grow, also when the time of day is set."""
    return _clock.monotonic()


def sleep(seconds: float) -> None:
    """Wait this long."""
    _clock.sleep(seconds)


def before(moment: datetime, seconds: float) -> datetime:
    """Return the moment that many seconds earlier, but never one before the epoch."""
    return max(EPOCH, moment) - min(timedelta(seconds=seconds), max(EPOCH, moment) - EPOCH)


def is_future(moment: datetime, now: datetime, farthest: timedelta = FARTHEST) -> bool:
    """Return whether a moment is still to come; otherwise it is due.

    A moment further ahead than `farthest` is due too: it was written before the clock was set back.
    """
    return now < moment <= now + farthest


class Deadline:
    """The time budget of a request, passed down to every shop call; `trace` collects these calls.

    `most_answer_bytes` limits each answer of the shop.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = monotonic, trace: Trace | None = None) -> None:
        self._clock = clock
        self._began = clock()
        self._end = self._began + seconds
        self.trace = trace or Trace()
        self.most_answer_bytes = 16_000_000

    def left(self) -> float:
        """Return the seconds left, never below zero."""
        return max(0.0, self._end - self._clock())

    def spent(self) -> float:
        """Return the seconds since the start, even past the end of the budget."""
        return self._clock() - self._began

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Allow the block at most this many of the seconds left."""
        end = self._end
        self._end = min(end, self._clock() + seconds)
        try:
            yield
        finally:
            self._end = end
