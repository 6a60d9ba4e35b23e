"""The outbox: stock levels and prices that shops have yet to take, and the lease of the process that pushes them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from peewee import SQL, AutoField, CharField, ForeignKeyField, IntegerField, TextField, Value, chunked, fn

from bridge.clock import is_future
from bridge.protocol.schemas.products import Price, StockLevel
from bridge.store.connections import Connection
from bridge.store.database import Row, writing
from bridge.store.fields import JsonField, LenientJsonField, MomentField, NumberField, as_json, is_due
from bridge.store.leases import DueCheck, LeasedRow
from bridge.store.statements import Statement

Key = TypeVar("Key")

MOST_PENDING = 1000
"""How many pending updates the worker pushes at once."""
SETTLES_IN = timedelta(seconds=30)
"""How long a shop may still be working on a push whose answer was lost."""
KEYS_PER_QUERY = 500
MOST_DEATHS = 2
"""After how many processes that died while they pushed for a connection its values are pushed one at a time."""
MOST_DEATHS_ALONE = 3
"""How many of them may die of the same update before it is set aside."""
NO_BATCH = 0
"""A number that no batch has."""

Results = list[str | None]
"""The result of each row of a batch: None where the shop took it, else the error."""


class OutboxBatch(Row):
    """The rows of one request and, once they were pushed, a result for each.

    The request waits for the results until `awaited_until`; from then on the batch is the worker's.
    """

    id = AutoField()
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    connection_id: int
    kind = CharField(max_length=10)
    content = LenientJsonField()
    results = JsonField(null=True)
    created_at = MomentField()
    awaited_until = MomentField(index=True)

    @property
    def identity(self) -> tuple[int, datetime]:
        """What distinguishes it from a later batch with the same number."""
        return self.id, self.created_at


class PendingUpdate(Row):
    """A value that the shop may not have taken; what waits in a batch is always newer.

    Until `unsure_until` an earlier push of this SKU and tag may still arrive at the shop.
    """

    id = AutoField()
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    connection_id: int
    kind = CharField(max_length=10)
    key = CharField(max_length=64)
    sku = TextField()
    tag = TextField()
    row = LenientJsonField()
    attempts = IntegerField()
    error = TextField()
    since = MomentField()
    next_at = MomentField(index=True)
    unsure_until = MomentField()

    class Meta:
        indexes = ((("connection", "kind", "key"), True),)


class OutboxLease(LeasedRow):
    """The right to push for a connection, and when the worker may push next.

    Until `unsure_until` what a holder that died has pushed may still arrive at the shop. `generation` is the
    connection's: a process that read it before it led to another shop gets no lease. `deaths` counts holders that died.
    After MOST_DEATHS what waits since `suspects_until` or longer is pushed one at a time by the worker, and
    `pushed_alone` names it meanwhile: what kills MOST_DEATHS_ALONE processes is set aside.
    """

    connection = ForeignKeyField(Connection, primary_key=True, on_delete="CASCADE")
    connection_id: int
    generation = IntegerField(default=1)
    next_at = MomentField()
    attempts = IntegerField(default=0)
    unsure_until = MomentField()
    deaths = IntegerField(default=0)
    suspects_until = MomentField(null=True)
    pushed_alone = CharField(max_length=30, default="")


class SetAsideUpdate(Row):
    """What was taken out of the outbox because it cannot be pushed: a row, or the rows of a request, and why."""

    id = NumberField()
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    connection_id: int
    kind = CharField(max_length=10)
    content = TextField()
    error = TextField()
    set_aside_at = MomentField()


@dataclass(frozen=True)
class PushJob:
    """An acquired lease and the values of one kind to push under it, oldest first.

    It is `alone` if it has one pending update or batch because processes have died; of a batch each row must become a
    pending update, which is then pushed alone.
    """

    lease: OutboxLease
    kind: str
    started: datetime
    pending_updates: Sequence[PendingUpdate]
    batches: Sequence[OutboxBatch]
    alone: bool = False


_FIND_LEASE = Statement(lambda connection: OutboxLease.select().where(OutboxLease.connection == connection))
_INSERT_BATCH = Statement(
    lambda connection, kind, text, now, until: OutboxBatch.insert(
        connection=connection, kind=kind, content=Value(text, converter=False), created_at=now, awaited_until=until
    )
)
_WAITING_BATCHES = Statement(
    lambda connection, kind, except_id: (
        OutboxBatch.select()
        .where(
            (OutboxBatch.connection == connection)
            & (OutboxBatch.kind == kind)
            & OutboxBatch.results.is_null()
            & (OutboxBatch.id != except_id)
        )
        .order_by(OutboxBatch.id)
    )
)
_DELETE_FINISHED_BATCHES = Statement(
    lambda connection, kind, last_id, now: OutboxBatch.delete().where(
        (OutboxBatch.connection == connection)
        & (
            (OutboxBatch.results.is_null() & (OutboxBatch.kind == kind) & (OutboxBatch.id <= last_id))
            | (OutboxBatch.results.is_null(False) & is_due(OutboxBatch.awaited_until, now))
        )
    )
)
_INSERT_PENDING = Statement(
    lambda **values: PendingUpdate.insert(**values),
    [field.name for field in PendingUpdate._meta.sorted_fields if field is not PendingUpdate.id],
)
_FIND_PENDING = Statement(
    lambda connection, kind: (
        PendingUpdate.select(PendingUpdate.id)
        .where((PendingUpdate.connection == connection) & (PendingUpdate.kind == kind))
        .limit(1)
    )
)

_DUE = DueCheck((OutboxBatch.awaited_until, SQL("TRUE")), (PendingUpdate.next_at, SQL("TRUE")))
_NEXT_LEASE = Statement(
    lambda now: (
        OutboxLease.select()
        .where(
            OutboxLease.connection.in_(
                OutboxBatch.select(OutboxBatch.connection)
                .where(is_due(OutboxBatch.awaited_until, now))
                .union_all(PendingUpdate.select(PendingUpdate.connection).where(is_due(PendingUpdate.next_at, now)))
            )
            & OutboxLease.free(now)
            & is_due(OutboxLease.next_at, now)
        )
        .order_by(OutboxLease.next_at)
        .limit(1)
    )
)


def update_key(row: StockLevel | Price) -> str:
    """Return a digest of the SKU and tag whose value a row sets; these may be long."""
    return hashlib.sha256(f"{row.sku}\0{update_tag(row)}".encode()).hexdigest()


def update_tag(row: StockLevel | Price) -> str:
    """Return the tag of a price; a stock level has none."""
    return row.tag if isinstance(row, Price) else ""


def enqueue(
    connection: Connection,
    kind: str,
    rows: Sequence[StockLevel | Price],
    *,
    now: datetime,
    until: datetime,
    json: bytes = b"",
) -> tuple[OutboxBatch, PushJob | None]:
    """Store the rows of a request durably; return the batch, and a job that holds it if the lease was free.

    `json` are the rows `as_json`, where these are known.
    """
    text = (json or as_json(rows)).decode()
    with writing(connection.id):
        number = _INSERT_BATCH.insert(connection=connection.id, kind=kind, text=text, now=now, until=until)
        lease = _acquire(connection.id, connection.generation, now, until)
    batch = OutboxBatch(
        id=number, connection=connection.id, kind=kind, content=rows, created_at=now, awaited_until=until
    )
    return batch, _job(lease, kind, now, own=batch) if lease else None


def lease_outbox(connection: Connection, kind: str, *, now: datetime, until: datetime) -> PushJob | None:
    """Return a job with every batch that waits; None while another process holds the lease."""
    if OutboxLease.select().where((OutboxLease.connection == connection.id) & ~OutboxLease.free(now)).exists():
        return None
    with writing(connection.id):
        lease = _acquire(connection.id, connection.generation, now, until)
    return _job(lease, kind, now) if lease else None


def lease_due_outbox(now: datetime, until: datetime) -> PushJob | None:
    """Return a job for the connection that has waited longest; None if nothing is due.

    Due are pending updates whose time has come, and batches that no request waits for.
    """
    found = _NEXT_LEASE.first(now=now) if _DUE.any_due(now) else None
    if found is None:
        return None
    unawaited, due = is_due(OutboxBatch.awaited_until, now), is_due(PendingUpdate.next_at, now)
    connection_id = found.connection_id
    batches = OutboxBatch.select(OutboxBatch.kind).where((OutboxBatch.connection == connection_id) & unawaited)
    pending = PendingUpdate.select().where((PendingUpdate.connection == connection_id) & due)
    pending = pending.order_by(PendingUpdate.next_at, PendingUpdate.id)
    with writing(connection_id):
        first = batches.order_by(OutboxBatch.id).first() or pending.first()
        lease = _acquire(connection_id, found.generation, now, until, by_worker=True) if first else None
        alone = _next_alone(lease, now, until) if lease and lease.deaths >= MOST_DEATHS else None
    if first is None or lease is None:  # another worker was faster
        return None
    if isinstance(alone, OutboxBatch):
        return PushJob(lease, alone.kind, now, [], [alone], alone=True)
    if alone is not None:
        return PushJob(lease, alone.kind, now, [alone], [], alone=True)
    return _job(lease, first.kind, now, list(pending.where(PendingUpdate.kind == first.kind).limit(MOST_PENDING)))


def find_pending_updates(job: PushJob, rows: Mapping[Key, StockLevel | Price]) -> dict[Key, PendingUpdate]:
    """Return the pending updates of the values that these rows set, under the rows' keys."""
    if not _FIND_PENDING.any(connection=job.lease.connection_id, kind=job.kind):
        return {}
    of_kind = (PendingUpdate.connection == job.lease.connection_id) & (PendingUpdate.kind == job.kind)
    keys = {update_key(row): key for key, row in rows.items()}
    return {
        keys[pending.key]: pending
        for some in chunked(keys, KEYS_PER_QUERY)
        for pending in PendingUpdate.select().where(of_kind & PendingUpdate.key.in_(some))
    }


