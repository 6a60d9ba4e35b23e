"""A list that is read by offset loses no row, whatever joins it and leaves it between two reads."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.channels.base import Page
from bridge.channels.helpers.offsets import Position, read_after, read_all, read_page
from bridge.errors import ChannelUnavailable

LIMIT = 5


def reader(keys: list[int]):
    return lambda offset, limit: Page(sorted(keys)[offset : offset + limit])


@given(
    keys=st.sets(st.integers(1, 200), max_size=60),
    leave=st.lists(st.sets(st.integers(1, 200), max_size=20), max_size=12),
    join=st.lists(st.sets(st.integers(1, 200), max_size=5), max_size=12),
    limits=st.lists(st.integers(1, 8), min_size=1, max_size=9),
)
def test_rows_that_stay_are_all_read(keys, leave, join, limits):
    """
    Rows that were there before the run and stay until its end come exactly once, in order, whatever is read at a time.
    """
    limit = itertools.cycle(limits)
    now, stayed, found, position = set(keys), set(keys), [], Position()
    changes = list(zip(leave, [*join, *[set()] * len(leave)], strict=False))
    while True:
        part = read_after(reader(list(now)), lambda key: key, position, limit=next(limit))
        found += part.rows
        if part.next_position is None:
            break
        position = part.next_position
        if changes:
            gone, come = changes.pop()
            now = (now - gone) | come
            stayed &= now

    assert sorted(set(found)) == found
    assert stayed <= set(found)


def test_a_whole_list_is_read():
    """
    Read by read, to the end.
    """
    assert list(range(1, 24)) == read_all(reader(list(range(1, 24))), lambda key: key, limit=LIMIT)


@pytest.mark.parametrize("keys", [list(range(1, 24)), [f"{number:03}" for number in range(23)]])
def test_a_list_is_read_as_pages_of_a_channel(keys):
    """
    Their cursors are text, and the last page has none.
    """
    found, cursor = [], None
    while True:
        page = read_page(
            lambda offset, limit: Page(keys[offset : offset + limit]), lambda key: key, cursor, limit=LIMIT
        )
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
        assert isinstance(cursor, str)

    assert keys == found


def test_ids_may_be_texts():
    """
    As a shop with random ids has them, in the order of texts.
    """
    keys = sorted(f"pay_{number * 7 % 23:02x}" for number in range(23))

    assert keys == read_all(lambda offset, limit: Page(keys[offset : offset + limit]), lambda key: key, limit=LIMIT)


def test_a_list_in_another_order_is_an_error():
    """
    A shop that ignores the order that was asked for would lose rows without a word.
    """
    with pytest.raises(ChannelUnavailable, match="order"):
        read_after(lambda offset, limit: Page([3, 1, 2]), lambda key: key, Position(), limit=LIMIT)


@given(
    ids=st.lists(st.one_of(st.none(), st.integers(1, 3)), max_size=30), limits=st.lists(st.integers(1, 8), min_size=1)
)
def test_rows_without_an_id_lose_no_other(ids, limits):
    """
    They stay behind the row before them: every row comes, those without an id perhaps twice.
    """
    steps = itertools.accumulate(step or 0 for step in ids)
    rows = [(place, key if step else None) for place, (step, key) in enumerate(zip(ids, steps, strict=True))]
    limit, found, position = itertools.cycle(limits), [], Position()
    while position is not None:
        part = read_after(
            lambda offset, limit: Page(rows[offset : offset + limit]), lambda row: row[1], position, limit=next(limit)
        )
        found += part.rows
        position = part.next_position

    assert {place for place, _ in rows} == {place for place, _ in found}
    named = [key for _, key in found if key]
    assert sorted(set(named)) == named
