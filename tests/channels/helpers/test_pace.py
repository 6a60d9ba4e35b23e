"""A slow shop is asked for less at a time, and every poll makes progress."""

from __future__ import annotations

import pytest

from bridge.channels.base import Page
from bridge.channels.helpers.pace import read_paced
from bridge.clock import Deadline
from bridge.errors import ChannelUnavailable

BUDGET = 8.0
TIMED_OUT = "The shop did not answer in time"


class SlowShop:
    """A list of numbers that takes so many seconds an item, on a clock of its own."""

    def __init__(self, seconds_each: float, length: int = 1000) -> None:
        self.seconds_each = seconds_each
        self.length = length
        self.time = 0.0
        self.cache: dict[str, str] = {}
        self.sizes: list[int] = []

    def poll(self, cursor: str | None = None, limit: int = 100) -> Page[int]:
        """One request of Linnworks."""
        deadline = Deadline(BUDGET, clock=lambda: self.time)

        def read(cursor: str | None, size: int) -> Page[int]:
            self.sizes.append(size)
            start = int(cursor or 0)
            items = list(range(start, min(start + size, self.length)))
            takes = self.seconds_each * len(items)
            if takes > deadline.left():
                self.time += deadline.left()
                raise ChannelUnavailable(TIMED_OUT)
            self.time += takes
            end = start + len(items)
            return Page(items, str(end) if end < self.length else None)

        begun = self.time
        try:
            return read_paced(read, cursor, limit=limit, deadline=deadline, cache=self.cache, key="size")
        finally:
            assert self.time - begun <= BUDGET + 1e-9


@pytest.mark.parametrize("seconds_each", [0.001, 0.09, 0.2, 0.5, 1.0])
def test_every_poll_makes_progress(seconds_each):
    """
    Each request gives a page with something in it, in time, and in the end everything has come once.
    """
    shop, found, cursor, polls = SlowShop(seconds_each, length=120), [], None, 0
    while True:
        page = shop.poll(cursor)
        assert page.items
        found += page.items
        polls += 1
        if (cursor := page.next_cursor) is None:
            break

    assert list(range(120)) == found
    assert polls <= 2 + 120 * seconds_each / (BUDGET / 4)


def test_a_quick_shop_gives_a_whole_page():
    """
    The size grows, and is remembered.
    """
    shop = SlowShop(0.001)

    assert 100 == len(shop.poll().items)
    assert 100 == len(shop.poll("100").items)
    assert [25, 50, 25, 100] == shop.sizes


def test_a_shop_that_does_not_answer_at_all_is_an_error():
    """
    Less is tried once, then the failure is told.
    """
    with pytest.raises(ChannelUnavailable, match=TIMED_OUT):
        SlowShop(100.0).poll()


def test_what_was_read_before_a_failure_is_given():
    """
    The page ends before the part that failed, and the next begins there.
    """
    shop = SlowShop(0.01)
    first = shop.poll()
    shop.cache["size"] = "25"
    shop.length = 10_000
    rest = shop.poll(first.next_cursor)

    assert list(range(100, 100 + len(rest.items))) == rest.items
    assert str(100 + len(rest.items)) == rest.next_cursor


def test_a_failure_that_is_not_about_time_is_told_at_once():
    """
    A shop that says no is not asked again.
    """
    asked = []

    def read(cursor: str | None, size: int) -> Page[int]:
        asked.append(size)
        raise ChannelUnavailable("The shop failed with an error of its own (503)")

    with pytest.raises(ChannelUnavailable, match="503"):
        read_paced(read, None, limit=100, deadline=Deadline(BUDGET), cache={}, key="size")
    assert [25] == asked
