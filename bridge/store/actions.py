"""Actions: what the shop was asked to do once, and what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from peewee import AutoField, CharField, ForeignKeyField, IntegerField, TextField

from bridge.clock import is_future
from bridge.store.connections import Connection
from bridge.store.database import JsonField, MomentField, Row, delete_some, is_due, writing

PLANNED, DONE, FAILED, UNKNOWN = "planned", "done", "failed", "unknown"


class Action(Row):
    """One despatch, cancel or refund; `key` is what the shop can recognise it by.

    `sent_until` is when the last try whose outcome was not learnt had ended on our side: the shop may still be
    at it for a while. Equal actions of one request, or asked for long after one another, are told apart by
    `occurrence`.
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
    answer = TextField(default="")
    error = TextField(default="")
    claim = CharField(max_length=32)
    claimed_until = MomentField()
    created_at = MomentField()
    finished_at = MomentField(null=True)
    sent_until = MomentField(null=True)

    class Meta:
        indexes = ((("connection", "digest", "occurrence"), True), (("connection", "reference"), False))


def plan_action(
    connection_id: int,
    kind: str,
    reference: str,
    digest: str,
    content: Any,
    *,
    nth: int = 1,
    now: datetime,
    until: datetime,
) -> tuple[Action | None, bool]:
    """The action that the nth of equal entries in a request means, claimed where it is free; whether it was claimed.

    That is the first one from there on that is not done, else the newest, else a new one; None while somebody
    is at another action of the order, because a shop may be read and written in two steps. A claimed action that
    had been planned or unknown before is still marked unknown in the returned object: ask the shop about it
    before doing it.
    """
    with writing(connection_id):
        equal = (Action.connection == connection_id) & (Action.digest == digest) & (Action.occurrence >= nth)
        actions = list(Action.select().where(equal).order_by(Action.occurrence))
        action = next((action for action in actions if action.state != DONE), actions[-1] if actions else None)
        if (action is None or action.state != DONE) and _others_at(connection_id, reference, digest, now):
            return None, False
        if action is None:
            return _create(connection_id, kind, reference, digest, content, nth, now, until), True
        return action, _claim(action, now, until)


def _others_at(connection_id: int, reference: str, digest: str, now: datetime) -> bool:
    """Whether somebody is at another action of this order."""
    of_order = (Action.connection == connection_id) & (Action.reference == reference) & (Action.digest != digest)
    under_way = of_order & (Action.state == PLANNED) & ~is_due(Action.claimed_until, now)
    return bool(Action.select().where(under_way).exists())


def claim_action(number: int, *, now: datetime, until: datetime) -> tuple[Action | None, bool]:
    """The action of that number as it is now, claimed where its outcome is unknown and nobody is at it."""
    found = find_action(number)
    if found is None:
        return None, False
    with writing(found.connection_id):
        action: Action = Action.get_by_id(number)
        return action, action.state != FAILED and _claim(action, now, until)


def _claim(action: Action, now: datetime, until: datetime) -> bool:
    if action.state == DONE or (action.state == PLANNED and is_future(action.claimed_until, now)):
        return False
    found = action.state
    if found == PLANNED:
        action.sent_until = action.claimed_until  # its doer is gone, and may have sent it to the last moment
    action.state, action.claim, action.claimed_until = PLANNED, secrets.token_hex(16), until
    action.save(only=[Action.state, Action.claim, Action.claimed_until, Action.sent_until])
    action.state = PLANNED if found == FAILED else UNKNOWN
    return True


def plan_again(action: Action, *, now: datetime, until: datetime) -> Action | None:
    """A new action of the same content as one that is done; None where another request was first."""
    with writing(action.connection_id):
        latest = newest(action.connection_id, action.digest)
        if latest is None or latest.id != action.id:
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


def finish_action(
    action: Action, state: str, *, answer: str = "", error: str = "", sent: bool = False, now: datetime
) -> None:
    """Record what came of an action, unless somebody else has claimed it since; `sent` where its answer is missing."""
    changes = {"sent_until": now} if sent else {}
    with writing(action.connection_id):
        Action.update(state=state, answer=answer, error=error, finished_at=now, claimed_until=now, **changes).where(
            (Action.id == action.id) & (Action.claim == action.claim)
        ).execute()


def newest(connection_id: int, digest: str) -> Action | None:
    """The latest action of this content."""
    found: Action | None = (
        Action.select()
        .where((Action.connection == connection_id) & (Action.digest == digest))
        .order_by(Action.occurrence.desc())
        .first()
    )
    return found


def _create(
    connection_id: int,
    kind: str,
    reference: str,
    digest: str,
    content: Any,
    occurrence: int,
    now: datetime,
    until: datetime,
) -> Action:
    created: Action = Action.create(
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
    return created


def list_actions(states: Sequence[str], most: int) -> list[Action]:
    """The newest actions in any of these states, newest first."""
    query = Action.select(Action, Connection).join(Connection).where(Action.state.in_(list(states)))
    return list(query.order_by(Action.id.desc()).limit(most))


def count_actions(state: str) -> int:
    """How many actions are in this state."""
    return int(Action.select().where(Action.state == state).count())


def actions_of_order(connection_id: int, reference: str) -> list[Action]:
    """What was asked to be done to an order, oldest first."""
    this = (Action.connection == connection_id) & (Action.reference == reference)
    return list(Action.select().where(this).order_by(Action.id))


def find_action(number: int) -> Action | None:
    """The action of that number."""
    found: Action | None = Action.get_or_none(Action.id == number)
    return found


def unsettled_actions(before: datetime) -> list[Action]:
    """Actions of which nobody knows what came of them, and whose doer was gone by this moment; the newest first."""
    left = (Action.state == UNKNOWN) | (Action.state == PLANNED)
    return list(Action.select().where(left & (Action.claimed_until < before)).order_by(Action.id.desc()))


def forget_actions(before: datetime, most: int) -> int:
    """Forget some actions that were settled before this moment; how many."""
    return delete_some(Action, Action.state.in_([DONE, FAILED]) & (Action.finished_at < before), most)


def drop_action(action: Action) -> None:
    """Forget an action, so that an equal request is a new one."""
    with writing(action.connection_id):
        Action.delete().where(Action.id == action.id).execute()
