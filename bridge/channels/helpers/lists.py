"""Several lists of a shop read as one, under one cursor.

"Changed since" is often more than one list: orders by their time stamp, orders whose payment moved without it, orders
in the bin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from bridge.channels.base import Page

T = TypeVar("T")

ReadPage = Callable[[str | None, int], Page[T]]
"""Reads at most so many items after a cursor of its own, None for the first."""


def merge_lists(lists: Mapping[str, ReadPage[T]]) -> ReadPage[T]:
    """Return what reads these lists as one, one after the other, in the order of the mapping.

    It suits `read_paced`, which joins what several lists have to one page. A page may be empty before the end. Each
    item should be in one list only: let a later list leave out what an earlier one has, or Linnworks gets it twice.
    The names of lists are in the cursors, so they must not change while any are kept.
    """
    names = list(lists)

    def read(cursor: str | None, size: int) -> Page[T]:
        name, _, own_cursor = (cursor or f"{names[0]}:").partition(":")
        page = lists[name](own_cursor or None, size)
        if page.next_cursor is not None:
            return Page(page.items, f"{name}:{page.next_cursor}", page.as_of)
        following = names[names.index(name) + 1 :]
        return Page(page.items, f"{following[0]}:" if following else None, page.as_of)

    return read
