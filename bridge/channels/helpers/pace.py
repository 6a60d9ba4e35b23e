"""Reads in parts that fit the shop's speed: a slow shop is asked for less at a time, and every poll makes progress."""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from typing import TypeVar

from bridge.channels.base import Page
from bridge.clock import Deadline
from bridge.errors import ChannelUnavailable

T = TypeVar("T")

FIRST_SIZE = 25
SLOW_SECONDS, QUICK_SECONDS = 3.0, 1.0


def read_paced(
    read: Callable[[str | None, int], Page[T]],
    cursor: str | None,
    *,
    limit: int,
    deadline: Deadline,
    cache: MutableMapping[str, str],
    key: str,
    clock: Callable[[], float] = time.monotonic,
) -> Page[T]:
    """Return a page of at most `limit` items, read in parts by `read(cursor, size)`.

    The size is remembered in `cache` under `key`. It begins at 25, grows while parts are quick and shrinks where they
    are slow. Until something was read, a part may take half of the time that is left; where it does not come in time,
    a quarter of it is asked for next. Another part is read only while twice the last one's time is left, and where it
    fails the page ends before it. Cursors must name the last key, never a count of parts or sizes.
    """
    size = min(limit, _remembered(cache, key))
    items: list[T] = []
    as_of = None
    while True:
        may_shrink = not items and size > 1
        allowed = deadline.left() / 2 if may_shrink else deadline.left()
        started = clock()
        try:
            with deadline.limited(allowed):
                page = read(cursor, min(size, limit - len(items)))
        except ChannelUnavailable:
            timed_out = clock() - started >= 0.9 * allowed
            if timed_out:
                size = max(1, size // 4)
                cache[key] = str(size)
            if items:
                return Page(items, cursor, as_of)
            if not (timed_out and may_shrink):
                raise
            continue
        took = clock() - started
        if took > SLOW_SECONDS:
            size = max(1, size // 2)
        elif took < QUICK_SECONDS:
            size = min(limit, size * 2)
        cache[key] = str(size)
        items += page.items
        as_of = as_of or page.as_of
        cursor = page.next_cursor
        if cursor is None or len(items) >= limit or deadline.left() < 2 * took:
            return Page(items, cursor, as_of)


def _remembered(cache: MutableMapping[str, str], key: str) -> int:
    text = cache.get(key, "")
    return int(text) if text.isdecimal() and int(text) else FIRST_SIZE
