"""A slow shop is asked for less at a time, and every poll makes progress."""

from __future__ import annotations

from contextlib import suppress

import pytest

from bridge.channels.base import Page
from bridge.channels.helpers.pace import FIRST_SIZE, Pace, read_paced
from bridge.clock import Deadline
from bridge.errors import ChannelUnavailable, OutcomeUnknown

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


def test_a_page_ends_before_a_part_that_is_hardly_worth_a_call():
    """
    A list by offset reads its last rows twice: a page that is nearly full is not filled by ever smaller calls.
    """
    sizes: list[int] = []

    def read(cursor: str | None, size: int) -> Page[int]:
        sizes.append(size)
        start = int(cursor or 0)
        items = list(range(start, start + size - size // 10))  # a tenth was read before
        return Page(items, str(items[-1] + 1))

    page = read_paced(read, None, limit=100, deadline=Deadline(BUDGET), cache={}, key="size")

    assert [25, 50, 32] == sizes
    assert 97 == len(page.items)


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


# -- writes ----------------------------------------------------------------------------------------------


class Writes:
    """Sends batches one after the other to a shop that takes so many seconds a row."""

    def __init__(self, seconds_each: float) -> None:
        self.seconds_each = seconds_each
        self.time = 0.0
        self.deadline = Deadline(BUDGET, clock=lambda: self.time)
        self.cache: dict[str, str] = {}
        self.sent: list[int] = []

    def push(self, rows: int) -> int:
        """Push so many rows in one request; return how many were taken."""
        self.deadline = Deadline(BUDGET, clock=lambda: self.time)
        pace = Pace(self.cache, "size", limit=50)
        size, taken = pace.size, 0
        for start in range(0, rows, size):
            count = min(size, rows - start)
            with suppress(ChannelUnavailable):
                taken += pace.timed(lambda count=count: self.send(count), count, self.deadline)()
        return taken

    def send(self, count: int) -> int:
        self.sent.append(count)
        takes = count * self.seconds_each
        if takes > self.deadline.left():
            self.time += self.deadline.left()
            raise OutcomeUnknown(TIMED_OUT)
        self.time += takes
        return count


def test_batches_grow_where_the_shop_is_quick():
    """
    The next request begins with what this one found out, up to the largest batch.
    """
    writes = Writes(0.001)

    assert (100, 100) == (writes.push(100), writes.push(100))
    assert [25, 25, 25, 25, 50, 50] == writes.sent


def test_a_batch_that_was_cut_off_is_smaller_next_time():
    """
    One batch is cut off and none after that, and those that are slow still get smaller.
    """
    writes = Writes(1.0)
    taken = [writes.push(50) for _ in range(3)]

    assert [0, 6, 6] == taken
    assert [25, 6, 3, 3] == writes.sent


def test_a_write_is_not_begun_that_cannot_end_in_time():
    """
    Of 25 rows in 5 seconds each, the second batch would be cut off and sent again.
    """
    writes = Writes(0.2)

    assert 25 == writes.push(100)
    assert [25] == writes.sent
    assert 12 == Pace(writes.cache, "size", limit=50).size


def test_a_small_batch_does_not_make_the_next_ones_grow():
    """
    A few rows are quick at any shop.
    """
    writes = Writes(0.001)
    writes.push(3)

    assert FIRST_SIZE == Pace(writes.cache, "size", limit=50).size


def test_the_last_call_of_a_request_is_as_large_as_the_time_left_allows():
    """
    A call takes a part of its time with few rows too; what would be a small part of a call is not sent.
    """
    writes = Writes(0.1)
    pace = Pace(writes.cache, "size", limit=50)
    pace.timed(lambda: writes.send(25), 25, writes.deadline)()

    assert [25, 18, 12, 0, 0] == [pace.fitting(left) for left in (8.0, 3.2, 2.4, 1.0, 0.0)]
    assert 25 == Pace({}, "size", limit=50).fitting(8.0)


def test_a_small_last_call_that_is_cut_off_does_not_make_the_next_ones_smaller():
    """
    It had little time.
    """
    writes = Writes(0.3)
    writes.time = 6.0
    pace = Pace(writes.cache, "size", limit=50)
    with suppress(ChannelUnavailable):
        pace.timed(lambda: writes.send(10), 10, writes.deadline)()

    assert FIRST_SIZE == pace.size
