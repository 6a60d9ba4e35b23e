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

from bridge.clock import is_future
from bridge.protocol.schemas.products import Price, StockLevel
from bridge.store.connections import Connection
from bridge.store.database import JsonField, MomentField, Row, is_due, writing
from bridge.store.statements import Statement

T = TypeVar("T")

MOST_PENDING = 1000
SETTLES_IN = timedelta(seconds=30)
"""How long a shop may still be at work on a push whose answer was lost."""

Answers = list[str | None]
"""What became of each row of a batch: None for well, else why not."""


class OutboxBatch(Row):
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


class PendingUpdate(Row):
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


class OutboxLease(Row):
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
class Push:
    """The right to push one kind of values for a connection, and what there is to push, oldest first."""

    lease: OutboxLease
    kind: str
    started: datetime
    pending_updates: Sequence[PendingUpdate]
    batches: Sequence[OutboxBatch]


_THIS_LANE = Statement(lambda connection: OutboxLease.select().where(OutboxLease.connection == connection))
_CLAIM = Statement(
    lambda connection, claim, until, unsure_until: OutboxLease.update(
        claim=claim, claimed_until=until, unsure_until=unsure_until
    ).where(OutboxLease.connection == connection)
)
_FREE = Statement(
    lambda connection, claim, now, attempts, next_at: OutboxLease.update(
        claim="", claimed_until=now, attempts=attempts, next_at=next_at
    ).where((OutboxLease.connection == connection) & (OutboxLease.claim == claim))
)
_KEEP = Statement(
    lambda connection, kind, rows, now, until: OutboxBatch.insert(
        connection=connection, kind=kind, content=rows, created_at=now, awaited_until=until
    )
)
_WAITING = Statement(
    lambda connection, kind, but: (
        OutboxBatch.select()
        .where(
            (OutboxBatch.connection == connection)
            & (OutboxBatch.kind == kind)
            & OutboxBatch.outcomes.is_null()
            & (OutboxBatch.id != but)
        )
        .order_by(OutboxBatch.id)
    )
)
_FORGET = Statement(
    lambda connection, number, now: OutboxBatch.delete().where(
        (OutboxBatch.connection == connection)
        & (
            (OutboxBatch.id == number)
            | (OutboxBatch.outcomes.is_null(False) & is_due(OutboxBatch.awaited_until, now))  # and what nobody came for
        )
    )
)
_LEFT = Statement(
    lambda connection, kind: (
        PendingUpdate.select(PendingUpdate.id)
        .where((PendingUpdate.connection == connection) & (PendingUpdate.kind == kind))
        .limit(1)
    )
)


def update_key(row: StockLevel | Price) -> str:
    """What a row sets: its SKU and tag, however long, as a digest."""
    return hashlib.sha256(f"{row.sku}\0{update_tag(row)}".encode()).hexdigest()


def update_tag(row: StockLevel | Price) -> str:
    """The tag of a price."""
    return row.tag if isinstance(row, Price) else ""


def enqueue(
    connection_id: int, kind: str, rows: Sequence[StockLevel | Price], *, now: datetime, until: datetime
) -> tuple[OutboxBatch, Push | None]:
    """Keep a request's rows for good; the batch, and the turn where the lease is free."""
    with writing(connection_id):
        number = _KEEP.insert(connection_id, kind, rows, now, until)
        lease = _claim(connection_id, now, until)
    batch = OutboxBatch(
        id=number, connection=connection_id, kind=kind, content=rows, created_at=now, awaited_until=until
    )
    return batch, _turn(lease, kind, now, own=batch) if lease else None


def lease_outbox(connection_id: int, kind: str, *, now: datetime, until: datetime) -> Push | None:
    """The turn to push all that waits; None while another has the lease."""
    if (
        OutboxLease.select()
        .where((OutboxLease.connection == connection_id) & ~is_due(OutboxLease.claimed_until, now))
        .exists()
    ):
        return None
    with writing(connection_id):
        lease = _claim(connection_id, now, until)
    return _turn(lease, kind, now) if lease else None


def lease_due_outbox(now: datetime, until: datetime) -> Push | None:
    """The turn of the connection that has waited longest with pending_updates or with batches that nobody awaits."""
    unawaited, due = is_due(OutboxBatch.awaited_until, now), is_due(PendingUpdate.next_at, now)
    found = (
        OutboxLease.select(OutboxLease.connection)
        .where(
            is_due(OutboxLease.claimed_until, now)
            & is_due(OutboxLease.next_at, now)
            & (
                OutboxLease.connection.in_(OutboxBatch.select(OutboxBatch.connection).where(unawaited))
                | OutboxLease.connection.in_(PendingUpdate.select(PendingUpdate.connection).where(due))
            )
        )
        .order_by(OutboxLease.next_at)
        .first()
    )
    if found is None:
        return None
    with writing(found.connection_id):
        lease = _claim(found.connection_id, now, until)
    if lease is None:
        return None
    batches = OutboxBatch.select(OutboxBatch.kind).where((OutboxBatch.connection == lease.connection_id) & unawaited)
    items = PendingUpdate.select().where((PendingUpdate.connection == lease.connection_id) & due)
    items = items.order_by(PendingUpdate.next_at, PendingUpdate.id)
    first = batches.order_by(OutboxBatch.id).first() or items.first()
    kind = first.kind if first else ""  # nothing at all where another worker was faster
    return _turn(lease, kind, now, list(items.where(PendingUpdate.kind == kind).limit(MOST_PENDING)))


