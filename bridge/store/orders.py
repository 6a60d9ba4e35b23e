"""What became of each order that the shop showed: offered to Linnworks, or held and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from peewee import AutoField, ForeignKeyField, IntegerField, TextField

from bridge.store.connections import Connection
from bridge.store.database import MomentField, Row, delete_some, writing


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


IS_HELD = SeenOrder.held_since.is_null(False) & (SeenOrder.held != "")


def record_orders(
    connection_id: int, offered: Sequence[str], held: Mapping[str, str], asked_since: datetime, now: datetime
) -> None:
    """Note which orders go out with this answer, and which are held for which reason."""
    references = [*offered, *held]
    of_these = (SeenOrder.connection == connection_id) & SeenOrder.reference.in_(references)
    with writing(connection_id):
        known = {row.reference for row in SeenOrder.select(SeenOrder.reference).where(of_these)}
        new = [
            {"connection": connection_id, "reference": reference, "first_seen_at": now, "looked_at": now}
            for reference in references
            if reference not in known
        ]
        if new:
            SeenOrder.insert_many(new).on_conflict_ignore().execute()
        mine = SeenOrder.connection == connection_id
        if offered:
            out = mine & SeenOrder.reference.in_(list(offered))
            SeenOrder.update(offered_at=now, offers=SeenOrder.offers + 1, looked_at=now).where(out).execute()
            due = out & SeenOrder.held_since.is_null(False)
            SeenOrder.update(held="", released_for=asked_since).where(due).execute()
        for reference, reason in held.items():
            this = mine & (SeenOrder.reference == reference)
            SeenOrder.update(held=reason, looked_at=now, released_for=None).where(this).execute()
            SeenOrder.update(held_since=now).where(this & SeenOrder.held_since.is_null()).execute()


def settle_orders(connection_id: int, asked_since: datetime) -> None:
    """Let go of orders that were held once and whose release Linnworks has confirmed by asking for later changes."""
    confirmed = (SeenOrder.connection == connection_id) & (SeenOrder.released_for < asked_since)
    with writing(connection_id):
        SeenOrder.update(held_since=None, released_for=None).where(confirmed).execute()


def due_orders(connection_id: int, most: int) -> list[str]:
    """References of orders to offer again, those first that were looked at longest ago."""
    due = (SeenOrder.connection == connection_id) & SeenOrder.held_since.is_null(False)
    return [row.reference for row in SeenOrder.select().where(due).order_by(SeenOrder.looked_at).limit(most)]


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
