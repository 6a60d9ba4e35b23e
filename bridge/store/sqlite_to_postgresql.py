"""SQLite to PostgreSQL: copy a whole database into an empty one on a server."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import peewee

from bridge.errors import BridgeError, in_words
from bridge.store.database import MIGRATIONS, UPGRADE_LOCK, connect, immediate, upgrade

ROWS_AT_ONCE = 1000
SEQUENCES, MIGRATIONS_APPLIED = "sqlite_sequence", "schema_migration"
BOOLEAN = 16
"""PostgreSQL's number of the type boolean."""


def copy_to_postgresql(source_url: str, target_url: str) -> dict[str, int]:
    """Copy all rows of all tables in one transaction and return the number of rows by table.

    Both databases are upgraded first, and the source is locked meanwhile. Raises BridgeError, and leaves the target
    unchanged, if the target has rows already or does not have all of them afterwards.
    """
    source, target = connect(source_url), connect(target_url)
    try:
        for db in (source, target):
            upgrade(db, MIGRATIONS)
        with immediate(source), target.atomic():
            target.execute_sql("SET LOCAL statement_timeout = 0")
            target.execute_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            target.execute_sql("SELECT pg_advisory_xact_lock(%s)", (UPGRADE_LOCK,))  # no service starts on it meanwhile
            tables = _in_order(source)
            filled = [table for table in tables if _count(target, table)]
            if filled:
                raise BridgeError(f"That database is not empty: it has rows in {', '.join(sorted(filled))}")
            for table in tables:
                _copy(source, target, table)
            counts = {table: _count(source, table) for table in tables}
            incomplete = [table for table, count in counts.items() if _count(target, table) != count]
            if incomplete:
                raise BridgeError(f"Not all rows of {', '.join(incomplete)} were copied")
            return counts
    except peewee.PeeweeException as error:  # its message may hold the password
        raise BridgeError(f"One of the two databases cannot be used: {in_words(error)}") from error
    finally:
        source.close()
        target.close()


def _in_order(db: peewee.Database) -> list[str]:
    """Return the tables to copy, each after those it refers to."""
    tables = sorted(set(db.get_tables()) - {SEQUENCES, MIGRATIONS_APPLIED})
    refers = {table: {key.dest_table for key in db.get_foreign_keys(table)} - {table} for table in tables}
    return list(TopologicalSorter(refers).static_order())


def _count(db: peewee.Database, table: str) -> int:
    return int(db.execute_sql(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0])  # noqa: S608 (our own tables' names)


def _copy(source: peewee.Database, target: peewee.Database, table: str) -> None:
    """Copy a table's rows with their numbers, and continue the numbering where the source would."""
    columns = target.execute_sql(f'SELECT * FROM "{table}" LIMIT 0').description  # noqa: S608
    booleans = {index for index, column in enumerate(columns) if column.type_code == BOOLEAN}
    names = ", ".join(f'"{column.name}"' for column in columns)
    insert = f'INSERT INTO "{table}" ({names}) VALUES ({", ".join(["%s"] * len(columns))})'  # noqa: S608
    rows = source.execute_sql(f'SELECT {names} FROM "{table}"')  # noqa: S608
    for some in _chunks(rows):
        target.cursor().executemany(insert, [_with_booleans(row, booleans) for row in some])
    for column in columns:
        sequence = target.execute_sql("SELECT pg_get_serial_sequence(%s, %s)", (f'"{table}"', column.name)).fetchone()
        last = _last_number(source, table, column.name) if sequence[0] else 0
        if last:
            target.execute_sql("SELECT setval(%s, %s)", (sequence[0], last))


def _chunks(rows: Any) -> Iterator[list[Any]]:
    while some := rows.fetchmany(ROWS_AT_ONCE):
        yield some


def _with_booleans(row: tuple[Any, ...], booleans: set[int]) -> tuple[Any, ...]:
    """Return a row for PostgreSQL: SQLite stores true and false as numbers."""
    if not booleans:
        return row
    return tuple(bool(value) if index in booleans and value is not None else value for index, value in enumerate(row))


def _last_number(source: peewee.Database, table: str, column: str) -> int:
    """Return the highest number ever given, including deleted rows where SQLite keeps track of it."""
    highest = source.execute_sql(f'SELECT MAX("{column}") FROM "{table}"').fetchone()[0] or 0  # noqa: S608
    recorded = source.execute_sql(f"SELECT seq FROM {SEQUENCES} WHERE name = ?", (table,)).fetchone()  # noqa: S608
    return max(highest, recorded[0] if recorded else 0)