def find_pending_updates(turn: Push, rows: Mapping[T, StockLevel | Price]) -> dict[T, PendingUpdate]:
    """What is left over of what these rows set, by their keys."""
    if not _LEFT.any(turn.lease.connection_id, turn.kind):
        return {}
    of_kind = (PendingUpdate.connection == turn.lease.connection_id) & (PendingUpdate.kind == turn.kind)
    keys = {update_key(row): key for key, row in rows.items()}
    return {
        keys[item.key]: item
        for some in chunked(keys, 500)
        for item in PendingUpdate.select().where(of_kind & PendingUpdate.key.in_(some))
    }


def finish_push(
    turn: Push,
    *,
    answers: Mapping[int, Answers],
    answered: OutboxBatch | None,
    replaced: Collection[PendingUpdate],
    left: Sequence[Mapping[str, Any]],
    attempts: int,
    next_at: datetime,
    now: datetime,
) -> bool:
    """Record all that came of a turn and free the lease, or nothing where the lease was lost to another.

    The batch `answered` and those that nobody awaits are forgotten; the others get their answers.
    """
    connection_id = turn.lease.connection_id
    awaited = [batch.id for batch in turn.batches if batch != answered and is_future(batch.awaited_until, now)]
    with writing(connection_id, lasting=False):  # what is pushed once more does no harm
        if not _FREE.run(connection_id, turn.lease.claim, now, attempts, next_at).rowcount:
            return False
        for batch_id in awaited:
            OutboxBatch.update(outcomes=answers[batch_id]).where(OutboxBatch.id == batch_id).execute()
        for batch_id in [batch.id for batch in turn.batches if batch.id not in awaited] or [0]:
            _FORGET.run(connection_id, batch_id, now)
        for some in chunked([item.id for item in replaced], 500):
            PendingUpdate.delete().where(PendingUpdate.id.in_(some)).execute()
        for rows in chunked(left, 50):
            PendingUpdate.insert_many(
                [{"connection": connection_id, "kind": turn.kind, **row} for row in rows]
            ).execute()
    return True


def collect_answers(batch: OutboxBatch, now: datetime, *, leave: bool) -> Answers | None:
    """The answers that another's turn has brought, taken out; until then None, and with `leave` nobody awaits them."""
    this = (OutboxBatch.id == batch.id) & (OutboxBatch.created_at == batch.created_at)
    if not leave and not OutboxBatch.select().where(this & OutboxBatch.outcomes.is_null(False)).exists():
        return None
    with writing(batch.connection_id):
        found = OutboxBatch.get_or_none(this)
        if found is None or found.outcomes is None:
            OutboxBatch.update(awaited_until=now).where(this).execute()
            return None
        OutboxBatch.delete().where(this).execute()
    return found.outcomes


def _claim(connection_id: int, now: datetime, until: datetime) -> OutboxLease | None:
    """The lease, ours until then, where nobody has it."""
    lease: OutboxLease | None = _THIS_LANE.first(connection_id)
    if lease is None:
        lease = OutboxLease.create(connection=connection_id, claimed_until=now, next_at=now, unsure_until=now)
    if is_future(lease.claimed_until, now):
        return None
    if lease.claim:
        lease.unsure_until = now + SETTLES_IN
    lease.claim, lease.claimed_until = secrets.token_hex(16), until
    _CLAIM.run(connection_id, lease.claim, lease.claimed_until, lease.unsure_until)
    return lease


def _turn(
    lease: OutboxLease, kind: str, now: datetime, items: Sequence[PendingUpdate] = (), own: OutboxBatch | None = None
) -> Push:
    """The turn with every batch that waits: those that come later are newer than all it leaves over.

    `own` is one of them, which need not be read again.
    """
    batches = _WAITING.rows(lease.connection_id, kind, own.id if own else 0)
    return Push(lease, kind, now, items, sorted([*batches, own], key=attrgetter("id")) if own else batches)


def list_pending_updates(most: int) -> list[PendingUpdate]:
    """Values that the shops have not taken yet, the longest waiting first."""
    query = PendingUpdate.select(PendingUpdate, Connection).join(Connection)
    return list(query.order_by(PendingUpdate.since, PendingUpdate.id).limit(most))


def count_waiting() -> tuple[int, int]:
    """How many requests have not been pushed at all, and how many values are left over."""
    return OutboxBatch.select().where(OutboxBatch.outcomes.is_null()).count(), PendingUpdate.select().count()


def waiting_since() -> datetime | None:
    """Since when the value or request waits that has waited longest for its shop; None where none does."""
    batch = OutboxBatch.select().where(OutboxBatch.outcomes.is_null()).order_by(OutboxBatch.created_at).first()
    item = PendingUpdate.select().order_by(PendingUpdate.since).first()
    return min((row.created_at if row is batch else row.since for row in (batch, item) if row), default=None)


def find_pending_update(number: int) -> PendingUpdate | None:
    """The value of that number that is left over."""
    found: PendingUpdate | None = PendingUpdate.get_or_none(PendingUpdate.id == number)
    return found


def retry_pending_update(item: PendingUpdate, now: datetime) -> None:
    """Make a value that is left over due at once."""
    with writing(item.connection_id):
        PendingUpdate.update(next_at=now).where(PendingUpdate.id == item.id).execute()
        OutboxLease.update(next_at=now).where(OutboxLease.connection == item.connection_id).execute()


def drop_pending_update(item: PendingUpdate) -> None:
    """Give up a value: the shop keeps what it has until Linnworks sends another."""
    with writing(item.connection_id):
        PendingUpdate.delete().where(PendingUpdate.id == item.id).execute()
