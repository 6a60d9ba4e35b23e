"""The database: opened once per process, its schema upgraded; each thread holds one connection."""

from __future__ import annotations

import fcntl
import logging
import os
import select
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import peewee
from peewee import DatabaseProxy, Model, PostgresqlDatabase, SqliteDatabase
from playhouse.migrations import Runner

from bridge.errors import StartError, in_words
from bridge.settings import sqlite_file
from bridge.store.sqlite_backup import copy_to_archive
from bridge.store.versions import newer_message, schema_version
from bridge.vault import restrict_to_owner

log = logging.getLogger(__name__)

# peewee's debug records hold every value of a statement
logging.getLogger("peewee").setLevel(logging.INFO)

BUSY_SECONDS = 5
# secure_delete overwrites erased data on disk
PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "secure_delete": 1}
# no wait for a server, or for another writer there, is longer than a request's; a dead host's locks are released
SERVER_TIMEOUTS = {"connect_timeout": 3, "keepalives_idle": 5, "tcp_user_timeout": 1000 * BUSY_SECONDS}
SESSION_OPTIONS = f"-c lock_timeout={BUSY_SECONDS}s -c statement_timeout=7s -c idle_in_transaction_session_timeout=10s"
UPGRADE_LOCK, WRITING_LOCK = 5403, 5404
MIGRATIONS = Path(__file__).parent / "migrations"

database = DatabaseProxy()


class Row(Model):
    class Meta:
        database = database
        legacy_table_names = False


class Sqlite(SqliteDatabase):
    """SQLite. On a full disk it rolls back by itself; a second rollback would hide that error."""

    def rollback(self) -> None:
        if not self.is_closed() and self.connection().in_transaction:
            super().rollback()


class Postgres(PostgresqlDatabase):
    """PostgreSQL. A connection that the server closed while it was idle is reopened."""

    def begin(self, isolation_level: Any = None) -> None:
        self._close_if_ended()
        super().begin(isolation_level)

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        self._close_if_ended()
        return super().execute_sql(sql, params)

    def _close_if_ended(self) -> None:
        if self.is_closed():
            return
        raw = self.connection()
        if not self.in_transaction() and not raw.closed:
            poll = select.poll()
            poll.register(raw.fileno(), select.POLLIN)
            if poll.poll(0):  # between commands the server sends nothing but the end
                self.close()


def connect(url: str) -> peewee.Database:
    """Return a database that opens one connection per thread at first use and keeps it.

    SQLite runs in WAL mode, every commit is on disk when it returns, and only the file's owner can read it. Both
    kinds wait 5 s for another writer.
    """
    path = sqlite_file(url)
    if path is None:
        return _postgres(url)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    restrict_to_owner(path)
    return Sqlite(str(path), pragmas=PRAGMAS, timeout=BUSY_SECONDS)


def _postgres(url: str) -> Postgres:
    if find_spec("psycopg") is None:
        raise StartError("A PostgreSQL database needs psycopg: pip install 'psycopg[binary]'")
    from playhouse import db_url  # with it come the extensions of all databases

    given = db_url.parse(url, unquote_user=True, unquote_password=True)
    options = f"{SESSION_OPTIONS} {given.pop('options', '')}"
    return Postgres(**{**SERVER_TIMEOUTS, "client_encoding": "UTF8", **given}, options=options, prefer_psycopg3=True)


def immediate(db: peewee.Database) -> AbstractContextManager[Any]:
    """Return a transaction that holds SQLite's write lock from its start.

    One that reads first and takes the lock later fails at once if there is a second writer, whatever the timeout.
    """
    return db.atomic("IMMEDIATE") if isinstance(db, SqliteDatabase) else db.atomic()


def upgrade(db: peewee.Database, folder: Path) -> None:
    """Upgrade the schema in one transaction; raises StartError if it is newer than this program.

    A SQLite database with an earlier schema is first copied to the archive.
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
            archived = copy_to_archive(Path(db.database), schema.applied[-1])
            log.warning("Upgrading the database to %s; the earlier one is kept in %s", schema.pending[-1], archived)
        Runner(db, str(folder)).up()


def open_database(url: str, migrations: Path, proxy: DatabaseProxy, name: str) -> None:
    """Open a database, created or upgraded as needed; raises StartError, which calls it by `name`.

    No connection stays open, so the process may fork afterwards.
    """
    try:
        db = connect(url)
        with _file_lock(url):
            try:
                upgrade(db, migrations)
            finally:
                db.close()
    except (OSError, ValueError, RuntimeError, peewee.PeeweeException) as error:
        # the URL may hold a password, and the driver's message may quote it
        raise StartError(f"{name} cannot be used: {in_words(error)}") from error
    if proxy.obj is not None:
        proxy.close()
    proxy.initialize(db)


@contextmanager
def _file_lock(url: str) -> Iterator[None]:
    """Let one process at a time open a SQLite file: SQLite does not wait for one that is creating the database."""
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


def truncate_wal() -> bool:
    """Remove erased data from SQLite's write-ahead log too; return False if that is being read."""
    if not isinstance(database.obj, SqliteDatabase):
        return True
    # writers are blocked while the checkpoint waits for readers
    database.execute_sql("PRAGMA busy_timeout = 100")
    busy, _, _ = database.execute_sql("PRAGMA wal_checkpoint(truncate)").fetchone()
    database.execute_sql(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS}")
    return not busy


def close_store() -> None:
    """Close this thread's connection, at the end of a thread or before a fork."""
    if database.obj is not None:
        database.close()


def discard_connection() -> None:
    """Drop this thread's connection after a database error, so that the next use opens a fresh one."""
    if not database.in_transaction():
        database.close()


@contextmanager
def writing(connection_id: int | None = None, *, durable: bool = True) -> Iterator[None]:
    """Run the block as one writing transaction, or as part of the transaction it is in.

    A block that reads and then decides what to write passes its connection's id: such blocks of one connection run
    one after another (on SQLite, all writers do). With `durable=False` the commit does not wait for the disk: a power
    cut may undo it and later commits, never earlier ones. Use that for what has not been answered yet and can be
    repeated.
    """
    if database.in_transaction():
        yield
        return
    if isinstance(database.obj, SqliteDatabase):
        with _synchronous(durable), immediate(database.obj):
            yield
        return
    with immediate(database.obj):
        first = [] if durable else ["set_config('synchronous_commit', 'off', true)"]
        first += [] if connection_id is None else [f"pg_advisory_xact_lock({WRITING_LOCK}, {int(connection_id)})"]
        if first:
            database.execute_sql(f"SELECT {', '.join(first)}")
        yield


@contextmanager
def _synchronous(durable: bool) -> Iterator[None]:
    """Let SQLite's commits in the block wait for the disk, or not."""
    if not durable:
        database.execute_sql("PRAGMA synchronous = normal")
    try:
        yield
    finally:
        if not durable and not database.is_closed():
            database.execute_sql(f"PRAGMA synchronous = {PRAGMAS['synchronous']}")


def delete_some(model: Any, condition: Any, limit: int) -> int:
    """Delete at most `limit` rows that meet the condition and return how many."""
    with writing():
        some = model.select(model.id).where(condition).limit(limit)
        # repeated, because another process may have changed a row meanwhile
        return int(model.delete().where(model.id.in_(some) & condition).execute())


def responds() -> bool:
    """Return whether the database answers a query."""
    try:
        database.execute_sql("SELECT 1").fetchone()
    except peewee.PeeweeException:
        return False
    return True
