"""The database: opened once a process, its schema upgraded, one connection held by each thread."""

from __future__ import annotations

import fcntl
import logging
import os
import select
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import peewee
from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    CharField,
    DatabaseProxy,
    Model,
    NodeList,
    PostgresqlDatabase,
    SqliteDatabase,
    TextField,
)
from playhouse import db_url
from playhouse.migrations import Runner

from bridge.clock import EPOCH, FARTHEST
from bridge.errors import StartError
from bridge.settings import sqlite_file
from bridge.store.sqlite_backup import copy_to_archive
from bridge.store.versions import newer_message, schema_version
from bridge.vault import owner_only

log = logging.getLogger(__name__)

# what peewee says of a statement has all its values in it
logging.getLogger("peewee").setLevel(logging.INFO)

BUSY_SECONDS = 5
# what is erased is overwritten, not only left out of account
PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "secure_delete": 1}
# nobody waits for a server, or for another writer there, longer than a request may; a host that died holds no locks
PATIENCE = {"connect_timeout": 3, "keepalives_idle": 5, "tcp_user_timeout": 1000 * BUSY_SECONDS}
SESSION = f"-c lock_timeout={BUSY_SECONDS}s -c statement_timeout=7s -c idle_in_transaction_session_timeout=10s"
UPGRADE_LOCK, WRITING_LOCK = 5403, 5404
MIGRATIONS = Path(__file__).parent / "migrations"

database = DatabaseProxy()


class MomentField(BigIntegerField):
    """Aware UTC in the code, whole microseconds since 1970 in the database."""

    def db_value(self, value: datetime | None) -> int | None:
        return None if value is None else (value - EPOCH) // timedelta(microseconds=1)

    def python_value(self, value: int | None) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


class JsonField(TextField):
    """Plain data and messages, kept as JSON text; decimals as texts, so that they stay exact."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else msgspec.json.encode(value, enc_hook=str).decode()

    def python_value(self, value: str | None) -> Any:
        return None if value is None else msgspec.json.decode(value)


class NumberField(AutoField):
    """A number that is never given twice, on SQLite too: a late request must not meet another's row."""

    def ddl(self, ctx: Any) -> Any:
        column = super().ddl(ctx)
        db = self.model._meta.database
        lite = isinstance(db.obj if isinstance(db, DatabaseProxy) else db, SqliteDatabase)
        return NodeList((column, SQL("AUTOINCREMENT"))) if lite else column


def is_due(column: Any, now: datetime) -> Any:
    """That a column's moment does not lie ahead, as `clock.is_future` has it."""
    return (column <= now) | (column > now + FARTHEST)


class Row(Model):
    class Meta:
        database = database
        legacy_table_names = False


class Fact(Row):
    """Something the installation remembers about itself."""

    name = CharField(primary_key=True)
    value = TextField()


class Sqlite(SqliteDatabase):
    """SQLite, which takes a transaction back by itself where there is no room for it: the failure is to be told of."""

    def rollback(self) -> None:
        if not self.is_closed() and self.connection().in_transaction:
            super().rollback()


class Postgres(PostgresqlDatabase):
    """PostgreSQL, where a connection that the server ended while nobody used it is opened anew."""

    def begin(self, isolation_level: Any = None) -> None:
        self._leave_if_ended()
        super().begin(isolation_level)

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        self._leave_if_ended()
        return super().execute_sql(sql, params)

    def _leave_if_ended(self) -> None:
        if self.is_closed():
            return
        raw = self.connection()
        if not self.in_transaction() and not raw.closed:
            poll = select.poll()
            poll.register(raw.fileno(), select.POLLIN)
            if poll.poll(0):  # there is nothing to be told between commands but the end
                self.close()


def connect(url: str) -> peewee.Database:
    """A database that opens one connection a thread at first use and keeps it.

    SQLite runs in WAL mode with every commit on disk before it is answered for, and its file can be read
    by its owner only. Either waits 5 s for another writer.
    """
    path = sqlite_file(url)
    if path is None:
        return _postgres(url)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    owner_only(path)
    return Sqlite(str(path), pragmas=PRAGMAS, timeout=BUSY_SECONDS)


def _postgres(url: str) -> Postgres:
    if find_spec("psycopg") is None:
        raise StartError("A PostgreSQL database needs psycopg: pip install 'psycopg[binary]'")
    given = db_url.parse(url, unquote_user=True, unquote_password=True)
    options = f"{SESSION} {given.pop('options', '')}"
    return Postgres(**{**PATIENCE, "client_encoding": "UTF8", **given}, options=options, prefer_psycopg3=True)


def immediate(db: peewee.Database) -> AbstractContextManager[Any]:
    """A transaction that holds SQLite's write lock from its start.

    One that reads first and asks for the lock later fails at once under a second writer, whatever the timeout.
    """
    return db.atomic("IMMEDIATE") if isinstance(db, SqliteDatabase) else db.atomic()


