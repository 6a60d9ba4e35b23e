"""Several lists of a shop read as one, under one cursor.

"Changed since" is often more than one list: orders by their time stamp, orders whose payment moved without it, orders
in the bin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from bridge.channels.base import Page

T = TypeVar("T")

Feed = Callable[[str | None], Page[T]]
"""Reads the page at a cursor of its own, None for the first."""


def merge(feeds: Mapping[str, Feed[T]], cursor: str | None, *, page_size: int) -> Page[T]:
    """Return the page at a cursor over all feeds, one feed after the other, in the order of the mapping.

    A page is empty only if nothing follows it. What the next feed has joins a page that has room for it, so that feeds
    which are usually empty cost no page of their own. `as_of` is that of the first page that was read. An item may
    come twice if it is in two feeds. Feed names must not change while cursors are about.
    """
    names = list(feeds)
    name, _, rest = (cursor or f"{names[0]}:").partition(":")
    page = feeds[name](rest or None)
    found, following, as_of = list(page.items), page.next_cursor, page.as_of
    while True:
        if following is not None and found:
            return Page(found, f"{name}:{following}", as_of)
        if following is None:
            if name == names[-1]:
                return Page(found, None, as_of)
            name = names[names.index(name) + 1]
        page = feeds[name](following)
        if found and len(found) + len(page.items) > page_size:
            return Page(found, f"{name}:", as_of)
        found += page.items
        following = page.next_cursor
