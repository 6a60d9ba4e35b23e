"""Orders the shops have shown: whether each was offered to Linnworks, or is held and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from peewee import SQL, AutoField, Case, ForeignKeyField, IntegerField, Select, TextField, fn

from bridge.clock import EPOCH, FARTHEST
from bridge.store.connections import Connection
from bridge.store.database import Row, delete_some, writing
from bridge.store.fields import MomentField
from bridge.store.leases import DueCheck
from bridge.store.statements import Statement

MOST_COMPARED = 50_000
MOST_RELEASES = 3
"""How often an order is offered that was held, if no answer is ever proven to have arrived."""


class SeenOrder(Row):
    """An order that a shop has shown, and what became of it; `number` is the one that its customer sees.

    `hold_reason` says why it could not be sent when it was last checked. An order that was held keeps `held_since`
    and is offered again on every run. `released_by` is the run that carried it last: once that run is known to have
    arrived, the order is not offered any more, nor after `releases` of such runs reach MOST_RELEASES.
    """

    id = AutoField()
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    connection_id: int
    reference = TextField()
    number = TextField(default="")
    first_seen_at = MomentField()
    offered_at = MomentField(null=True)
    offers = IntegerField(default=0)
    hold_reason = TextField(default="")
    held_since = MomentField(null=True)
    checked_at = MomentField()
    released_by = IntegerField(null=True)
    releases = IntegerField(default=0)

    class Meta:
        indexes = ((("connection", "reference"), True),)


_WAS_HELD = SeenOrder.held_since.is_null(False)
# constants, or neither database would use the indexes
_IS_HELD = _WAS_HELD & (SeenOrder.hold_reason != SQL("''"))
_MAY_BE_SENT = _WAS_HELD & (SeenOrder.hold_reason == SQL("''"))

SeenOrder.add_index(SeenOrder.connection, SeenOrder.released_by, where=SeenOrder.released_by.is_null(False))
SeenOrder.add_index(SeenOrder.connection, SeenOrder.checked_at, where=_MAY_BE_SENT)
SeenOrder.add_index(SeenOrder.connection, SeenOrder.checked_at, where=_IS_HELD, name="seen_order_held")
SeenOrder.add_index(SeenOrder.checked_at, SeenOrder.connection, where=_IS_HELD)

_UPDATE_OFFERED = Statement(
    lambda connection, reference, number, now, run: SeenOrder.update(
        number=number,
        offered_at=now,
        offers=SeenOrder.offers + 1,
        checked_at=now,
        hold_reason="",
        released_by=Case(None, [(_WAS_HELD, SeenOrder.released_by.to_value(run))], SeenOrder.released_by),
    ).where((SeenOrder.connection == connection) & (SeenOrder.reference == reference))
)
_INSERT_OFFERED = Statement(
    lambda connection, reference, number, now: SeenOrder.insert(
        connection=connection,
        reference=reference,
        number=number,
        first_seen_at=now,
        offered_at=now,
        offers=1,
        checked_at=now,
    ).on_conflict_ignore()
)
_TAKE_BACK = Statement(
    lambda connection, run: SeenOrder.update(released_by=None).where(
        (SeenOrder.connection == connection) & (SeenOrder.released_by == run)
    )
)
_SETTLE = Statement(
    lambda connection, run, releases: SeenOrder.update(held_since=None, released_by=None, releases=0).where(
        (SeenOrder.connection == connection) & (SeenOrder.released_by == run) & (SeenOrder.releases >= releases)
    )
)
_COUNT_RELEASE = Statement(
    lambda connection, run: SeenOrder.update(released_by=None, releases=SeenOrder.releases + 1).where(
        (SeenOrder.connection == connection) & (SeenOrder.released_by == run)
    )
)
_RELEASED = Statement(
    lambda connection: (
        SeenOrder.select().where((SeenOrder.connection == connection) & SeenOrder.released_by.is_null(False)).limit(1)
    )
)
_MAY_BE_SENT_NOW = Statement(
    lambda connection, run, limit: (
        SeenOrder.select()
        .where(
            (SeenOrder.connection == connection)
            & _MAY_BE_SENT
            & (SeenOrder.released_by.is_null() | (SeenOrder.released_by != run))
        )
        .order_by(SeenOrder.checked_at, SeenOrder.id)
        .limit(limit)
    )
)
_STILL_HELD = Statement(
    lambda connection, limit: (
        SeenOrder.select()
        .where((SeenOrder.connection == connection) & _IS_HELD)
        .order_by(SeenOrder.checked_at, SeenOrder.id)
        .limit(limit)
    )
)
_DUE = DueCheck((SeenOrder.checked_at, _IS_HELD))


def record_orders(
    connection_id: int,
    offered: Mapping[str, str],
    held: Mapping[str, tuple[str, str]],
    *,
    run: int | None,
    now: datetime,
) -> None:
    """Record the orders that an answer of this run offers, and those that are held.

    `offered` has the number that the customer sees by the order's reference, `held` that number and the reason.
    """
    with writing(connection_id):
        rows = [
            {"connection": connection_id, "reference": reference, "number": number, "now": now, "run": run}
            for reference, number in offered.items()
        ]
        if rows and _UPDATE_OFFERED.run_for_each(rows) < len(rows):
            _INSERT_OFFERED.run_for_each(rows)
        for reference, (number, reason) in held.items():
            SeenOrder.insert(
                connection=connection_id, reference=reference, first_seen_at=now, checked_at=now
            ).on_conflict_ignore().execute()
            this = (SeenOrder.connection == connection_id) & (SeenOrder.reference == reference)
            SeenOrder.update(number=number, hold_reason=reason, checked_at=now, released_by=None, releases=0).where(
                this
            ).execute()
            SeenOrder.update(held_since=now).where(this & SeenOrder.held_since.is_null()).execute()


def take_back_releases(connection_id: int, run: int) -> None:
    """Take what a run carried as not carried: a page of it is read again, because its answer was lost."""
    with writing(connection_id):
        _TAKE_BACK.run(connection=connection_id, run=run)


def has_releases(connection_id: int) -> bool:
    """Return whether any order that was held waits for the proof that it has arrived."""
    return _RELEASED.any(connection=connection_id)


def settle_orders(connection_id: int, proven: int | None, followed: Sequence[int]) -> None:
    """Stop offering the orders that a run carried which is proven to have arrived.

    Runs that may have arrived count as followed once each, and let an order go at the third, because with clocks that
    are far apart there is never a proof.
    """
    with writing(connection_id):
        if proven is not None:
            _SETTLE.run(connection=connection_id, run=proven, releases=0)
        for run in followed:
            _SETTLE.run(connection=connection_id, run=run, releases=MOST_RELEASES - 1)
            _COUNT_RELEASE.run(connection=connection_id, run=run)


def released_orders(connection_id: int, run: int, limit: int) -> list[str]:
    """Return references of orders that were held and can be sent, and that this run has not carried.

    The longest unchecked come first.
    """
    return [row.reference for row in _MAY_BE_SENT_NOW.rows(connection=connection_id, run=run, limit=limit)]


def still_held_orders(connection_id: int, limit: int) -> list[str]:
    """Return references of orders that could not be sent when they were last checked, the longest unchecked first."""
    return [row.reference for row in _STILL_HELD.rows(connection=connection_id, limit=limit)]


def next_to_recheck(now: datetime, before: datetime, except_of: Sequence[int]) -> SeenOrder | None:
    """Return the held order that was last checked longest ago, if that was before this moment.

    Orders of the connections in `except_of` are left out.
    """
    if not _DUE.any_due(before, now - before + FARTHEST):
        return None
    due = (SeenOrder.checked_at <= before) | (SeenOrder.checked_at > now + FARTHEST)
    others = _IS_HELD & due & SeenOrder.connection.not_in(except_of)
    return SeenOrder.select().where(others).order_by(SeenOrder.checked_at).first()


def record_recheck(connection_id: int, reference: str, reason: str) -> None:
    """Record why a held order cannot be sent, or with an empty reason that the next run offers it first."""
    with writing(connection_id, durable=False):
        this = (SeenOrder.connection == connection_id) & (SeenOrder.reference == reference)
        SeenOrder.update(hold_reason=reason).where(this & _IS_HELD).execute()


def touch_order(connection_id: int, reference: str, now: datetime) -> None:
    """Record that an order is being checked, so that others come first next time."""
    with writing(connection_id, durable=False):
        SeenOrder.update(checked_at=now).where(
            (SeenOrder.connection == connection_id) & (SeenOrder.reference == reference)
        ).execute()


def forget_hold(connection_id: int, reference: str) -> None:
    """Stop offering an order that the shop no longer has."""
    with writing(connection_id):
        SeenOrder.update(hold_reason="the shop no longer has it", held_since=None, released_by=None, releases=0).where(
            (SeenOrder.connection == connection_id) & (SeenOrder.reference == reference)
        ).execute()


_COUNT_HELD = Statement(
    lambda: (
        SeenOrder.select(SeenOrder.connection, fn.COUNT(SeenOrder.id)).where(_IS_HELD).group_by(SeenOrder.connection)
    )
)


def held_orders() -> list[SeenOrder]:
    """Return the held orders of all connections, the longest held first."""
    query = SeenOrder.select(SeenOrder, Connection).join(Connection)
    return list(query.where(_IS_HELD).order_by(SeenOrder.held_since))


def forget_orders(before: datetime, limit: int) -> int:
    """Delete at most `limit` orders last checked before this moment and not to be offered again; return how many."""
    return delete_some(SeenOrder, SeenOrder.held_since.is_null() & (SeenOrder.checked_at < before), limit)


def count_held() -> dict[int, int]:
    """Return how many orders are held, by connection."""
    return dict(_COUNT_HELD.run().fetchall())


def first_held(connection_id: int, limit: int) -> list[SeenOrder]:
    """Return the orders of a connection that have been held for longest."""
    held = SeenOrder.select().where((SeenOrder.connection == connection_id) & _IS_HELD)
    return list(held.order_by(SeenOrder.held_since, SeenOrder.id).limit(limit))


def seen_order(connection_id: int, reference: str) -> SeenOrder | None:
    """Return the record of an order, or None if the shop has never shown it."""
    this = (SeenOrder.connection == connection_id) & (SeenOrder.reference == reference)
    found: SeenOrder | None = SeenOrder.get_or_none(this)
    return found


def order_number(text: str) -> str:
    """Return an order's number as it is compared: without the sign and the blanks that people write with it."""
    return "".join(text.replace("#", "").split()).casefold()