def upgrade(db: peewee.Database, folder: Path) -> None:
    """Bring the schema up to date in one transaction; raises StartError where it is newer than this program.

    A SQLite database that has an earlier schema is copied first.
    """
    with immediate(db):
        if not isinstance(db, SqliteDatabase):
            db.execute_sql("SET LOCAL statement_timeout = 0")
            db.execute_sql("SET LOCAL lock_timeout = '60s'")
            db.execute_sql("SELECT pg_advisory_xact_lock(%s)", (UPGRADE_LOCK,))  # two hosts may start at once
        schema = schema_version(db, folder)
        if schema.newer:
            raise StartError(newer_message(schema.newer[-1]))
        if schema.applied and schema.pending and isinstance(db, SqliteDatabase):
            aside = copy_to_archive(Path(db.database), schema.applied[-1])
            log.warning("The database is upgraded to %s; as it was before, it is in %s", schema.pending[-1], aside)
        Runner(db, str(folder)).up()


def open_database(url: str, migrations: Path, proxy: DatabaseProxy, name: str) -> None:
    """Open a database, made or upgraded as needed; raises StartError that calls it by its name.

    Leaves no connection open, so that the process may fork.
    """
    try:
        db = connect(url)
        with _alone(url):
            try:
                upgrade(db, migrations)
            finally:
                db.close()
    except (OSError, ValueError, RuntimeError, peewee.PeeweeException) as error:
        # the URL may hold a password, and so may a driver's message about it
        raise StartError(f"{name} cannot be used ({type(error).__name__})") from error
    if proxy.obj is not None:
        proxy.close()
    proxy.initialize(db)


@contextmanager
def _alone(url: str) -> Iterator[None]:
    """One process at a time opens a file: SQLite would not wait for another that is making an empty one a database."""
    path = sqlite_file(url)
    if path is None:
        yield
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def open_store(url: str) -> None:
    """Open the bridge's own database; raises StartError with what to do about it."""
    open_database(url, MIGRATIONS, database, "The database that BRIDGE_DATABASE_URL or BRIDGE_DATA_DIR names")


def truncate_wal() -> None:
    """Have what was erased gone from SQLite's log too, where nobody is reading just now."""
    if isinstance(database.obj, SqliteDatabase):
        # which holds writers up as long as it waits for readers
        database.execute_sql("PRAGMA busy_timeout = 100")
        database.execute_sql("PRAGMA wal_checkpoint(truncate)")
        database.execute_sql(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS}")


def close_store() -> None:
    """Close this thread's connection, at the end of a thread or before a fork."""
    if database.obj is not None:
        database.close()


def discard_connection() -> None:
    """Drop this thread's connection after a database error, so that the next use opens a fresh one."""
    if not database.in_transaction():
        database.close()


@contextmanager
def writing(connection_id: int | None = None, *, lasting: bool = True) -> Iterator[None]:
    """A writing transaction; everything in it happens, or nothing. Within another it is part of that one.

    What reads and then decides what to write names the connection it is for: those go one after another. On
    SQLite all writers do. What is not `lasting` does not wait for the disk: a power cut may take it away together
    with all that was written later, never anything before it. It is for what nobody was told of and can be done again.
    """
    if database.in_transaction():
        yield
        return
    if isinstance(database.obj, SqliteDatabase):
        with _waiting_for_the_disk(lasting), immediate(database.obj):
            yield
        return
    with immediate(database.obj):
        first = [] if lasting else ["set_config('synchronous_commit', 'off', true)"]
        first += [] if connection_id is None else [f"pg_advisory_xact_lock({WRITING_LOCK}, {int(connection_id)})"]
        if first:
            database.execute_sql(f"SELECT {', '.join(first)}")
        yield


@contextmanager
def _waiting_for_the_disk(lasting: bool) -> Iterator[None]:
    """What SQLite commits meanwhile is on disk before it is done, or just written."""
    if not lasting:
        database.execute_sql("PRAGMA synchronous = normal")
    try:
        yield
    finally:
        if not lasting and not database.is_closed():
            database.execute_sql(f"PRAGMA synchronous = {PRAGMAS['synchronous']}")


def delete_some(model: Any, which: Any, most: int) -> int:
    """Delete some of the rows that `which` holds of, and still holds of when they go; how many."""
    with writing():
        some = model.select(model.id).where(which).limit(most)
        return int(model.delete().where(model.id.in_(some) & which).execute())


def works() -> bool:
    """Whether the database answers."""
    try:
        database.execute_sql("SELECT 1").fetchone()
    except peewee.PeeweeException:
        return False
    return True


def fact(name: str) -> str | None:
    """What the installation remembers under this name."""
    found = Fact.get_or_none(Fact.name == name)
    return str(found.value) if found else None


def remember(name: str, value: str) -> None:
    """Keep a fact for good, over an earlier one of that name."""
    with writing():
        kept = Fact.insert(name=name, value=value)
        kept.on_conflict(conflict_target=[Fact.name], preserve=[Fact.value]).execute()


def remember_first(name: str, value: str) -> str:
    """Keep a fact for good unless there is one of that name; the one that is kept."""
    with writing():
        Fact.insert(name=name, value=value).on_conflict_ignore().execute()
    return str(Fact.get(Fact.name == name).value)