def finish_push(
    job: PushJob,
    *,
    results: Mapping[int, Results],
    own: OutboxBatch | None,
    replaced: Collection[PendingUpdate],
    unreadable: Sequence[Any],
    pending: Sequence[Mapping[str, Any]],
    attempts: int,
    next_at: datetime,
    now: datetime,
) -> bool:
    """Record the outcome of a job and release its lease; False, and nothing is recorded, if the lease was lost.

    `results` are by batch id. Other requests that still wait get theirs; `own` and batches that no request waits for
    are deleted, and so are results that were never collected. `pending` takes the place of `replaced`, and stored rows
    that are `unreadable` are set aside.
    """
    connection_id = job.lease.connection_id
    with writing(connection_id, durable=False):  # pushing once more does no harm
        if not job.lease.release(now, attempts=attempts, next_at=next_at, pushed_alone=""):
            return False
        for batch in job.batches:
            if batch != own and is_future(batch.awaited_until, now):
                OutboxBatch.update(results=results[batch.id]).where(OutboxBatch.id == batch.id).execute()
        last_id = max((batch.id for batch in job.batches), default=NO_BATCH)
        _DELETE_FINISHED_BATCHES.run(connection=connection_id, kind=job.kind, last_id=last_id, now=now)
        for some in chunked([update.id for update in replaced], KEYS_PER_QUERY):
            PendingUpdate.delete().where(PendingUpdate.id.in_(some)).execute()
        for content in unreadable:
            _set_aside(connection_id, job.kind, content, "The stored row cannot be read", now)
        _INSERT_PENDING.run_for_each([{"connection": connection_id, "kind": job.kind, **row} for row in pending])
    return True


