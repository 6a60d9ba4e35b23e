"""Order actions: each despatch, cancel and refund that a shop was asked for, and its outcome."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from peewee import SQL, AutoField, CharField, ForeignKeyField, IntegerField, TextField, fn

from bridge.store.connections import Connection
from bridge.store.database import Row, delete_some, writing
from bridge.store.fields import JsonField, MomentField
from bridge.store.leases import LeasedRow
from bridge.store.statements import Statement

PLANNED, DONE, FAILED, UNKNOWN = "planned", "done", "failed", "unknown"


class Action(Row):
    """One despatch, cancel or refund; the shop recognises it by `key`.

    `content` is what is done, and equal content of one order has the same `digest`; what is done again differs in
    `occurrence`. `planned_at` is when it was last about to be sent, and `answered_at` when Linnworks was last told in
    time that it is done; both by our clock and by the shop's if that tells it. `request` is the id of the request that
    planned it last. `generation` is the connection's: what
    was done in another shop says nothing about this one.
    """

    id = AutoField()
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    connection_id: int
    generation = IntegerField()
    kind = CharField(max_length=20)
    reference = TextField()
    digest = CharField(max_length=64)
    occurrence = IntegerField()
    key = CharField(max_length=32, unique=True)
    content = JsonField()
    state = CharField(max_length=10)
    attempts = IntegerField(default=0)
    request = CharField(max_length=12, default="")
    result = TextField(default="")
    error = TextField(default="")
    created_at = MomentField()
    planned_at = MomentField()
    planned_at_shop = MomentField(null=True)
    finished_at = MomentField(null=True)
    answered_at = MomentField(null=True)
    answered_at_shop = MomentField(null=True)

    class Meta:
        indexes = ((("connection", "reference"), False),)


# a constant, or neither database would use the index
_NOT_DONE = Action.state != SQL("'done'")
Action.add_index(Action.state, Action.connection, where=_NOT_DONE)


class OrderLease(LeasedRow):
    """The lease of one order: actions read the shop and then write to it, so those of one order must not overlap."""

    id = AutoField()
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    reference = TextField()

    class Meta:
        indexes = ((("connection", "reference"), True),)


_FIND_LEASE = Statement(
    lambda connection, reference: OrderLease.select().where(
        (OrderLease.connection == connection) & (OrderLease.reference == reference)
    )
)
_INSERT_LEASE = Statement(
    lambda connection, reference, now: OrderLease.insert(
        connection=connection, reference=reference, claim="", claimed_until=now
    )
)
_OF_ORDER = Statement(
    lambda connection, reference: (
        Action.select().where((Action.connection == connection) & (Action.reference == reference)).order_by(Action.id)
    )
)
_WITH_KEY = Statement(lambda key: Action.select().where(Action.key == key))
_ACTION_COLUMNS = [field.name for field in Action._meta.sorted_fields if field.name != "id"]
_INSERT = Statement(lambda **values: Action.insert(**values), _ACTION_COLUMNS)
_PLAN_AGAIN = Statement(
    lambda number, content, request, attempts, now, shop_time: Action.update(
        content=content,
        state=PLANNED,
        request=request,
        attempts=attempts,
        planned_at=now,
        planned_at_shop=shop_time,
    ).where(Action.id == number)
)
_FINISH = Statement(
    lambda number, attempts, state, result, error, now: Action.update(
        state=state, result=result, error=error, finished_at=now
    ).where((Action.id == number) & (Action.attempts == attempts))
)
_ANSWER = Statement(
    lambda number, now, shop_time: Action.update(answered_at=now, answered_at_shop=shop_time).where(Action.id == number)
)


def lease_order(connection_id: int, reference: str, *, now: datetime, until: datetime) -> OrderLease | None:
    """Claim an order, and return None while it has another holder. Give it up with `release_order`."""
    with writing(connection_id, durable=False):
        lease: OrderLease | None = _FIND_LEASE.first(connection=connection_id, reference=reference)
        if lease is None:
            number = _INSERT_LEASE.insert(connection=connection_id, reference=reference, now=now)
            lease = OrderLease(id=number, connection=connection_id, reference=reference, claimed_until=now)
        if lease.is_held(now):
            return None
        lease.acquire(until)
        return lease


def release_order(lease: OrderLease, now: datetime) -> None:
    """Give up an order; a power cut may undo that, and then the lease ends by itself."""
    with writing(durable=False):
        lease.release(now)


def plan_action(
    connection: Connection,
    kind: str,
    reference: str,
    *,
    digest: str,
    occurrence: int,
    key: str,
    content: Any,
    request: str,
    now: datetime,
    shop_time: datetime | None,
) -> Action:
    """Record that an action is about to be sent, again if it was sent before; only with the order's lease."""
    with writing(connection.id):
        action: Action | None = _WITH_KEY.first(key=key)
        if action is None:
            action = Action(
                connection=connection.id,
                generation=connection.generation,
                kind=kind,
                reference=reference,
                digest=digest,
                occurrence=occurrence,
                key=key,
                content=content,
                state=PLANNED,
                attempts=1,
                request=request,
                created_at=now,
                planned_at=now,
                planned_at_shop=shop_time,
            )
            action.id = _INSERT.insert(**{name: action.__data__.get(name) for name in _ACTION_COLUMNS})
        else:
            action.content, action.state, action.request = content, PLANNED, request
            action.attempts += 1
            action.planned_at, action.planned_at_shop = now, shop_time
            _PLAN_AGAIN.run(
                number=action.id,
                content=content,
                request=request,
                attempts=action.attempts,
                now=now,
                shop_time=shop_time,
            )
    return action


