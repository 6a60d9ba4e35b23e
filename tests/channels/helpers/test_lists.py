"""Several lists are read as one: everything in them comes, in order, under one cursor."""

from __future__ import annotations

import itertools

import pytest

from bridge.channels.base import Page
from bridge.channels.helpers.lists import ReadPage, merge_lists
from bridge.channels.helpers.pace import read_paced
from bridge.clock import Deadline


def letters(text: str) -> ReadPage[str]:
    """A list of letters; its cursor is the number of letters read."""

    def read(cursor: str | None, size: int) -> Page[str]:
        start = int(cursor or 0)
        end = start + size
        return Page(list(text[start:end]), str(end) if end < len(text) else None, text[:1])

    return read


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("texts", list(itertools.product(["", "a", "abcde"], ["", "x", "xyz"], ["", "1", "123"])))
def test_every_item_of_every_list_comes_in_order(texts, size):
    """
    Whatever the lengths, nothing is left out.
    """
    read = merge_lists({f"list {number}": letters(text) for number, text in enumerate(texts)})
    found, cursor = [], None
    while True:
        page = read(cursor, size)
        found += page.items
        if (cursor := page.next_cursor) is None:
            break

    assert "".join(texts) == "".join(found)


def test_lists_that_are_usually_empty_cost_no_page():
    """
    Read at a pace, what the next lists have joins a page that has room for it; its time is that of the first.
    """
    read = merge_lists({"a": letters("abc"), "b": letters(""), "c": letters("xyz")})
    page = read_paced(read, None, limit=5, deadline=Deadline(8), cache={}, key="size")
    rest = read_paced(read, page.next_cursor, limit=5, deadline=Deadline(8), cache={}, key="size")

    assert ("abcxy", "a") == ("".join(page.items), page.as_of)
    assert ("z", None) == ("".join(rest.items), rest.next_cursor)