def collect_results(batch: OutboxBatch, now: datetime) -> Results | None:
    """Return the results that another process has recorded for a batch, and delete it; None until there are any."""
    pushed = _this(batch) & OutboxBatch.results.is_null(False)
    return stop_awaiting(batch, now) if OutboxBatch.select().where(pushed).exists() else None


def stop_awaiting(batch: OutboxBatch, now: datetime) -> Results | None:
    """Collect the results of a batch if there are any by now, else leave it to the worker and return None."""
    with writing(batch.connection_id):
        found = OutboxBatch.get_or_none(_this(batch))
        if found is None or found.results is None:
            OutboxBatch.update(awaited_until=now).where(_this(batch)).execute()
            return None
        OutboxBatch.delete().where(_this(batch)).execute()
    return found.results


def _this(batch: OutboxBatch) -> Any:
    return (OutboxBatch.id == batch.id) & (OutboxBatch.created_at == batch.created_at)


def _acquire(
    connection_id: int, generation: int, now: datetime, until: datetime, *, by_worker: bool = False
) -> OutboxLease | None:
    """Return the connection's lease, acquired until then; None while it is held, or if it is of another generation.

    While values are pushed one at a time only the worker gets it.
    """
    lease: OutboxLease | None = _FIND_LEASE.first(connection=connection_id)
    if lease is None:
        lease = OutboxLease.create(
            connection=connection_id, generation=generation, claimed_until=now, next_at=now, unsure_until=now
        )
    if lease.is_held(now) or lease.generation != generation:
        return None
    holder_died = bool(lease.claim)
    deaths = lease.deaths + holder_died
    if deaths >= MOST_DEATHS and not by_worker:
        return None
    lease.acquire(until, unsure_until=now + SETTLES_IN if holder_died else lease.unsure_until, deaths=deaths)
    return lease


