"""Several lists are read as one: everything in them comes, and no page is empty before the end."""

from __future__ import annotations

import itertools

import pytest

from bridge.channels.base import Page
from bridge.channels.helpers.feeds import Feed, merge


def feed(items: str, size: int) -> Feed[str]:
    """A list of letters in pages of a size; its cursor is the number of letters read."""

    def read(cursor: str | None) -> Page[str]:
        start = int(cursor or 0)
        end = start + size
        return Page(list(items[start:end]), str(end) if end < len(items) else None)

    return read


def pages(*lists: str, size: int = 2, page_size: int = 2) -> list[str]:
    """The pages of these lists merged."""
    feeds = {f"feed{number}": feed(items, size) for number, items in enumerate(lists)}
    found, cursor = [], None
    while True:
        page = merge(feeds, cursor, page_size=page_size)
        found.append("".join(page.items))
        if (cursor := page.next_cursor) is None:
            return found


@pytest.mark.parametrize(
    "lists", list(itertools.product(["", "a", "ab", "abc", "abcd", "abcde"], ["", "x", "xy", "xyz"], ["", "1", "123"]))
)
def test_every_item_of_every_list_comes_in_order(lists):
    """
    Whatever the lengths, nothing is left out, and no page but the last is empty.
    """
    found = pages(*lists)

    assert "".join(lists) == "".join(found)
    assert all(found[:-1])


def test_a_list_that_is_usually_empty_costs_no_page():
    """
    What the next list has joins a page that has room for it.
    """
    assert ["ab", "x"] == pages("ab", "x")
    assert ["ax"] == pages("a", "x")
    assert ["abx"] == pages("ab", "x", size=3, page_size=3)


def test_the_time_is_that_of_the_first_list():
    """
    A run began when its first list was read.
    """
    first = merge(
        {"a": lambda cursor: Page((), None, "first"), "b": lambda cursor: Page((1,), None, "second")}, None, page_size=9
    )

    assert ("first", [1]) == (first.as_of, first.items)
