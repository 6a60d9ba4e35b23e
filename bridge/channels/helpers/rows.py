"""A shop's rows as orders: one that cannot be read is held with its reason, and its neighbours go on."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from bridge.errors import unreadable
from bridge.protocol.schemas.orders import Order, PaymentStatus

log = logging.getLogger(__name__)

Row = TypeVar("Row")
Result = TypeVar("Result")


def map_order(row: Row, mapping: Callable[[Row], Order | None], reference: str) -> Order | None:
    """Return a row as an order; where that fails, an order with a `fault`, which is held under this reference."""
    try:
        return mapping(row)
    except Exception as error:  # what a shop or its plugins may send is not foreseen
        log.exception("Order %s cannot be read", reference)
        return Order(
            reference_number=reference, payment_status=PaymentStatus.UNPAID, order_items=(), fault=unreadable(error)
        )


def map_orders(
    rows: Iterable[Row], mapping: Callable[[Row], Order | None], reference_of: Callable[[Row], str]
) -> list[Order]:
    """Return the rows of a page as orders, without those that `mapping` leaves out by None.

    A row whose reference cannot be read either is held under a name made of its content.
    """
    found = (map_order(row, mapping, _reference(row, reference_of)) for row in rows)
    return [order for order in found if order]


def readable(rows: Iterable[Row], read: Callable[[Row], Result], name_of: Callable[[Row], str]) -> list[Result]:
    """Return what `read` makes of the rows of a page; one that cannot be read is left out and logged by its name."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except Exception:  # what a shop or its plugins may send is not foreseen
            log.exception("%s cannot be read", _reference(row, name_of))
    return found


def _reference(row: Row, reference_of: Callable[[Row], str]) -> str:
    try:
        reference = reference_of(row)
    except Exception:
        reference = ""
    return reference or f"unreadable-{hashlib.sha256(repr(row).encode()).hexdigest()[:12]}"
