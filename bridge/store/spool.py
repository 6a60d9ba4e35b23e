"""Stock and prices on their way to the shop: what was asked, what was left over, and whose turn it is to push."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, TypeVar

from peewee import AutoField, CharField, ForeignKeyField, IntegerField, TextField, chunked

from bridge.clock import lies_ahead
from bridge.messages.products import Price, StockLevel
from bridge.store.connections import Connection
from bridge.store.database import JsonField, MomentField, Row, reached, writing
from bridge.store.statements import Statement

T = TypeVar("T")

MOST_LEFTOVERS = 1000
SETTLES_IN = timedelta(seconds=30)
"""How long a shop may still be at work on a push whose answer was lost."""

Answers = list[str | None]
"""What became of each row of a batch: None for well, else why not."""


class SpoolBatch(Row):
    """One request's rows, and once they were pushed an answer for each.

    Its requester waits for them until `awaited_until`; from then on the batch is the worker's.
    """

    id = AutoField()
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    connection_id: int
    kind = CharField(max_length=10)
    content = JsonField()
    outcomes = JsonField(null=True)
    created_at = MomentField()
    awaited_until = MomentField(index=True)

    @property
    def identity(self) -> tuple[int, datetime]:
        """What tells it from a later batch that was given its number."""
        return self.id, self.created_at


class SpoolItem(Row):
    """A value that the shop has not surely taken; what waits in a batch is always newer.

    Until `unsure_until` an earlier push of this SKU and tag may still arrive at the shop.
    """

    id = AutoField()
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    connection_id: int
    kind = CharField(max_length=10)
    key = CharField(max_length=64)
    sku = TextField()
    tag = TextField()
    row = JsonField()
    attempts = IntegerField()
    error = TextField()
    since = MomentField()
    next_at = MomentField(index=True)
    unsure_until = MomentField()

    class Meta:
        indexes = ((("connection", "kind", "key"), True),)


class Lane(Row):
    """Whose turn it is to push for a connection; a claim that ran out and was not given back is a dead holder's.

    Until `unsure_until` what that one pushed may still arrive at the shop.
    """

    connection = ForeignKeyField(Connection, primary_key=True, on_delete="CASCADE")
    connection_id: int
    claim = CharField(max_length=32, default="")
    claimed_until = MomentField()
    next_at = MomentField()
    attempts = IntegerField(default=0)
    unsure_until = MomentField()


@dataclass(frozen=True)
class Turn:
    """The right to push one kind of values for a connection, and what there is to push, oldest first."""

    lane: Lane
    kind: str
    started: datetime
    leftovers: Sequence[SpoolItem]
    batches: Sequence[SpoolBatch]


_THIS_LANE = Statement(lambda connection: Lane.select().where(Lane.connection == connection))
_CLAIM = Statement(
    lambda connection, claim, until, unsure_until: Lane.update(
        claim=claim, claimed_until=until, unsure_until=unsure_until
    ).where(Lane.connection == connection)
)
_FREE = Statement(
    lambda connection, claim, now, attempts, next_at: Lane.update(
        claim="", claimed_until=now, attempts=attempts, next_at=next_at
    ).where((Lane.connection == connection) & (Lane.claim == claim))
)
_KEEP = Statement(
    lambda connection, kind, rows, now, until: SpoolBatch.insert(
        connection=connection, kind=kind, content=rows, created_at=now, awaited_until=until
    )
)
_WAITING = Statement(
    lambda connection, kind, but: (
        SpoolBatch.select()
        .where(
            (SpoolBatch.connection == connection)
            & (SpoolBatch.kind == kind)
            & SpoolBatch.outcomes.is_null()
            & (SpoolBatch.id != but)
        )
        .order_by(SpoolBatch.id)
    )
)
_FORGET = Statement(
    lambda connection, number, now: SpoolBatch.delete().where(
        (SpoolBatch.connection == connection)
        & (
            (SpoolBatch.id == number)
            | (SpoolBatch.outcomes.is_null(False) & reached(SpoolBatch.awaited_until, now))  # and what nobody came for
        )
    )
)
_LEFT = Statement(
    lambda connection, kind: (
        SpoolItem.select(SpoolItem.id).where((SpoolItem.connection == connection) & (SpoolItem.kind == kind)).limit(1)
    )
)


def key_of(row: StockLevel | Price) -> str:
    """What a row sets: its SKU and tag, however long, as a digest."""
    return hashlib.sha256(f"{row.sku}\0{tag_of(row)}".encode()).hexdigest()


def tag_of(row: StockLevel | Price) -> str:
    """The tag of a price."""
    return row.tag if isinstance(row, Price) else ""


def accept(
    connection_id: int, kind: str, rows: Sequence[StockLevel | Price], *, now: datetime, until: datetime
) -> tuple[SpoolBatch, Turn | None]:
    """Keep a request's rows for good; the batch, and the turn where the lane is free."""
    with writing(connection_id):
        number = _KEEP.insert(connection_id, kind, rows, now, until)
        lane = _claim(connection_id, now, until)
    batch = SpoolBatch(
        id=number, connection=connection_id, kind=kind, content=rows, created_at=now, awaited_until=until
    )
    return batch, _turn(lane, kind, now, own=batch) if lane else None


