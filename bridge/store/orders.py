"""Orders the shops have shown: whether each was offered to Linnworks, or is held and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from peewee import AutoField, Case, ForeignKeyField, IntegerField, TextField

from bridge.store.connections import Connection
from bridge.store.database import Row, delete_some, writing
from bridge.store.fields import MomentField
from bridge.store.statements import Statement


class SeenOrder(Row):
    """An order that a shop has shown, and what became of it.

    `hold_reason` says why it could not be sent when it was last checked. An order that was held keeps `held_since`
    and is offered again on every run. `released_for` is the UTCTimeFrom of the request whose answer carried it at
    last: once Linnworks asks for a later one, that answer has arrived, and the order is not offered any more.
    """

    id = AutoField()
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    reference = TextField()
    first_seen_at = MomentField()
    offered_at = MomentField(null=True)
    offers = IntegerField(default=0)
    hold_reason = TextField(default="")
    held_since = MomentField(null=True)
    checked_at = MomentField()
    released_for = MomentField(null=True)

    class Meta:
        indexes = ((("connection", "reference"), True), (("connection", "held_since"), False))


_WAS_HELD = SeenOrder.held_since.is_null(False)
_IS_HELD = _WAS_HELD & (SeenOrder.hold_reason != "")

_UPDATE_OFFERED = Statement(
    lambda connection, reference, now, asked_since: SeenOrder.update(
        offered_at=now,
        offers=SeenOrder.offers + 1,
        checked_at=now,
        hold_reason=Case(None, [(_WAS_HELD, "")], SeenOrder.hold_reason),
        released_for=Case(None, [(_WAS_HELD, SeenOrder.released_for.to_value(asked_since))], SeenOrder.released_for),
    ).where((SeenOrder.connection == connection) & (SeenOrder.reference == reference))
)
_INSERT_OFFERED = Statement(
    lambda connection, reference, now: SeenOrder.insert(
        connection=connection, reference=reference, first_seen_at=now, offered_at=now, offers=1, checked_at=now
    ).on_conflict_ignore()
)
_SETTLE = Statement(
    lambda connection, asked_since: SeenOrder.update(held_since=None, released_for=None).where(
        (SeenOrder.connection == connection) & (SeenOrder.released_for < asked_since)
    )
)
_TO_OFFER_AGAIN = Statement(
    lambda connection, limit: (
        SeenOrder.select()
        .where((SeenOrder.connection == connection) & _WAS_HELD)
        .order_by(SeenOrder.checked_at)
        .limit(limit)
    )
)


def record_orders(
    connection_id: int, offered: Sequence[str], held: Mapping[str, str], asked_since: datetime, now: datetime
) -> None:
    """Record the orders that an answer offers, and those that are held, with the reason of each."""
    with writing(connection_id):
        rows = [
            {"connection": connection_id, "reference": reference, "now": now, "asked_since": asked_since}
            for reference in offered
        ]
        if rows and _UPDATE_OFFERED.run_for_each(rows) < len(rows):
            _INSERT_OFFERED.run_for_each(rows)
        for reference, reason in held.items():
            SeenOrder.insert(
                connection=connection_id, reference=reference, first_seen_at=now, checked_at=now
            ).on_conflict_ignore().execute()
            this = (SeenOrder.connection == connection_id) & (SeenOrder.reference == reference)
            SeenOrder.update(hold_reason=reason, checked_at=now, released_for=None).where(this).execute()
            SeenOrder.update(held_since=now).where(this & SeenOrder.held_since.is_null()).execute()


def settle_orders(connection_id: int, asked_since: datetime) -> None:
    """Stop offering released orders whose arrival Linnworks has confirmed by asking for later changes."""
    with writing(connection_id):
        _SETTLE.run(connection=connection_id, asked_since=asked_since)


def orders_to_offer_again(connection_id: int, limit: int) -> list[str]:
    """Return references of orders that were held, the longest unchecked first."""
    return [row.reference for row in _TO_OFFER_AGAIN.rows(connection=connection_id, limit=limit)]


def touch_order(connection_id: int, reference: str, now: datetime) -> None:
    """Record that an order is being checked, so that others come first next time."""
    with writing(connection_id):
        SeenOrder.update(checked_at=now).where(
            (SeenOrder.connection == connection_id) & (SeenOrder.reference == reference)
        ).execute()


def forget_hold(connection_id: int, reference: str) -> None:
    """Stop offering an order that the shop no longer has."""
    with writing(connection_id):
        SeenOrder.update(hold_reason="the shop no longer has it", held_since=None, released_for=None).where(
            (SeenOrder.connection == connection_id) & (SeenOrder.reference == reference)
        ).execute()


def held_orders() -> list[SeenOrder]:
    """Return the held orders of all connections, the longest held first."""
    query = SeenOrder.select(SeenOrder, Connection).join(Connection)
    return list(query.where(_IS_HELD).order_by(SeenOrder.held_since))


def forget_orders(before: datetime, limit: int) -> int:
    """Delete at most `limit` orders last checked before this moment and not to be offered again; return how many."""
    return delete_some(SeenOrder, SeenOrder.held_since.is_null() & (SeenOrder.checked_at < before), limit)


def count_held() -> int:
    """Return how many orders are held."""
    return int(SeenOrder.select().where(_IS_HELD).count())


def seen_order(connection_id: int, reference: str) -> SeenOrder | None:
    """Return the record of an order, or None if the shop has never shown it."""
    this = (SeenOrder.connection == connection_id) & (SeenOrder.reference == reference)
    found: SeenOrder | None = SeenOrder.get_or_none(this)
    return found
