"""Lists that a shop can only be asked for by offset, read without losing a row.

A row that leaves such a list moves those behind it forward, and one that joins it moves them back. So a place in the
list is the key of the last row that was read and the offset it stood at; each read begins a little before it, and
finds the place again by the key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from bridge.channels.base import Page
from bridge.errors import ChannelUnavailable

Row = TypeVar("Row")

OVERLAP = 10
"""How many rows may leave the list between two reads before a third is needed; fewer where few are read at a time."""

Place = tuple[int, int]
"""The id of a row and 0; for a row whose id cannot be read that of the row before it, and how far behind it stands."""


@dataclass(frozen=True)
class Position:
    """A place in a list that is sorted by id: the last row read, and how many rows stood up to and including it."""

    id: int = 0
    offset: int = 0


@dataclass(frozen=True)
class ListPage(Generic[Row]):
    """The rows after a position, with the offset of the first; `next_position` is None after the last row."""

    rows: Sequence[Row]
    first_offset: int
    next_position: Position | None
    as_of: datetime | None


def read_after(
    read: Callable[[int, int], Page[Row]], id_of: Callable[[Row], int | None], position: Position, *, limit: int
) -> ListPage[Row]:
    """Return rows of the list that come after a position, `limit` or a little fewer, and at least one if there is one.

    `read(offset, limit)` returns rows sorted by id. Raises ChannelUnavailable if they are not. A row whose id is None
    stays behind the one before it, and may come twice.
    """
    limit = max(2, limit) if position.offset else limit
    offset = max(0, position.offset - min(OVERLAP, limit // 2))
    while True:
        page = read(offset, limit)
        places = list(_places(page.items, id_of))
        if sorted(set(places)) != places:
            raise ChannelUnavailable("The shop's list was not in the order that was asked for")
        last = (position.id, 0)
        if offset and (not places or places[0] > last):  # more rows left than the overlap: the position is before
            offset = max(0, offset - limit)
        elif len(places) == limit and places[-1] <= last:  # rows were added: the position is behind
            offset += limit - 1
        else:
            break
    new = [row for row, place in zip(page.items, places, strict=True) if place > last]
    more = Position(places[-1][0], offset + len(places)) if len(places) == limit else None
    return ListPage(new, offset + len(places) - len(new), more, page.as_of)


def _places(rows: Sequence[Row], id_of: Callable[[Row], int | None]) -> Iterator[Place]:
    number, behind = 0, 0
    for row in rows:
        found = id_of(row)
        number, behind = (number, behind + 1) if found is None else (found, 0)
        yield number, behind


def read_all(read: Callable[[int, int], Page[Row]], id_of: Callable[[Row], int | None], *, limit: int) -> list[Row]:
    """Return the whole list, page after page."""
    rows: list[Row] = []
    position: Position | None = Position()
    while position is not None:
        page = read_after(read, id_of, position, limit=limit)
        rows += page.rows
        position = page.next_position
    return rows