def take_turn(connection_id: int, kind: str, *, now: datetime, until: datetime) -> Turn | None:
    """The turn to push all that waits; None while another has the lane."""
    if Lane.select().where((Lane.connection == connection_id) & ~reached(Lane.claimed_until, now)).exists():
        return None
    with writing(connection_id):
        lane = _claim(connection_id, now, until)
    return _turn(lane, kind, now) if lane else None


def take_due(now: datetime, until: datetime) -> Turn | None:
    """The turn of the connection that has waited longest with leftovers or with batches that nobody awaits."""
    unawaited, due = reached(SpoolBatch.awaited_until, now), reached(SpoolItem.next_at, now)
    found = (
        Lane.select(Lane.connection)
        .where(
            reached(Lane.claimed_until, now)
            & reached(Lane.next_at, now)
            & (
                Lane.connection.in_(SpoolBatch.select(SpoolBatch.connection).where(unawaited))
                | Lane.connection.in_(SpoolItem.select(SpoolItem.connection).where(due))
            )
        )
        .order_by(Lane.next_at)
        .first()
    )
    if found is None:
        return None
    with writing(found.connection_id):
        lane = _claim(found.connection_id, now, until)
    if lane is None:
        return None
    batches = SpoolBatch.select(SpoolBatch.kind).where((SpoolBatch.connection == lane.connection_id) & unawaited)
    items = SpoolItem.select().where((SpoolItem.connection == lane.connection_id) & due)
    items = items.order_by(SpoolItem.next_at, SpoolItem.id)
    first = batches.order_by(SpoolBatch.id).first() or items.first()
    kind = first.kind if first else ""  # nothing at all where another worker was faster
    return _turn(lane, kind, now, list(items.where(SpoolItem.kind == kind).limit(MOST_LEFTOVERS)))


def leftovers(turn: Turn, rows: Mapping[T, StockLevel | Price]) -> dict[T, SpoolItem]:
    """What is left over of what these rows set, by their keys."""
    if not _LEFT.any(turn.lane.connection_id, turn.kind):
        return {}
    of_kind = (SpoolItem.connection == turn.lane.connection_id) & (SpoolItem.kind == turn.kind)
    keys = {key_of(row): key for key, row in rows.items()}
    return {
        keys[item.key]: item
        for some in chunked(keys, 500)
        for item in SpoolItem.select().where(of_kind & SpoolItem.key.in_(some))
    }


def end_turn(
    turn: Turn,
    *,
    answers: Mapping[int, Answers],
    answered: SpoolBatch | None,
    replaced: Collection[SpoolItem],
    left: Sequence[Mapping[str, Any]],
    attempts: int,
    next_at: datetime,
    now: datetime,
) -> bool:
    """Record all that came of a turn and free the lane, or nothing where the lane was lost to another.

    The batch `answered` and those that nobody awaits are forgotten; the others get their answers.
    """
    connection_id = turn.lane.connection_id
    awaited = [batch.id for batch in turn.batches if batch != answered and lies_ahead(batch.awaited_until, now)]
    with writing(connection_id, lasting=False):  # what is pushed once more does no harm
        if not _FREE.run(connection_id, turn.lane.claim, now, attempts, next_at).rowcount:
            return False
        for batch_id in awaited:
            SpoolBatch.update(outcomes=answers[batch_id]).where(SpoolBatch.id == batch_id).execute()
        for batch_id in [batch.id for batch in turn.batches if batch.id not in awaited] or [0]:
            _FORGET.run(connection_id, batch_id, now)
        for some in chunked([item.id for item in replaced], 500):
            SpoolItem.delete().where(SpoolItem.id.in_(some)).execute()
        for rows in chunked(left, 50):
            SpoolItem.insert_many([{"connection": connection_id, "kind": turn.kind, **row} for row in rows]).execute()
    return True


