"""A list that is read by offset loses no row, whatever joins it and leaves it between two reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.channels.base import Page
from bridge.channels.helpers.offsets import Position, read_after, read_all
from bridge.errors import ChannelUnavailable

LIMIT = 5


def reader(keys: list[int]):
    return lambda offset, limit: Page(sorted(keys)[offset : offset + limit])


@given(
    keys=st.sets(st.integers(1, 200), max_size=60),
    leave=st.lists(st.sets(st.integers(1, 200), max_size=20), max_size=12),
    join=st.lists(st.sets(st.integers(1, 200), max_size=5), max_size=12),
)
def test_rows_that_stay_are_all_read(keys, leave, join):
    """
    Rows that were there before the run and stay until its end come exactly once, in order.
    """
    now, found, position = set(keys), [], Position()
    changes = list(zip(leave, [*join, *[set()] * len(leave)], strict=False))
    while True:
        part = read_after(reader(list(now)), lambda key: key, position, limit=LIMIT)
        found += part.rows
        if part.next_position is None:
            break
        position = part.next_position
        if changes:
            gone, come = changes.pop()
            now = (now - gone) | come

    assert sorted(set(found)) == found
    assert keys & now <= set(found)


def test_a_whole_list_is_read():
    """
    Read by read, to the end.
    """
    assert list(range(1, 24)) == read_all(reader(list(range(1, 24))), lambda key: key, limit=LIMIT)


def test_a_list_in_another_order_is_an_error():
    """
    A shop that ignores the order that was asked for would lose rows without a word.
    """
    with pytest.raises(ChannelUnavailable, match="order"):
        read_after(lambda offset, limit: Page([3, 1, 2]), lambda key: key, Position(), limit=LIMIT)