def _next_alone(lease: OutboxLease, now: datetime, until: datetime) -> OutboxBatch | PendingUpdate | None:
    """Return what has to be pushed alone, the oldest request first; None if there is nothing more of it.

    If enough processes have died of it, it is set aside, and everything else is pushed as usual again.
    """
    if lease.pushed_alone:
        table, number = lease.pushed_alone.split()
        model: type[OutboxBatch] | type[PendingUpdate] = OutboxBatch if table == "batch" else PendingUpdate
        killer: OutboxBatch | PendingUpdate | None = model.get_or_none(model.id == int(number))
        if killer is not None and lease.deaths < MOST_DEATHS + MOST_DEATHS_ALONE:
            return killer
        if killer is not None:
            content = killer.content if isinstance(killer, OutboxBatch) else killer.row
            error = f"The bridge died {MOST_DEATHS_ALONE} times while it pushed this alone"
            _set_aside(lease.connection_id, killer.kind, content, error, now)
            killer.delete_instance()
            lease.acquire(until, deaths=0, suspects_until=None, pushed_alone="")
            return None
    suspects_until = lease.suspects_until or now
    batches = OutboxBatch.select().where(
        (OutboxBatch.connection == lease.connection_id)
        & OutboxBatch.results.is_null()
        & (OutboxBatch.created_at <= suspects_until)
    )
    updates = PendingUpdate.select().where(
        (PendingUpdate.connection == lease.connection_id) & (PendingUpdate.since <= suspects_until)
    )
    found: OutboxBatch | PendingUpdate | None
    due = updates.where(is_due(PendingUpdate.next_at, now))
    found = batches.order_by(OutboxBatch.id).first() or due.order_by(PendingUpdate.next_at).first()
    if found is None:  # those that are not due yet are in no other job either
        over = not updates.exists()
        lease.acquire(
            until,
            deaths=0 if over else MOST_DEATHS,
            suspects_until=None if over else suspects_until,
            pushed_alone="",
        )
        return None
    name = f"{'batch' if isinstance(found, OutboxBatch) else 'update'} {found.id}"
    lease.acquire(until, deaths=MOST_DEATHS, suspects_until=suspects_until, pushed_alone=name)
    return found


def _set_aside(connection_id: int, kind: str, content: Any, error: str, now: datetime) -> None:
    text = content if isinstance(content, str) else msgspec.json.encode(content, enc_hook=str).decode()
    SetAsideUpdate.create(connection=connection_id, kind=kind, content=text, error=error, set_aside_at=now)


def _job(
    lease: OutboxLease, kind: str, now: datetime, pending: Sequence[PendingUpdate] = (), own: OutboxBatch | None = None
) -> PushJob:
    """Return a job with every batch that waits, so that batches that come later are newer than what it leaves pending.

    `own` is one of them and is not read again.
    """
    batches = _WAITING_BATCHES.rows(connection=lease.connection_id, kind=kind, except_id=own.id if own else NO_BATCH)
    return PushJob(lease, kind, now, pending, sorted([*batches, own], key=attrgetter("id")) if own else batches)