def collect(batch: SpoolBatch, now: datetime, *, leave: bool) -> Answers | None:
    """The answers that another's turn has brought, taken out; until then None, and with `leave` nobody awaits them."""
    this = (SpoolBatch.id == batch.id) & (SpoolBatch.created_at == batch.created_at)
    if not leave and not SpoolBatch.select().where(this & SpoolBatch.outcomes.is_null(False)).exists():
        return None
    with writing(batch.connection_id):
        found = SpoolBatch.get_or_none(this)
        if found is None or found.outcomes is None:
            SpoolBatch.update(awaited_until=now).where(this).execute()
            return None
        SpoolBatch.delete().where(this).execute()
    return found.outcomes


def _claim(connection_id: int, now: datetime, until: datetime) -> Lane | None:
    """The lane, ours until then, where nobody has it."""
    lane: Lane | None = _THIS_LANE.first(connection_id)
    if lane is None:
        lane = Lane.create(connection=connection_id, claimed_until=now, next_at=now, unsure_until=now)
    if lies_ahead(lane.claimed_until, now):
        return None
    if lane.claim:
        lane.unsure_until = now + SETTLES_IN
    lane.claim, lane.claimed_until = secrets.token_hex(16), until
    _CLAIM.run(connection_id, lane.claim, lane.claimed_until, lane.unsure_until)
    return lane


def _turn(lane: Lane, kind: str, now: datetime, items: Sequence[SpoolItem] = (), own: SpoolBatch | None = None) -> Turn:
    """The turn with every batch that waits: those that come later are newer than all it leaves over.

    `own` is one of them, which need not be read again.
    """
    batches = _WAITING.rows(lane.connection_id, kind, own.id if own else 0)
    return Turn(lane, kind, now, items, sorted([*batches, own], key=attrgetter("id")) if own else batches)


def list_leftovers(most: int) -> list[SpoolItem]:
    """Values that the shops have not taken yet, the longest waiting first."""
    query = SpoolItem.select(SpoolItem, Connection).join(Connection)
    return list(query.order_by(SpoolItem.since, SpoolItem.id).limit(most))


def count_waiting() -> tuple[int, int]:
    """How many requests have not been pushed at all, and how many values are left over."""
    return SpoolBatch.select().where(SpoolBatch.outcomes.is_null()).count(), SpoolItem.select().count()


def waiting_since() -> datetime | None:
    """Since when the value or request waits that has waited longest for its shop; None where none does."""
    batch = SpoolBatch.select().where(SpoolBatch.outcomes.is_null()).order_by(SpoolBatch.created_at).first()
    item = SpoolItem.select().order_by(SpoolItem.since).first()
    return min((row.created_at if row is batch else row.since for row in (batch, item) if row), default=None)


def find_leftover(number: int) -> SpoolItem | None:
    """The value of that number that is left over."""
    found: SpoolItem | None = SpoolItem.get_or_none(SpoolItem.id == number)
    return found


def hurry_leftover(item: SpoolItem, now: datetime) -> None:
    """Make a value that is left over due at once."""
    with writing(item.connection_id):
        SpoolItem.update(next_at=now).where(SpoolItem.id == item.id).execute()
        Lane.update(next_at=now).where(Lane.connection == item.connection_id).execute()


def drop_leftover(item: SpoolItem) -> None:
    """Give up a value: the shop keeps what it has until Linnworks sends another."""
    with writing(item.connection_id):
        SpoolItem.delete().where(SpoolItem.id == item.id).execute()
