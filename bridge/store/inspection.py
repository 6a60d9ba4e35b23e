"""Open the bridge's database for inspection, without creating or upgrading it."""

from __future__ import annotations

from datetime import datetime

import peewee
from peewee import SqliteDatabase

from bridge.errors import StartError, in_words
from bridge.settings import sqlite_file
from bridge.store import database as store
from bridge.store.database import connect, database, immediate
from bridge.store.versions import Schema, schema_version


def open_for_inspection(url: str) -> Schema:
    """Open the bridge's database unchanged and return how far its schema is upgraded.

    Raises StartError if it does not exist, cannot be written to, or stays locked by another writer.
    """
    path = sqlite_file(url)
    try:
        if path and not path.exists():
            raise StartError(f"There is no database at {path}")
        db = connect(url)
        try:
            schema = schema_version(db, store.MIGRATIONS)
            with immediate(db):
                pass
        finally:
            db.close()
    except (OSError, ValueError, RuntimeError, peewee.PeeweeException) as error:
        # a server's message may hold a password
        raise StartError(f"The database cannot be used: {in_words(error)}") from error
    if database.obj is not None:
        database.close()
    database.initialize(db)
    return schema


def server_time() -> datetime | None:
    """Return the time on the database server's clock; None for SQLite, which has none of its own."""
    if isinstance(database.obj, SqliteDatabase):
        return None
    found: datetime = database.execute_sql("SELECT clock_timestamp()").fetchone()[0]
    return found
