"""Connections: one for every integration, found by the digest of its token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from peewee import CharField, TextField

from bridge.store.database import JsonField, MomentField, NumberField, Row, delete_some, writing
from bridge.store.statements import Statement

SECRET_COLUMNS = ("token_digest", "sealed", "claim")


class Connection(Row):
    """One integration: whose it is, where its wizard stands, and what was entered in it.

    `config` holds the plain values by ConfigItemId, `sealed` the PASSWORD values as the vault sealed them.
    """

    id = NumberField()
    token_digest = CharField(max_length=64, unique=True)
    account = CharField(max_length=36)
    account_name = CharField()
    email = CharField(max_length=320)
    step = CharField(max_length=100)
    config = JsonField(default=dict)
    sealed = TextField(default="")
    created_at = MomentField()
    completed_at = MomentField(null=True)

    class Meta:
        indexes = ((("account", "account_name"), True),)

    @property
    def complete(self) -> bool:
        """Whether the wizard was finished once; it stays so while credentials are entered again."""
        return self.completed_at is not None

    def __repr__(self) -> str:
        return f"<Connection {self.id}>"


# one statement, so that of several at once each replaces the one before
_ADD = Statement(
    lambda account, account_name, email, token_digest, step, now: Connection.insert(
        account=account, account_name=account_name, email=email, token_digest=token_digest, step=step, created_at=now
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
_FIND = Statement(lambda digest: Connection.select().where(Connection.token_digest == digest))


def add_connection(
    *, account: str, account_name: str, email: str, token_digest: str, step: str, now: datetime
) -> Connection | None:
    """Add a connection in place of an unfinished one of the same account and name; None where a finished one exists."""
    with writing():
        _ADD.run(account, account_name, email, token_digest, step, now)
        return find_connection(token_digest)


def find_connection(token_digest: str) -> Connection | None:
    """The connection whose token has this digest."""
    found: Connection | None = _FIND.first(token_digest)
    return found


def list_connections() -> list[Connection]:
    """All connections, oldest first."""
    return list(Connection.select().order_by(Connection.id))


def matching_connections(text: str) -> list[Connection]:
    """The connections with this number, or with this account name."""
    number = Connection.id == int(text) if text.isdecimal() and len(text) < 10 else Connection.id.is_null()
    return list(Connection.select().where(number | (Connection.account_name == text)).order_by(Connection.id))


def save_step(connection: Connection, step: str, *, config: dict[str, Any], sealed: str, completed_at: Any) -> bool:
    """Keep what was entered and move on to `step`; False where another request moved the wizard meanwhile."""
    with writing():
        moved = (
            Connection.update(step=step, config=config, sealed=sealed, completed_at=completed_at)
            .where(_this(connection) & (Connection.step == connection.step))
            .execute()
        )
    return bool(moved)


def move_to_step(connection: Connection, step: str) -> None:
    """Put the wizard to `step`; token and settings stay."""
    with writing():
        Connection.update(step=step).where(_this(connection)).execute()


def delete_connection(connection: Connection) -> None:
    """Forget a connection and everything kept for it; a second time does nothing."""
    with writing(connection.id):
        Connection.delete().where(_this(connection)).execute()


def forget_unfinished(before: datetime, most: int) -> int:
    """Forget some connections that were begun before this moment and whose wizard was never finished; how many."""
    return delete_some(Connection, Connection.completed_at.is_null() & (Connection.created_at < before), most)


def everything_about(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """All that is kept for a connection, by table: rows as plain values, without what lets anybody in."""
    tables: dict[str, list[dict[str, Any]]] = {"connection": [_plain(connection)]}
    for rows, key in connection.dependencies():
        tables[key.model._meta.table_name] = [_plain(row) for row in key.model.select().where(rows)]
    return tables


def _plain(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.__data__.items() if name not in SECRET_COLUMNS}


def reseal(renewed: Callable[[str], str | None]) -> list[Connection]:
    """Put what is sealed through `renewed`; the connections for which it gives None, which stay as they are.

    What the wizard stores meanwhile stays too: it is sealed with the newest key already.
    """
    shut = []
    for row in list(Connection.select().where(Connection.sealed != "")):
        fresh = renewed(row.sealed)
        if fresh is None:
            shut.append(row)
        elif fresh != row.sealed:
            with writing():
                unchanged = _this(row) & (Connection.sealed == row.sealed)
                Connection.update(sealed=fresh).where(unchanged).execute()
    return shut


def _this(connection: Connection) -> Any:
    """The row as long as it is the same integration's: its number may have gone to another meanwhile."""
    return (Connection.id == connection.id) & (Connection.token_digest == connection.token_digest)