def references_of(number: str, connection_id: int | None = None) -> list[str]:
    """Return the references of the orders whose customers see this number, or that have it as their reference."""
    wanted = order_number(number)
    known = (fn.LOWER(SeenOrder.number) == wanted) | (fn.LOWER(SeenOrder.reference) == wanted)
    mine = known if connection_id is None else (SeenOrder.connection == connection_id) & known
    return [row.reference for row in SeenOrder.select(SeenOrder.reference).where(mine).distinct()]


def find_orders(number: str, limit: int) -> list[SeenOrder]:
    """Return orders of all connections with this number, ours or the one that their customers see.

    The customers' numbers are compared with those of the newest orders only, as many as can be read quickly.
    """
    wanted = order_number(number)
    newest = SeenOrder.select(fn.MAX(SeenOrder.id)).scalar() or 0
    connections = Connection.select(Connection.id)
    ours = SeenOrder.connection.in_(connections) & SeenOrder.reference.in_([wanted, number.strip()])
    theirs = (SeenOrder.id > newest - MOST_COMPARED) & (fn.LOWER(SeenOrder.number) == wanted)
    query = SeenOrder.select(SeenOrder, Connection).join(Connection)
    found = {row.id: row for some in (ours, theirs) for row in query.where(some).order_by(SeenOrder.id).limit(limit)}
    return list(found.values())[:limit]


def orders_by_day(connection_id: int, limit: int) -> tuple[dict[date, int], date | None]:
    """Return how many of a connection's newest orders were first seen on each day, in UTC.

    If there are more than `limit`, the second value is the oldest of these days, of which not all were counted.
    """
    newest = SeenOrder.select(SeenOrder.first_seen_at).where(SeenOrder.connection == connection_id)
    some = newest.order_by(SeenOrder.id.desc()).limit(limit).alias("newest")
    days: Any = Select([some], [SQL("newest.first_seen_at / 86400000000"), fn.COUNT(SQL("*"))]).group_by(SQL("1"))
    counts = {EPOCH.date() + timedelta(days=day): count for day, count in days.bind(Row._meta.database).tuples()}
    return counts, min(counts) if sum(counts.values()) >= limit else None
