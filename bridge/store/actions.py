"""Order actions: each despatch, cancel and refund that a shop was asked for, and its outcome."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import AutoField, CharField, ForeignKeyField, IntegerField, TextField

from bridge.store.connections import Connection
from bridge.store.database import delete_some, writing
from bridge.store.fields import JsonField, MomentField
from bridge.store.leases import LeasedRow

PLANNED, DONE, FAILED, UNKNOWN = "planned", "done", "failed", "unknown"


class Action(LeasedRow):
    """One despatch, cancel or refund; the shop can recognise it by `key`.

    Equal actions of one request, or asked for long after one another, differ in `occurrence`. `sent_until` is when
    the last attempt without an answer ended on our side: the shop may still be working on it for a while.
    """

    id = AutoField()
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    connection_id: int
    kind = CharField(max_length=20)
    reference = TextField()
    digest = CharField(max_length=64)
    occurrence = IntegerField()
    key = CharField(max_length=32, unique=True)
    content = JsonField()
    state = CharField(max_length=10)
    result = TextField(default="")
    error = TextField(default="")
    created_at = MomentField()
    finished_at = MomentField(null=True)
    sent_until = MomentField(null=True)

    class Meta:
        indexes = ((("connection", "digest", "occurrence"), True), (("connection", "reference"), False))


@dataclass(frozen=True)
class ActionClaim:
    """An action, whether the caller has claimed it, and whether an earlier attempt may have reached the shop.

    Where it `was_sent`, the shop has to be asked for the result before it is sent again.
    """

    action: Action
    claimed: bool
    was_sent: bool = False


def plan_action(
    connection_id: int,
    kind: str,
    reference: str,
    digest: str,
    content: Any,
    *,
    occurrence: int = 1,
    now: datetime,
    until: datetime,
) -> ActionClaim | None:
    """Find or create the action that a request asks for, and claim it unless it is done or held.

    `occurrence` counts equal entries of one request. The action is the first from that occurrence on that is not
    done, else the newest, else a new one. Returns None while another action of the order is being carried out: a shop
    may be read and written in two steps, so they must not overlap.
    """
    with writing(connection_id):
        equal = (Action.connection == connection_id) & (Action.digest == digest) & (Action.occurrence >= occurrence)
        actions = list(Action.select().where(equal).order_by(Action.occurrence))
        action = next((action for action in actions if action.state != DONE), actions[-1] if actions else None)
        if action is not None and action.state == DONE:
            return ActionClaim(action, claimed=False)
        if _is_order_busy(connection_id, reference, digest, now):
            return None
        if action is None:
            return _create(connection_id, kind, reference, digest, content, occurrence, now, until)
        return _claim(action, now, until)


def plan_again(action: Action, *, now: datetime, until: datetime) -> ActionClaim | None:
    """Create and claim a new action with the content of one that is done.

    Returns None if another request was faster, or while another action of the order is being carried out.
    """
    with writing(action.connection_id):
        equal = (Action.connection == action.connection_id) & (Action.digest == action.digest)
        newest = Action.select().where(equal).order_by(Action.occurrence.desc()).first()
        if newest != action or _is_order_busy(action.connection_id, action.reference, action.digest, now):
            return None
        return _create(
            action.connection_id,
            action.kind,
            action.reference,
            action.digest,
            action.content,
            action.occurrence + 1,
            now,
            until,
        )


def claim_unresolved(number: int, *, now: datetime, until: datetime) -> ActionClaim | None:
    """Claim the action with this number if its outcome is unknown and it is not held; None if it does not exist."""
    found = find_action(number)
    if found is None:
        return None
    with writing(found.connection_id):
        action: Action = Action.get_by_id(number)
        if action.state in (DONE, FAILED):
            return ActionClaim(action, claimed=False)
        return _claim(action, now, until)


def finish_action(
    action: Action, state: str, *, result: str = "", error: str = "", sent: bool = False, now: datetime
) -> None:
    """Record the outcome of a claimed action, unless another process has claimed it since.

    `sent` says that it was sent and its answer is missing.
    """
    changes = {"sent_until": now} if sent else {}
    with writing(action.connection_id):
        action.release(now, state=state, result=result, error=error, finished_at=now, **changes)


def _is_order_busy(connection_id: int, reference: str, digest: str, now: datetime) -> bool:
    """Return whether another action of this order is being carried out."""
    others = (Action.connection == connection_id) & (Action.reference == reference) & (Action.digest != digest)
    return bool(Action.select().where(others & ~Action.free(now)).exists())


def _claim(action: Action, now: datetime, until: datetime) -> ActionClaim:
    if action.is_held(now):
        return ActionClaim(action, claimed=False)
    was_sent = action.state != FAILED
    # the holder of a planned action died, and may have sent it until its claim ended
    sent_until = action.claimed_until if action.state == PLANNED else action.sent_until
    action.acquire(until, state=PLANNED, sent_until=sent_until)
    return ActionClaim(action, claimed=True, was_sent=was_sent)


def _create(
    connection_id: int,
    kind: str,
    reference: str,
    digest: str,
    content: Any,
    occurrence: int,
    now: datetime,
    until: datetime,
) -> ActionClaim:
    action = Action.create(
        connection=connection_id,
        kind=kind,
        reference=reference,
        digest=digest,
        occurrence=occurrence,
        key=secrets.token_hex(16),
        content=content,
        state=PLANNED,
        claim=secrets.token_hex(16),
        claimed_until=until,
        created_at=now,
    )
    return ActionClaim(action, claimed=True)


def list_actions(states: Sequence[str], limit: int) -> list[Action]:
    """Return actions in any of these states, newest first."""
    query = Action.select(Action, Connection).join(Connection).where(Action.state.in_(list(states)))
    return list(query.order_by(Action.id.desc()).limit(limit))


def count_actions(state: str) -> int:
    """Return how many actions are in this state."""
    return int(Action.select().where(Action.state == state).count())


def actions_of_order(connection_id: int, reference: str) -> list[Action]:
    """Return all actions of an order, oldest first."""
    of_order = (Action.connection == connection_id) & (Action.reference == reference)
    return list(Action.select().where(of_order).order_by(Action.id))


def find_action(number: int) -> Action | None:
    """Return the action with this number, or None."""
    found: Action | None = Action.get_or_none(Action.id == number)
    return found


def unresolved_actions(before: datetime) -> list[Action]:
    """Return actions with an unknown outcome whose claim ended before this moment, newest first."""
    unresolved = (Action.state == UNKNOWN) | (Action.state == PLANNED)
    return list(Action.select().where(unresolved & (Action.claimed_until < before)).order_by(Action.id.desc()))


def forget_actions(before: datetime, limit: int) -> int:
    """Delete at most `limit` actions that were done or failed before this moment and return how many."""
    return delete_some(Action, Action.state.in_([DONE, FAILED]) & (Action.finished_at < before), limit)


def drop_action(action: Action) -> None:
    """Delete an action, so that an equal request is a new one."""
    with writing(action.connection_id):
        Action.delete().where(Action.id == action.id).execute()
