"""Which lines of an order Linnworks means: by their number, or else by a SKU that only one line has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bridge.errors import ChannelRefused
from bridge.protocol.schemas.after_sale import Cancellation

Key = TypeVar("Key")


@dataclass(frozen=True)
class Line(Generic[Key]):
    """A line of the shop's order: its key there, its OrderLineNumber and SKU as told to Linnworks."""

    key: Key
    number: str
    sku: str


@dataclass(frozen=True)
class Wanted:
    """A line as Linnworks names it, and how many pieces of it."""

    number: str
    sku: str
    pieces: int


def cancelled(cancellation: Cancellation) -> list[Wanted]:
    """Return what of an order is to be cancelled; nothing means all that is left."""
    return [Wanted(item.order_line_number, item.sku, item.cancellation_quantity or 0) for item in cancellation.items]


def find_line(order: str, lines: Iterable[Line[Key]], number: str, sku: str) -> Key:
    """Return the key of the line with that number or, if no number is given, of the only one with that SKU.

    Raises ChannelRefused where there is no such line, or several have the SKU.
    """
    found = [line.key for line in lines if (line.number == number if number else bool(sku) and line.sku == sku)]
    if not found:
        raise ChannelRefused(f"Order {order} has no line {number or sku}")
    if len(found) > 1:
        raise ChannelRefused(f"Order {order} has several lines with the SKU {sku}: the line number is needed")
    return found[0]


def choose_pieces(
    order: str,
    lines: Sequence[Line[Key]],
    wanted: Sequence[Wanted],
    left: Callable[[Key], int],
) -> Mapping[Key, int]:
    """Return how many pieces of which lines are wanted; nothing wanted means all that are left.

    A line that is named several times counts once, with the sum. Lines of which nothing is wanted are left out.
    Raises ChannelRefused for unknown lines and for more pieces than are left.
    """
    if not wanted:
        return {line.key: left(line.key) for line in lines if left(line.key) > 0}
    pieces: dict[Key, int] = {}
    for one in wanted:
        key = find_line(order, lines, one.number, one.sku)
        pieces[key] = pieces.get(key, 0) + one.pieces
    for line in lines:
        if pieces.get(line.key, 0) > max(0, left(line.key)):
            raise ChannelRefused(
                f"Line {line.number} of order {order} has only {max(0, left(line.key))} left, "
                f"{pieces[line.key]} are wanted"
            )
    return {key: count for key, count in pieces.items() if count}
