"""The doctor's findings that the service records: since when each has been so, and what the owner was told of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from peewee import SQL, BooleanField, CharField, ForeignKeyField, IntegerField, TextField

from bridge.store.connections import Connection
from bridge.store.database import Row, writing
from bridge.store.fields import MomentField

OK = "ok"
OTHER_HOSTS_FOR = timedelta(days=1)
"""How long a finding about a host is kept that is not heard of any more."""


class RecordedFinding(Row):
    """The last finding of one cause: about a connection, a host, or the whole installation.

    It has been in its state, or in another one that is not ok, since `since`, and was found in `rounds` in a row. The
    owner was last told of `told_state` at `told_at`; that is `delivered` once an address has taken the message.
    """

    key = CharField(primary_key=True)
    cause = CharField(max_length=60)
    connection = ForeignKeyField(Connection, null=True, on_delete="CASCADE")
    connection_id: int | None
    host = CharField(default="")
    name = TextField()
    state = CharField(max_length=10)
    message = TextField()
    advice = TextField()
    command = TextField()
    since = MomentField()
    found_at = MomentField()
    ok_at = MomentField(null=True)
    rounds = IntegerField(default=1)
    told_state = CharField(max_length=10, default=OK)
    told_at = MomentField(null=True)
    alarmed_at = MomentField(null=True)
    delivered = BooleanField(default=True)


_TOLD = ("told_state", "told_at", "alarmed_at", "delivered")


def finding_key(cause: str, connection_id: int | None, host: str) -> str:
    """Return what identifies a finding: its cause, and the connection or host it is about."""
    return f"{cause}/{connection_id or ''}/{host}"


def recorded_findings() -> list[RecordedFinding]:
    """Return all recorded findings, those about the whole installation first."""
    return list(RecordedFinding.select().order_by(RecordedFinding.connection, RecordedFinding.cause))


def record_findings(
    found: Sequence[RecordedFinding], causes: Collection[str], host: str, connection_id: int | None, now: datetime
) -> None:
    """Record what a round has found about these causes, of one connection or of all.

    What was recorded of these causes and is not found any more is ok by now.

    The `since` of a new finding is when it began, as far as that is known, and else now.
    """
    of_connection = SQL("TRUE") if connection_id is None else RecordedFinding.connection == connection_id
    with writing(durable=False):
        rows = RecordedFinding.select().where(
            RecordedFinding.cause.in_(list(causes)) & (RecordedFinding.host == host) & of_connection
        )
        known = {row.key: row for row in rows}
        for new in found:
            old = known.pop(new.key, None)
            _record(new, old, now)
        for old in known.values():
            if old.state == OK:
                RecordedFinding.update(found_at=now, ok_at=now).where(RecordedFinding.key == old.key).execute()
            else:
                RecordedFinding.update(
                    state=OK, message="it is over", advice="", command="", since=now, found_at=now, ok_at=now, rounds=1
                ).where(RecordedFinding.key == old.key).execute()
        gone = (RecordedFinding.host != "") & (RecordedFinding.found_at < now - OTHER_HOSTS_FOR)
        RecordedFinding.delete().where(gone).execute()


def _record(new: RecordedFinding, old: RecordedFinding | None, now: datetime) -> None:
    """Record a finding about which `old` was the last; what the owner was told stays."""
    new.found_at = now
    if new.state == OK:
        new.ok_at = now
    if old is None:
        new.save(force_insert=True)
        return
    new.ok_at = new.ok_at or old.ok_at
    if (new.state == OK) == (old.state == OK):
        new.rounds, new.since = old.rounds + 1, old.since
    new.save(only=[field for field in RecordedFinding._meta.sorted_fields if field.name not in _TOLD])


def last_ok(cause: str) -> dict[int, datetime]:
    """Return when the answer to a question about connections was last ok, by the id of each that it ever was for."""
    found: Any = RecordedFinding.select(RecordedFinding.connection, RecordedFinding.ok_at).where(
        (RecordedFinding.cause == cause)
        & RecordedFinding.ok_at.is_null(False)
        & RecordedFinding.connection.is_null(False)
    )
    return dict(iter(found.tuples()))


def claim_telling(row: RecordedFinding, state: str, now: datetime) -> bool:
    """Take it upon this process to tell the owner of a state; False if another process or host has."""
    unchanged = (RecordedFinding.told_state == row.told_state) & (
        RecordedFinding.told_at.is_null() if row.told_at is None else RecordedFinding.told_at == row.told_at
    )
    changes = {"told_state": state, "told_at": now, "delivered": False}
    if state != OK:
        changes["alarmed_at"] = now
    with writing():
        return bool(RecordedFinding.update(changes).where((RecordedFinding.key == row.key) & unchanged).execute())


def record_delivery(keys: Collection[str]) -> None:
    """Record that the owner has been told of these findings."""
    with writing():
        RecordedFinding.update(delivered=True).where(RecordedFinding.key.in_(list(keys))).execute()
