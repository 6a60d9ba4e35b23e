"""What became of each order that the shop showed: offered to Linnworks, or held and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from peewee import AutoField, Case, ForeignKeyField, IntegerField, TextField

from bridge.store.connections import Connection
from bridge.store.database import MomentField, Row, delete_some, writing
from bridge.store.statements import Statement


class SeenOrder(Row):
    """An order's life on its way to Linnworks.

    `held` says why it could not be sent when it was last looked at. An order that was held stays
    `due`: it is offered again, until Linnworks has asked for what changed since a later moment than
    `released_for`, and so has the answer that held it no more.
    """

    id = AutoField()
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    reference = TextField()
    first_seen_at = MomentField()
    offered_at = MomentField(null=True)
    offers = IntegerField(default=0)
    held = TextField(default="")
    held_since = MomentField(null=True)
    looked_at = MomentField()
    released_for = MomentField(null=True)

    class Meta:
        indexes = ((("connection", "reference"), True), (("connection", "held_since"), False))


_WAS_HELD = SeenOrder.held_since.is_null(False)
IS_HELD = _WAS_HELD & (SeenOrder.held != "")


_OFFER = Statement(
    lambda connection, reference, now, asked_since: SeenOrder.update(
        offered_at=now,
        offers=SeenOrder.offers + 1,
        looked_at=now,
        held=Case(None, [(_WAS_HELD, "")], SeenOrder.held),
        released_for=Case(None, [(_WAS_HELD, SeenOrder.released_for.to_value(asked_since))], SeenOrder.released_for),
    ).where((SeenOrder.connection == connection) & (SeenOrder.reference == reference))
)
_OFFER_FIRST = Statement(
    lambda connection, reference, now: SeenOrder.insert(
        connection=connection, reference=reference, first_seen_at=now, offered_at=now, offers=1, looked_at=now
    ).on_conflict_ignore()
)
_SETTLE = Statement(
    lambda connection, asked_since: SeenOrder.update(held_since=None, released_for=None).where(
        (SeenOrder.connection == connection) & (SeenOrder.released_for < asked_since)
    )
)
_DUE = Statement(
    lambda connection, most: (
        SeenOrder.select()
        .where((SeenOrder.connection == connection) & _WAS_HELD)
        .order_by(SeenOrder.looked_at)
        .limit(most)
    )
)


def record_orders(
    connection_id: int, offered: Sequence[str], held: Mapping[str, str], asked_since: datetime, now: datetime
) -> None:
    """Note which orders go out with this answer, and which are held for which reason."""
    with writing(connection_id):
        if offered:
            known = _OFFER.run_for_each([(connection_id, reference, now, asked_since) for reference in offered])
            if known < len(offered):
                _OFFER_FIRST.run_for_each([(connection_id, reference, now) for reference in offered])
        for reference, reason in held.items():
            SeenOrder.insert(
                connection=connection_id, reference=reference, first_seen_at=now, looked_at=now
            ).on_conflict_ignore().execute()
            this = (SeenOrder.connection == connection_id) & (SeenOrder.reference == reference)
            SeenOrder.update(held=reason, looked_at=now, released_for=None).where(this).execute()
            SeenOrder.update(held_since=now).where(this & SeenOrder.held_since.is_null()).execute()


def settle_orders(connection_id: int, asked_since: datetime) -> None:
    """Let go of orders that were held once and whose release Linnworks has confirmed by asking for later changes."""
    with writing(connection_id):
        _SETTLE.run(connection_id, asked_since)


def due_orders(connection_id: int, most: int) -> list[str]:
    """References of orders to offer again, those first that were looked at longest ago."""
    return [row.reference for row in _DUE.rows(connection_id, most)]


def touch_order(connection_id: int, reference: str, now: datetime) -> None:
    """Note that an order was looked at, so that others are next."""
    with writing(connection_id):
        SeenOrder.update(looked_at=now).where(
            (SeenOrder.connection == connection_id) & (SeenOrder.reference == reference)
        ).execute()


def forget_hold(connection_id: int, reference: str) -> None:
    """Stop offering an order that the shop no longer has."""
    with writing(connection_id):
        SeenOrder.update(held="the shop no longer has it", held_since=None, released_for=None).where(
            (SeenOrder.connection == connection_id) & (SeenOrder.reference == reference)
        ).execute()


def held_orders() -> list[SeenOrder]:
    """All orders that are held, of every connection, the longest held first."""
    query = SeenOrder.select(SeenOrder, Connection).join(Connection)
    return list(query.where(IS_HELD).order_by(SeenOrder.held_since))


def forget_orders(before: datetime, most: int) -> int:
    """Forget some orders that have not been looked at since this moment and are not to be offered again; how many."""
    return delete_some(SeenOrder, SeenOrder.held_since.is_null() & (SeenOrder.looked_at < before), most)


def count_held() -> int:
    """How many orders are held."""
    return int(SeenOrder.select().where(IS_HELD).count())


def seen_order(connection_id: int, reference: str) -> SeenOrder | None:
    """What is known of an order that the shop of this connection has shown."""
    this = (SeenOrder.connection == connection_id) & (SeenOrder.reference == reference)
    found: SeenOrder | None = SeenOrder.get_or_none(this)
    return found
