"""Deeds: what the shop was asked to do once, and what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from peewee import AutoField, CharField, ForeignKeyField, IntegerField, TextField

from bridge.store.connections import Connection
from bridge.store.database import JsonField, MomentField, Row, writing

PLANNED, DONE, FAILED, UNKNOWN = "planned", "done", "failed", "unknown"


class Deed(Row):
    """One despatch, cancel or refund; `key` is what the shop can recognise it by."""

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

    class Meta:
        indexes = ((("connection", "digest", "occurrence"), True),)


def plan_deed(
    connection_id: int, kind: str, reference: str, digest: str, content: Any, *, now: datetime, until: datetime
) -> tuple[Deed, bool]:
    """The newest deed of this content, claimed for the caller where it is free; whether it was claimed.

    A claimed deed that had been planned or unknown before is still marked unknown in the returned object:
    ask the shop about it before doing it.
    """
    with writing(connection_id):
        deed = newest(connection_id, digest)
        if deed is None:
            return _create(connection_id, kind, reference, digest, content, 1, now, until), True
        return deed, _claim(deed, now, until)


def claim_deed(deed: Deed, *, now: datetime, until: datetime) -> bool:
    """Claim a deed that is unknown, its state read anew; whether it was free and still unknown."""
    with writing(deed.connection_id):
        deed.state = Deed.select(Deed.state).where(Deed.id == deed.id).scalar() or FAILED
        return deed.state != FAILED and _claim(deed, now, until)


def _claim(deed: Deed, now: datetime, until: datetime) -> bool:
    if deed.state == DONE or (deed.state == PLANNED and deed.claimed_until > now):
        return False
    found = deed.state
    deed.state, deed.claim, deed.claimed_until = PLANNED, secrets.token_hex(16), until
    deed.save(only=[Deed.state, Deed.claim, Deed.claimed_until])
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


def finish_deed(deed: Deed, state: str, *, answer: str = "", error: str = "", now: datetime) -> None:
    """Record what came of a deed, unless somebody else has claimed it since."""
    with writing(deed.connection_id):
        Deed.update(state=state, answer=answer, error=error, finished_at=now, claimed_until=now).where(
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


def deeds_of_order(connection_id: int, reference: str) -> list[Deed]:
    """What was asked to be done to an order, oldest first."""
    this = (Deed.connection == connection_id) & (Deed.reference == reference)
    return list(Deed.select().where(this).order_by(Deed.id))


def find_deed(number: int) -> Deed | None:
    """The deed of that number."""
    found: Deed | None = Deed.get_or_none(Deed.id == number)
    return found


def drop_deed(deed: Deed) -> None:
    """Forget a deed, so that an equal request is a new one."""
    with writing(deed.connection_id):
        Deed.delete().where(Deed.id == deed.id).execute()
