"""Lists that a shop can only be asked for by offset, read without losing a row.

A row that leaves such a list moves those behind it forward, and one that joins it moves them back. So a place in the
list is the key of the last row that was read and the offset it stood at; each read begins a little before it, and
finds the place again by the key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bridge.errors import ChannelUnavailable

Row = TypeVar("Row")

STEP_BACK = 10
"""How many rows may leave the list between two reads before a third is needed."""


@dataclass(frozen=True)
class Place:
    """A place in a list that is ordered by a rising key: the last key read, and how many rows stood up to it."""

    key: int = 0
    offset: int = 0

    @classmethod
    def parse(cls, text: str | None) -> Place:
        """Return the place that `str` wrote; the beginning for None."""
        key, _, offset = (text or "0.0").partition(".")
        return cls(int(key), int(offset))

    def __str__(self) -> str:
        return f"{self.key}.{self.offset}"


@dataclass(frozen=True)
class Rows(Generic[Row]):
    """The rows after a place, how many stand before the first of them, and the place after them if more may follow."""

    rows: Sequence[Row]
    first: int
    next_place: Place | None


def read_after(
    read: Callable[[int, int], Sequence[Row]], key_of: Callable[[Row], int], place: Place, *, limit: int
) -> Rows[Row]:
    """Return at most `limit` rows of the list that come after a place.

    `read(offset, limit)` returns rows in the order of their keys. Raises ChannelUnavailable if they are not.
    """
    offset = max(0, place.offset - STEP_BACK)
    while True:
        rows = read(offset, limit)
        keys = [key_of(row) for row in rows]
        if sorted(set(keys)) != keys:
            raise ChannelUnavailable("The shop's list was not in the order that was asked for")
        if offset and (not keys or keys[0] > place.key):  # so many rows left that the place is before this read
            offset = max(0, offset - limit)
        elif len(keys) == limit and keys[-1] <= place.key:  # so many joined that it is behind it
            offset += limit - 1
        else:
            break
    fresh = [row for row, key in zip(rows, keys, strict=True) if key > place.key]
    more = Place(keys[-1], offset + len(keys)) if len(keys) == limit else None
    return Rows(fresh, offset + len(keys) - len(fresh), more)


def read_all(read: Callable[[int, int], Sequence[Row]], key_of: Callable[[Row], int], *, limit: int) -> list[Row]:
    """Return the whole list, read by read."""
    found: list[Row] = []
    place: Place | None = Place()
    while place is not None:
        part = read_after(read, key_of, place, limit=limit)
        found += part.rows
        place = part.next_place
    return found
