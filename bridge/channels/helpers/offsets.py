"""Lists that a shop can only be asked for by offset, read without losing a row.

A row that leaves such a list moves those behind it forward, and one that joins it moves them back. So a place in the
list is the key of the last row that was read and the offset it stood at; each read begins a little before it, and
finds the place again by the key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from bridge.channels.base import Page
from bridge.errors import ChannelUnavailable

Row = TypeVar("Row")

OVERLAP = 10
"""How many rows may leave the list between two reads before a third is needed."""


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
    read: Callable[[int, int], Page[Row]], id_of: Callable[[Row], int], position: Position, *, limit: int
) -> ListPage[Row]:
    """Return at most `limit` rows of the list that come after a position.

    `read(offset, limit)` returns rows sorted by id. Raises ChannelUnavailable if they are not.
    """
    offset = max(0, position.offset - OVERLAP)
    while True:
        page = read(offset, limit)
        ids = [id_of(row) for row in page.items]
        if sorted(set(ids)) != ids:
            raise ChannelUnavailable("The shop's list was not in the order that was asked for")
        if offset and (not ids or ids[0] > position.id):  # more rows left than OVERLAP: the position is before
            offset = max(0, offset - limit)
        elif len(ids) == limit and ids[-1] <= position.id:  # rows were added: the position is behind
            offset += limit - 1
        else:
            break
    new = [row for row, number in zip(page.items, ids, strict=True) if number > position.id]
    more = Position(ids[-1], offset + len(ids)) if len(ids) == limit else None
    return ListPage(new, offset + len(ids) - len(new), more, page.as_of)


def read_all(read: Callable[[int, int], Page[Row]], id_of: Callable[[Row], int], *, limit: int) -> list[Row]:
    """Return the whole list, page after page."""
    rows: list[Row] = []
    position: Position | None = Position()
    while position is not None:
        page = read_after(read, id_of, position, limit=limit)
        rows += page.rows
        position = page.next_position
    return rows
