"""Deeds: what the shop was asked to do once, and what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from peewee import AutoField, CharField, ForeignKeyField, IntegerField, TextField

from bridge.clock import lies_ahead
from bridge.store.connections import Connection
from bridge.store.database import JsonField, MomentField, Row, delete_some, reached, writing

PLANNED, DONE, FAILED, UNKNOWN = "planned", "done", "failed", "unknown"


class Deed(Row):
    """One despatch, cancel or refund; `key` is what the shop can recognise it by.

    `sent_until` is when the last try whose outcome was not learnt had ended on our side: the shop may still be
    at it for a while. Equal deeds of one request, or asked for long after one another, are told apart by
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


def plan_deed(
    connection_id: int,
    kind: str,
    reference: str,
    digest: str,
    content: Any,
    *,
    nth: int = 1,
    now: datetime,
    until: datetime,
) -> tuple[Deed | None, bool]:
    """The deed that the nth of equal entries in a request means, claimed where it is free; whether it was claimed.

    That is the first one from there on that is not done, else the newest, else a new one; None while somebody
    is at another deed of the order, because a shop may be read and written in two steps. A claimed deed that
    had been planned or unknown before is still marked unknown in the returned object: ask the shop about it
    before doing it.
    """
    with writing(connection_id):
        equal = (Deed.connection == connection_id) & (Deed.digest == digest) & (Deed.occurrence >= nth)
        deeds = list(Deed.select().where(equal).order_by(Deed.occurrence))
        deed = next((deed for deed in deeds if deed.state != DONE), deeds[-1] if deeds else None)
        if (deed is None or deed.state != DONE) and _others_at(connection_id, reference, digest, now):
            return None, False
        if deed is None:
            return _create(connection_id, kind, reference, digest, content, nth, now, until), True
        return deed, _claim(deed, now, until)


def _others_at(connection_id: int, reference: str, digest: str, now: datetime) -> bool:
    """Whether somebody is at another deed of this order."""
    of_order = (Deed.connection == connection_id) & (Deed.reference == reference) & (Deed.digest != digest)
    under_way = of_order & (Deed.state == PLANNED) & ~reached(Deed.claimed_until, now)
    return bool(Deed.select().where(under_way).exists())


def claim_deed(number: int, *, now: datetime, until: datetime) -> tuple[Deed | None, bool]:
    """The deed of that number as it is now, claimed where its outcome is unknown and nobody is at it."""
    found = find_deed(number)
    if found is None:
        return None, False
    with writing(found.connection_id):
        deed: Deed = Deed.get_by_id(number)
        return deed, deed.state != FAILED and _claim(deed, now, until)


def _claim(deed: Deed, now: datetime, until: datetime) -> bool:
    if deed.state == DONE or (deed.state == PLANNED and lies_ahead(deed.claimed_until, now)):
        return False
    found = deed.state
    if found == PLANNED:
        deed.sent_until = deed.claimed_until  # its doer is gone, and may have sent it to the last moment
    deed.state, deed.claim, deed.claimed_until = PLANNED, secrets.token_hex(16), until
    deed.save(only=[Deed.state, Deed.claim, Deed.claimed_until, Deed.sent_until])
    deed.state = PLANNED if found == FAILED else UNKNOWN
    return True


def plan_again(deed: Deed, *, now: datetime, until: datetime) -> Deed | None:
    """A new deed of the same content as one that is done; None where another request was first."""
    with writing(deed.connection_id):
        latest = newest(deed.connection_id, deed.digest)
        if latest is None or latest.id != deed.id:
            return None
        return _create(
            deed.connection_id, deed.kind, deed.reference, deed.digest, deed.content, deed.occurrence + 1, now, until
        )


def finish_deed(
    deed: Deed, state: str, *, answer: str = "", error: str = "", sent: bool = False, now: datetime
) -> None:
    """Record what came of a deed, unless somebody else has claimed it since; `sent` where its answer is missing."""
    changes = {"sent_until": now} if sent else {}
    with writing(deed.connection_id):
        Deed.update(state=state, answer=answer, error=error, finished_at=now, claimed_until=now, **changes).where(
            (Deed.id == deed.id) & (Deed.claim == deed.claim)
        ).execute()


def newest(connection_id: int, digest: str) -> Deed | None:
    """The latest deed of this content."""
    found: Deed | None = (
        Deed.select()
        .where((Deed.connection == connection_id) & (Deed.digest == digest))
        .order_by(Deed.occurrence.desc())
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
) -> Deed:
    created: Deed = Deed.create(
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


def list_deeds(states: Sequence[str], most: int) -> list[Deed]:
    """The newest deeds in any of these states, newest first."""
    query = Deed.select(Deed, Connection).join(Connection).where(Deed.state.in_(list(states)))
    return list(query.order_by(Deed.id.desc()).limit(most))


def count_deeds(state: str) -> int:
    """How many deeds are in this state."""
    return int(Deed.select().where(Deed.state == state).count())


def deeds_of_order(connection_id: int, reference: str) -> list[Deed]:
    """What was asked to be done to an order, oldest first."""
    this = (Deed.connection == connection_id) & (Deed.reference == reference)
    return list(Deed.select().where(this).order_by(Deed.id))


def find_deed(number: int) -> Deed | None:
    """The deed of that number."""
    found: Deed | None = Deed.get_or_none(Deed.id == number)
    return found


def unsettled_deeds(before: datetime) -> list[Deed]:
    """Deeds of which nobody knows what came of them, and whose doer was gone by this moment; the newest first."""
    left = (Deed.state == UNKNOWN) | (Deed.state == PLANNED)
    return list(Deed.select().where(left & (Deed.claimed_until < before)).order_by(Deed.id.desc()))


def forget_deeds(before: datetime, most: int) -> int:
    """Forget some deeds that were settled before this moment; how many."""
    return delete_some(Deed, Deed.state.in_([DONE, FAILED]) & (Deed.finished_at < before), most)


def drop_deed(deed: Deed) -> None:
    """Forget a deed, so that an equal request is a new one."""
    with writing(deed.connection_id):
        Deed.delete().where(Deed.id == deed.id).execute()
