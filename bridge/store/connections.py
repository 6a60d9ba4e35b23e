"""Connections: one per integration, found by the digest of its token."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from peewee import CharField, IntegerField, TextField

from bridge.store.database import Row, delete_some, truncate_wal, writing
from bridge.store.fields import JsonField, MomentField, NumberField
from bridge.store.statements import Statement

SECRET_COLUMNS = ("token_digest", "sealed", "claim")


class Connection(Row):
    """One integration: its account, the current step of its wizard, and the values entered there.

    `config` holds plain values by ConfigItemId, `sealed` the PASSWORD values, encrypted by the vault. `uid` is random
    and in every backup: keys of order actions are made of it. `generation` counts the shops it has led to. `paused`
    holds since when each kind of work is paused that is.
    """

    id = NumberField()
    uid = CharField(max_length=32)
    generation = IntegerField(default=1)
    token_digest = CharField(max_length=64, unique=True)
    account = CharField(max_length=36)
    account_name = CharField()
    email = CharField(max_length=320)
    step = CharField(max_length=100)
    config = JsonField(default=dict)
    sealed = TextField(default="")
    created_at = MomentField()
    completed_at = MomentField(null=True)
    paused = JsonField(null=True)

    class Meta:
        indexes = ((("account", "account_name"), True),)

    @property
    def complete(self) -> bool:
        """Whether the wizard was ever finished; this stays true while credentials are entered again."""
        return self.completed_at is not None

    def __repr__(self) -> str:
        return f"<Connection {self.id}>"


# one statement, so that of several simultaneous ones each replaces the one before
_INSERT_OR_REPLACE = Statement(
    lambda uid, account, account_name, email, token_digest, step, now: Connection.insert(
        uid=uid,
        account=account,
        account_name=account_name,
        email=email,
        token_digest=token_digest,
        step=step,
        created_at=now,
    ).on_conflict(
        conflict_target=[Connection.account, Connection.account_name],
        preserve=[
            Connection.token_digest,
            Connection.email,
            Connection.step,
            Connection.config,
            Connection.sealed,
            Connection.created_at,
        ],
        where=Connection.completed_at.is_null(),
    )
)
_FIND_BY_DIGEST = Statement(lambda digest: Connection.select().where(Connection.token_digest == digest))


def add_connection(
    *, account: str, account_name: str, email: str, token_digest: str, step: str, now: datetime
) -> Connection | None:
    """Add a connection, replacing an unfinished one of the same account and name; None if a finished one exists."""
    with writing():
        _INSERT_OR_REPLACE.run(
            uid=secrets.token_hex(16),
            account=account,
            account_name=account_name,
            email=email,
            token_digest=token_digest,
            step=step,
            now=now,
        )
        return find_connection(token_digest)


def find_connection(token_digest: str) -> Connection | None:
    """Return the connection whose token has this digest, or None."""
    found: Connection | None = _FIND_BY_DIGEST.first(digest=token_digest)
    return found


def list_connections() -> list[Connection]:
    """Return all connections, oldest first."""
    return list(Connection.select().order_by(Connection.id))


def matching_connections(text: str) -> list[Connection]:
    """Return the connections with this number or this account name."""
    number = Connection.id == int(text) if text.isdecimal() and len(text) < 10 else Connection.id.is_null()
    return list(Connection.select().where(number | (Connection.account_name == text)).order_by(Connection.id))


def save_step(
    connection: Connection,
    step: str,
    *,
    config: dict[str, Any],
    sealed: str,
    completed_at: Any,
    generation: int | None = None,
) -> bool:
    """Store the entered values and move on to `step`; False if another request has moved the wizard meanwhile.

    `generation` is a new one if the values lead to another shop.
    """
    unchanged = (Connection.step == connection.step) & (Connection.generation == connection.generation)
    with writing(connection.id):
        moved = (
            Connection.update(
                step=step,
                config=config,
                sealed=sealed,
                completed_at=completed_at,
                generation=generation or connection.generation,
            )
            .where(_this(connection) & unchanged)
            .execute()
        )
    return bool(moved)


def move_to_step(connection: Connection, step: str) -> None:
    """Move the wizard to `step`; token and values stay."""
    with writing():
        Connection.update(step=step).where(_this(connection)).execute()


def save_paused(connection: Connection, paused: dict[str, str]) -> None:
    """Store since when each kind of work is paused."""
    with writing(connection.id):
        Connection.update(paused=paused or None).where(_this(connection)).execute()


def delete_connection(connection: Connection) -> None:
    """Delete a connection and everything stored for it; repeating this does nothing."""
    with writing(connection.id):
        Connection.delete().where(_this(connection)).execute()
    erased.set()


erased = threading.Event()
"""Set when this process has deleted a connection, of which the write-ahead log still has copies."""


def forget_erased() -> bool:
    """Remove what was erased from the write-ahead log; return False if that must be tried again."""
    if not erased.is_set():
        return True
    erased.clear()
    if truncate_wal():
        return True
    erased.set()
    return False


def forget_unfinished(before: datetime, limit: int) -> int:
    """Delete at most `limit` connections created before this moment and never finished, and return how many."""
    return delete_some(Connection, Connection.completed_at.is_null() & (Connection.created_at < before), limit)


def everything_about(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Return everything stored for a connection as plain rows by table, without secrets."""
    tables: dict[str, list[dict[str, Any]]] = {"connection": [_plain(connection)]}
    for rows, key in connection.dependencies():
        tables[key.model._meta.table_name] = [_plain(row) for row in key.model.select().where(rows)]
    return tables


def _plain(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.__data__.items() if name not in SECRET_COLUMNS}


def reseal(reencrypt: Callable[[str], str | None]) -> list[Connection]:
    """Pass every sealed text through `reencrypt` and return the connections for which it returns None.

    Those stay unchanged. So does what the wizard stores meanwhile: the newest key has encrypted it already.
    """
    unreadable = []
    for row in list(Connection.select().where(Connection.sealed != "")):
        sealed = reencrypt(row.sealed)
        if sealed is None:
            unreadable.append(row)
        elif sealed != row.sealed:
            with writing():
                unchanged = _this(row) & (Connection.sealed == row.sealed)
                Connection.update(sealed=sealed).where(unchanged).execute()
    return unreadable


def drop_sealed(step: str) -> list[str]:
    """Drop all sealed values and move the wizards to `step`, which asks for them; return the account names.

    Tokens and plain values stay.
    """
    having = Connection.sealed != ""
    with writing():
        names = [str(row.account_name) for row in Connection.select().where(having).order_by(Connection.id)]
        Connection.update(sealed="", step=step).where(having).execute()
    return names


def _this(connection: Connection) -> Any:
    """Return the condition that a row is this connection, with the same token."""
    return (Connection.id == connection.id) & (Connection.token_digest == connection.token_digest)
