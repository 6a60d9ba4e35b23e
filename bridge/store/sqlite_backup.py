"""SQLite backup: copies of a database that is in use, and checks of such a file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from bridge.errors import StartError, in_words
from bridge.store.restored import forget_outdated

ARCHIVE = "archive"
"""Folder beside a database that holds it as it was before an upgrade or a restore."""


def copy_database(source: Path, target: Path) -> None:
    """Copy a consistent state of a database into a new file with mode 0600, without blocking its writers.

    The copy is complete and on disk, or raises StartError and there is none.
    """
    temporary = target.with_name(f".{target.name}")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with closing(_open_read_only(source)) as database, closing(sqlite3.connect(temporary)) as copy:
            database.backup(copy)
            copy.execute("PRAGMA journal_mode = delete")  # one file, with nothing beside it
        _sync(temporary)
        temporary.replace(target)
        _sync(target.parent)
    except (OSError, sqlite3.Error) as error:
        words = in_words(error) if isinstance(error, OSError) else error  # SQLite's own are words
        raise StartError(f"{source} cannot be copied to {target}: {words}") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def copy_to_archive(source: Path, version: str) -> Path:
    """Copy a database before it is upgraded and return the folder, which `linnworks-bridge restore` accepts.

    There is one copy per version, so an upgrade that fails repeatedly does not fill the disk.
    """
    folder = source.parent / ARCHIVE / f"{source.stem}-{version}"
    copy_database(source, folder / source.name)
    return folder


def prepare_restored(path: Path) -> list[str]:
    """Forget what is outdated in a restored database; return the integrations that have to send stock and prices."""
    try:
        with closing(sqlite3.connect(path)) as database, database:
            return forget_outdated(database.execute)
    except sqlite3.Error as error:
        raise StartError(f"{path} cannot be changed: {error}") from None


def integrity_errors(path: Path) -> list[str]:
    """Return what SQLite finds wrong with a database's file; nothing if it is intact."""
    try:
        with closing(_open_read_only(path)) as database:
            return [found for (found,) in database.execute("PRAGMA quick_check(5)") if found != "ok"]
    except sqlite3.Error as error:
        return [str(error)]


def copied_fact(path: Path, name: str) -> str | None:
    """Return the installation fact stored under this name in a copy of a database, or None."""
    return next(iter(_column(path, "SELECT value FROM installation_fact WHERE name = ?", [name])), None)


def steps_applied(path: Path) -> set[str]:
    """Return the names of the migrations a database has had."""
    return set(_column(path, "SELECT name FROM schema_migration"))


def integrations_in(path: Path) -> int:
    """Return how many integrations a copy of a database has."""
    return int(_column(path, "SELECT COUNT(*) FROM connection")[0])


def holds_integration(path: Path, uid: str) -> bool:
    """Return whether a copy of a database has the integration with this uid."""
    return bool(_column(path, "SELECT 1 FROM connection WHERE uid = ?", [uid]))


def has_integrations(path: Path) -> bool:
    """Return whether a database has integrations; True if it cannot be read."""
    if not path.exists():
        return False
    try:
        with closing(_open_read_only(path)) as database:
            return database.execute("SELECT 1 FROM connection").fetchone() is not None
    except sqlite3.Error:
        return True


def is_open(path: Path) -> bool:
    """Return whether any process has this database open."""
    try:
        with closing(sqlite3.connect(path, timeout=0)) as database:
            # SQLite refuses to leave WAL mode while another connection is open
            database.execute("PRAGMA journal_mode = delete")
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.Error:
        return False
    return False


def _column(path: Path, query: str, values: Sequence[str] = ()) -> list[str]:
    try:
        with closing(_open_read_only(path)) as database:
            return [str(value) for (value,) in database.execute(query, values)]
    except sqlite3.Error as error:
        raise StartError(f"{path} is damaged, or is not a database of the bridge: {error}") from None


def _open_read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