def list_pending_updates(limit: int, *, connection: int | None = None, sku: str = "") -> list[PendingUpdate]:
    """Return pending updates, the longest waiting first; of one connection or SKU if it is given."""
    query = PendingUpdate.select(PendingUpdate, Connection).join(Connection)
    if connection is not None:
        query = query.where(PendingUpdate.connection == connection)
    if sku:
        query = query.where(fn.LOWER(PendingUpdate.sku) == sku.lower())
    return list(query.order_by(PendingUpdate.since, PendingUpdate.id).limit(limit))


def count_waiting(connection_id: int | None = None) -> tuple[int, int]:
    """Return how many requests were never pushed, and how many values are pending; of one connection or all."""
    requests, updates = OutboxBatch.select().where(OutboxBatch.results.is_null()), PendingUpdate.select()
    if connection_id is not None:
        requests = requests.where(OutboxBatch.connection == connection_id)
        updates = updates.where(PendingUpdate.connection == connection_id)
    return requests.count(), updates.count()


def waiting_since() -> dict[tuple[int, str], datetime]:
    """Return since when the oldest waiting request or pending update waits, by connection and kind."""
    oldest: dict[tuple[int, str], datetime] = {}
    for model, began, some in (
        (OutboxBatch, OutboxBatch.created_at, OutboxBatch.results.is_null()),
        (PendingUpdate, PendingUpdate.since, SQL("TRUE")),
    ):
        found: Any = model.select(model.connection, model.kind, fn.MIN(began)).where(some)
        for number, kind, moment in found.group_by(model.connection, model.kind).tuples():
            oldest[number, kind] = min(moment, oldest.get((number, kind), moment))
    return oldest


def list_set_aside(limit: int, *, connection: int | None = None) -> list[SetAsideUpdate]:
    """Return what was set aside, the oldest first; of one connection if it is given."""
    query = SetAsideUpdate.select(SetAsideUpdate, Connection).join(Connection)
    if connection is not None:
        query = query.where(SetAsideUpdate.connection == connection)
    return list(query.order_by(SetAsideUpdate.id).limit(limit))


def count_set_aside() -> int:
    """Return how much was set aside."""
    return int(SetAsideUpdate.select().count())


def find_set_aside(number: int) -> SetAsideUpdate | None:
    """Return what was set aside under this number, or None."""
    found: SetAsideUpdate | None = SetAsideUpdate.get_or_none(SetAsideUpdate.id == number)
    return found


def drop_set_aside(update: SetAsideUpdate) -> None:
    """Delete what was set aside."""
    with writing(update.connection_id):
        SetAsideUpdate.delete().where(SetAsideUpdate.id == update.id).execute()


def find_pending_update(number: int) -> PendingUpdate | None:
    """Return the pending update with this number, or None."""
    found: PendingUpdate | None = PendingUpdate.get_or_none(PendingUpdate.id == number)
    return found


def retry_pending_update(update: PendingUpdate, now: datetime) -> None:
    """Make a pending update due at once."""
    with writing(update.connection_id):
        PendingUpdate.update(next_at=now).where(PendingUpdate.id == update.id).execute()
        OutboxLease.update(next_at=now).where(OutboxLease.connection == update.connection_id).execute()


def retry_pending_updates(connection_id: int, kind: str, now: datetime) -> None:
    """Make all pending updates of a kind due at once."""
    with writing(connection_id):
        of_kind = (PendingUpdate.connection == connection_id) & (PendingUpdate.kind == kind)
        PendingUpdate.update(next_at=now).where(of_kind).execute()
        OutboxLease.update(next_at=now).where(OutboxLease.connection == connection_id).execute()


def drop_pending_update(update: PendingUpdate) -> None:
    """Delete a pending update: the shop keeps its value until Linnworks sends another."""
    with writing(update.connection_id):
        PendingUpdate.delete().where(PendingUpdate.id == update.id).execute()
