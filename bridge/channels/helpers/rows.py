"""A shop's rows as orders: one that cannot be read is held with its reason, and its neighbours go on."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from bridge.errors import unreadable
from bridge.protocol.schemas.orders import Order, PaymentStatus

log = logging.getLogger(__name__)

MOST_NAMES = 20
"""How many rows that cannot be read are named in one line of the log."""

Row = TypeVar("Row")
Result = TypeVar("Result")


class Unreadable:
    """Logs the rows of one page that cannot be read: the first of each kind of failure with its traceback."""

    def __init__(self) -> None:
        self._kinds: set[type[Exception]] = set()
        self._others: list[str] = []

    def add(self, error: Exception, name: str) -> None:
        """Log a row, now or with others at the end."""
        if type(error) in self._kinds:
            self._others.append(name)
            return
        self._kinds.add(type(error))
        log.error("%s cannot be read", name, exc_info=error)

    def finish(self) -> None:
        """Log the others in one line."""
        if self._others:
            log.error("%d more cannot be read: %s", len(self._others), ", ".join(self._others[:MOST_NAMES]))


def map_order(
    row: Row, mapping: Callable[[Row], Order | None], reference: str, failures: Unreadable | None = None
) -> Order | None:
    """Return a row as an order; where that fails, an order with a `fault`, which is held under this reference."""
    try:
        return mapping(row)
    except Exception as error:  # what a shop or its plugins may send is not foreseen
        (failures or Unreadable()).add(error, f"Order {reference}")
        return Order(
            reference_number=reference, payment_status=PaymentStatus.UNPAID, order_items=(), fault=unreadable(error)
        )


def map_orders(
    rows: Iterable[Row], mapping: Callable[[Row], Order | None], reference_of: Callable[[Row], str]
) -> list[Order]:
    """Return the rows of a page as orders, without those that `mapping` leaves out by None.

    A row whose reference cannot be read either is held under a name made of its content.
    """
    failures = Unreadable()
    found = [map_order(row, mapping, _reference(row, reference_of), failures) for row in rows]
    failures.finish()
    return [order for order in found if order]


def readable(rows: Iterable[Row], read: Callable[[Row], Result], name_of: Callable[[Row], str]) -> list[Result]:
    """Return what `read` makes of the rows of a page; one that cannot be read is left out and logged by its name."""
    found, failures = [], Unreadable()
    for row in rows:
        try:
            found.append(read(row))
        except Exception as error:  # what a shop or its plugins may send is not foreseen
            failures.add(error, _reference(row, name_of))
    failures.finish()
    return found


def _reference(row: Row, reference_of: Callable[[Row], str]) -> str:
    try:
        reference = reference_of(row)
    except Exception:
        reference = ""
    return reference or f"unreadable-{hashlib.sha256(repr(row).encode()).hexdigest()[:12]}"
