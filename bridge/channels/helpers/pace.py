"""Calls that fit the shop's speed: a slow shop is asked for less at a time, and every request makes progress."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TypeVar

from bridge.channels.base import Page
from bridge.channels.http import AnswerTooLong
from bridge.clock import Deadline
from bridge.errors import ChannelUnavailable

T = TypeVar("T")

FIRST_SIZE = 25
SLOW_SECONDS, QUICK_SECONDS = 3.0, 1.0
WRITE_MARGIN, FITTING_MARGIN = 1.5, 1.6
FAIR_SECONDS = 4.0  # a small call that gets less at the end of a request says little when it is cut off
SMALLEST_PART = 0.25  # of a page, the least that another call is worth
CALL_SHARE = 0.2  # of the time of a call, what it would take with no rows
NO_TIME = "There was no time left to call the shop"


class Pace:
    """How many rows a call carries: 25 at first, more where calls are quick, fewer where they are slow.

    The size is remembered in `cache` under `key`, and shared by all threads.
    """

    def __init__(self, cache: MutableMapping[str, str], key: str, *, limit: int) -> None:
        self._cache = cache
        self._key = key
        self._limit = limit
        self._slowest, self._slowest_size = 0.0, 1

    @property
    def size(self) -> int:
        text = self._cache.get(self._key, "")
        return min(self._limit, int(text) if text.isdecimal() and int(text) else FIRST_SIZE)

    def took(self, size: int, seconds: float, *, full: bool = True) -> None:
        """Learn from a call of this size that was answered, but nothing good from one that was far from full."""
        if seconds > SLOW_SECONDS:
            self._remember(min(self.size, size // 2))
        elif full and seconds < QUICK_SECONDS and size >= self.size:
            self._remember(size * 2)

    def timed_out(self, size: int) -> None:
        """Learn from a call of this size that was not answered in time."""
        self._remember(min(self.size, size // 4))

    def fitting(self, left: float) -> int:
        """Return the size of a call that can end in the seconds left, as far as the slowest one so far tells.

        Returns 0 where only a small part of a call would fit.
        """
        size = self.size
        if not self._slowest:
            return size if left else 0
        share = left / (FITTING_MARGIN * self._slowest)
        fits = int(self._slowest_size * (share - CALL_SHARE) / (1 - CALL_SHARE))
        return min(size, fits) if 4 * fits >= size else 0

    def _expected(self, size: int) -> float:
        return self._slowest * (CALL_SHARE + (1 - CALL_SHARE) * min(1, size / self._slowest_size))

    def _remember(self, size: int) -> None:
        self._cache[self._key] = str(min(self._limit, max(1, size)))

    def timed(self, send: Callable[[], T], size: int, deadline: Deadline) -> Callable[[], T]:
        """Return a write of this size that is timed.

        It raises ChannelUnavailable, and sends nothing, once too little time is left for what another one took: a
        write that is cut off is sent again later for nothing.
        """

        def call() -> T:
            allowed = deadline.left()
            if not allowed or allowed < WRITE_MARGIN * self._expected(size):
                raise ChannelUnavailable(NO_TIME)
            started = deadline.spent()
            try:
                result = send()
            except ChannelUnavailable:
                if _is_all_of(allowed, deadline.spent() - started) and (allowed >= FAIR_SECONDS or size >= self.size):
                    self.timed_out(size)
                raise
            seconds = deadline.spent() - started
            if seconds > self._slowest:
                self._slowest, self._slowest_size = seconds, size
            self.took(size, seconds)
            return result

        return call


def read_paced(
    read: Callable[[str | None, int], Page[T]],
    cursor: str | None,
    *,
    limit: int,
    deadline: Deadline,
    cache: MutableMapping[str, str],
    key: str,
) -> Page[T]:
    """Return a page of about `limit` items at most, read in parts by `read(cursor, size)`.

    The page ends before a small part: lists by offset read some rows twice, so that the last few would take many calls.
    Until something was read, a part may take half of the time that is left; where it does not come in time, or is too
    long to be read, a quarter of it is asked for next. Another part is read only while twice the last one's time is
    left, and where it fails the page ends before it. Cursors must name the last key, never a count of parts or sizes.
    """
    pace = Pace(cache, key, limit=limit)
    items: list[T] = []
    as_of = None
    while True:
        size = min(pace.size, limit - len(items))
        may_shrink = not items and size > 1
        allowed = deadline.left() / 2 if may_shrink else deadline.left()
        started = deadline.spent()
        try:
            with deadline.limited(allowed):
                page = read(cursor, size)
        except ChannelUnavailable as error:
            too_much = isinstance(error, AnswerTooLong) or _is_all_of(allowed, deadline.spent() - started)
            if too_much:
                pace.timed_out(size)
            if items:
                return Page(items, cursor, as_of)
            if not (too_much and may_shrink):
                raise
            continue
        seconds = deadline.spent() - started
        pace.took(size, seconds, full=2 * len(page.items) >= size)
        items += page.items
        as_of = as_of or page.as_of
        cursor = page.next_cursor
        if cursor is None or limit - len(items) < SMALLEST_PART * limit or deadline.left() < 2 * seconds:
            return Page(items, cursor, as_of)


def _is_all_of(allowed: float, seconds: float) -> bool:
    """Return whether a call that failed used up its time."""
    return 0 < 0.9 * allowed <= seconds
