"""Moving: everything that a SQLite database holds, copied to an empty one on a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import peewee

from bridge.errors import BridgeError
from bridge.store.database import MIGRATIONS, UPGRADE_LOCK, connect, immediate, upgrade

AT_ONCE = 1000
SQLITES_OWN, HISTORY = "sqlite_sequence", "schema_migration"
BOOLEAN = 16
"""PostgreSQL's number for that type."""


def move(source_url: str, target_url: str) -> dict[str, int]:
    """Copy all rows of all tables, in one transaction; how many each table has.

    Both are brought to this program's schema first, and nobody writes to the source meanwhile. Raises BridgeError,
    and leaves the target as it was, where there is something in it already or not everything arrived.
    """
    source, target = connect(source_url), connect(target_url)
    try:
        for db in (source, target):
            upgrade(db, MIGRATIONS)
        with immediate(source), target.atomic():
            target.execute_sql("SET LOCAL statement_timeout = 0")
            target.execute_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            target.execute_sql("SELECT pg_advisory_xact_lock(%s)", (UPGRADE_LOCK,))  # no service begins on it meanwhile
            tables = _in_order(source)
            filled = [table for table in tables if _count(target, table)]
            if filled:
                raise BridgeError(f"That database is not empty: it has rows in {', '.join(sorted(filled))}")
            for table in tables:
                _copy(source, target, table)
            counts = {table: _count(source, table) for table in tables}
            short = [table for table, count in counts.items() if _count(target, table) != count]
            if short:
                raise BridgeError(f"Not all rows of {', '.join(short)} arrived")
            return counts
    except peewee.PeeweeException as error:  # whose message may hold the password
        raise BridgeError(f"One of the two databases cannot be used ({type(error).__name__})") from error
    finally:
        source.close()
        target.close()


def _in_order(db: peewee.Database) -> list[str]:
    """All of SQLite's tables but the schema's own history, each after those that it refers to."""
    tables = sorted(set(db.get_tables()) - {SQLITES_OWN, HISTORY})
    refers = {table: {key.dest_table for key in db.get_foreign_keys(table)} - {table} for table in tables}
    return list(TopologicalSorter(refers).static_order())


def _count(db: peewee.Database, table: str) -> int:
    return int(db.execute_sql(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0])  # noqa: S608 (our own tables' names)


def _copy(source: peewee.Database, target: peewee.Database, table: str) -> None:
    """Copy a table's rows with their numbers, and go on counting where the source would."""
    columns = target.execute_sql(f'SELECT * FROM "{table}" LIMIT 0').description  # noqa: S608
    flags = {index for index, column in enumerate(columns) if column.type_code == BOOLEAN}
    names = ", ".join(f'"{column.name}"' for column in columns)
    insert = f'INSERT INTO "{table}" ({names}) VALUES ({", ".join(["%s"] * len(columns))})'  # noqa: S608
    rows = source.execute_sql(f'SELECT {names} FROM "{table}"')  # noqa: S608
    for some in _chunks(rows):
        target.cursor().executemany(insert, [_with_flags(row, flags) for row in some])
    for column in columns:
        sequence = target.execute_sql("SELECT pg_get_serial_sequence(%s, %s)", (f'"{table}"', column.name)).fetchone()
        last = _last_number(source, table, column.name) if sequence[0] else 0
        if last:
            target.execute_sql("SELECT setval(%s, %s)", (sequence[0], last))


def _chunks(rows: Any) -> Iterator[list[Any]]:
    while some := rows.fetchmany(AT_ONCE):
        yield some


def _with_flags(row: tuple[Any, ...], flags: set[int]) -> tuple[Any, ...]:
    """A row as PostgreSQL wants it: SQLite keeps true and false as numbers."""
    if not flags:
        return row
    return tuple(bool(value) if index in flags and value is not None else value for index, value in enumerate(row))


def _last_number(source: peewee.Database, table: str, column: str) -> int:
    """The greatest number that was ever given: of deleted rows too, where that is remembered."""
    most = source.execute_sql(f'SELECT MAX("{column}") FROM "{table}"').fetchone()[0] or 0  # noqa: S608
    remembered = source.execute_sql(f"SELECT seq FROM {SQLITES_OWN} WHERE name = ?", (table,)).fetchone()  # noqa: S608
    return max(most, remembered[0] if remembered else 0)