def finish_action(action: Action, state: str, *, result: str = "", error: str = "", now: datetime) -> None:
    """Record the outcome of an action, unless it was planned again since.

    A power cut may undo that until `record_answers`: then the shop is asked, as after the death of a process.
    """
    with writing(action.connection_id, durable=False):
        _FINISH.run(number=action.id, attempts=action.attempts, state=state, result=result, error=error, now=now)
    action.state, action.result, action.error, action.finished_at = state, result, error, now


def record_answers(told: Sequence[tuple[Action, datetime | None]], now: datetime) -> None:
    """Record durably that Linnworks was told of these actions in time, each with the shop's time."""
    with writing():
        for action, shop_time in told:
            _ANSWER.run(number=action.id, now=now, shop_time=shop_time)
    for action, shop_time in told:
        action.answered_at, action.answered_at_shop = now, shop_time


def actions_of_order(connection_id: int, reference: str) -> list[Action]:
    """Return all actions of an order, oldest first."""
    return _OF_ORDER.rows(connection=connection_id, reference=reference)


def actions_of_request(request: str) -> list[Action]:
    """Return the actions that this request planned last, oldest first."""
    return list(Action.select().where(Action.request == request).order_by(Action.id))


def list_actions(
    states: Sequence[str], limit: int, *, connection: int | None = None, orders: Collection[str] | None = None
) -> list[Action]:
    """Return actions in any of these states, newest first; of one connection, or of these orders, if they are given."""
    query = Action.select(Action, Connection).join(Connection).where(Action.state.in_(list(states)))
    if connection is not None:
        query = query.where(Action.connection == connection)
    if orders is not None:
        query = query.where(Action.reference.in_(list(orders)))
    return list(query.order_by(Action.id.desc()).limit(limit))


def count_not_done() -> dict[tuple[int, str], int]:
    """Return how many actions have failed or an unknown outcome, by connection and state."""
    some: Any = Action.select(Action.connection, Action.state, fn.COUNT(Action.id)).where(_NOT_DONE)
    return {(number, state): count for number, state, count in some.group_by(Action.connection, Action.state).tuples()}


def find_action(number: int) -> Action | None:
    """Return the action with this number, or None."""
    found: Action | None = Action.get_or_none(Action.id == number)
    return found


def unresolved_actions(before: datetime) -> list[Action]:
    """Return actions with an unknown outcome that were last sent before this moment, newest first."""
    unresolved = (Action.state == UNKNOWN) | (Action.state == PLANNED)
    return list(Action.select().where(unresolved & (Action.planned_at < before)).order_by(Action.id.desc()))


def forget_actions(before: datetime, limit: int) -> int:
    """Delete at most `limit` actions that were done or failed before this moment and return how many."""
    return delete_some(Action, Action.state.in_([DONE, FAILED]) & (Action.finished_at < before), limit)


def forget_order_leases(before: datetime, limit: int) -> int:
    """Delete at most `limit` leases of orders that ended before this moment and return how many."""
    return delete_some(OrderLease, OrderLease.claimed_until < before, limit)


def drop_action(action: Action) -> None:
    """Delete an action, so that only the shop knows whether it was done."""
    with writing(action.connection_id):
        Action.delete().where(Action.id == action.id).execute()
