"""Lists that a shop can only be asked for by offset, read without losing a row.

A row that leaves such a list moves those behind it forward, and one that joins it moves them back. So a place in the
list is the key of the last row that was read and the offset it stood at; each read begins a little before it, and
finds the place again by the key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from bridge.channels.base import Page
from bridge.errors import ChannelUnavailable

Row = TypeVar("Row")

OVERLAP = 10
"""How many rows may leave the list between two reads before a third is needed; fewer where few are read at a time."""


@dataclass(frozen=True)
class Position:
    """A place in a list that is sorted by id: the last row read, and how many rows stood up to and including it.

    Ids are numbers or texts, compared as the shop sorts them; None before the first row.
    """

    id: Any = None
    offset: int = 0


@dataclass(frozen=True)
class ListPage(Generic[Row]):
    """The rows after a position, with the offset of the first; `next_position` is None after the last row."""

    rows: Sequence[Row]
    first_offset: int
    next_position: Position | None
    as_of: datetime | None


def read_after(
    read: Callable[[int, int], Page[Row]], id_of: Callable[[Row], Any], position: Position, *, limit: int
) -> ListPage[Row]:
    """Return rows of the list that come after a position, `limit` or a little fewer, and at least one if there is one.

    `read(offset, limit)` returns rows sorted by id. Raises ChannelUnavailable if they are not. A row whose id is None
    stays behind the one before it, and may come twice.
    """
    limit = max(2, limit) if position.offset else limit
    offset = max(0, position.offset - min(OVERLAP, limit // 2))
    while True:
        page = read(offset, limit)
        ids = [id_of(row) for row in page.items]
        known = [number for number in ids if number is not None]
        if sorted(set(known)) != known:
            raise ChannelUnavailable("The shop's list was not in the order that was asked for")
        if offset and (not ids or _is_past(ids[0], position)):  # more rows left than the overlap: it is before
            offset = max(0, offset - limit)
        elif len(ids) == limit and known and _is_behind(known[-1], ids[-1], position):  # rows were added
            offset += limit - 1
        else:
            break
    old = sum(not _is_past(number, position) for number in known)
    start = ids.index(known[old - 1]) + 1 if old else 0
    while start < len(ids) and ids[start] is None and offset + start < position.offset:
        start += 1
    more = Position(known[-1] if known else position.id, offset + len(ids)) if len(ids) == limit else None
    return ListPage(page.items[start:], offset + start, more, page.as_of)


def _is_past(row_id: Any, position: Position) -> bool:
    """Return whether a row comes after a position; one without an id may not."""
    return row_id is not None and (position.id is None or bool(row_id > position.id))


def _is_behind(last_known: Any, last: Any, position: Position) -> bool:
    """Return whether a position is behind the rows of a read, or at the last of them."""
    return position.id is not None and bool(last_known < position.id or last == position.id)


def read_page(
    read: Callable[[int, int], Page[Row]], id_of: Callable[[Row], Any], cursor: str | None, *, limit: int
) -> Page[Row]:
    """Return the rows that come after a cursor of this function as a page; the same as `read_after` otherwise."""
    found = read_after(read, id_of, Position(*json.loads(cursor or "[]")), limit=limit)
    end = found.next_position
    return Page(found.rows, json.dumps([end.id, end.offset]) if end else None, found.as_of)


def read_all(read: Callable[[int, int], Page[Row]], id_of: Callable[[Row], Any], *, limit: int) -> list[Row]:
    """Return the whole list, page after page."""
    rows: list[Row] = []
    position: Position | None = Position()
    while position is not None:
        page = read_after(read, id_of, position, limit=limit)
        rows += page.rows
        position = page.next_position
    return rows
