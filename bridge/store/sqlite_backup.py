"""Copies of a SQLite database, taken while others write to it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from bridge.errors import StartError

ARCHIVE = "archive"
"""Folder beside a database for what it was before an upgrade or a restore."""


def copy_database(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment into a new file of its owner's; its writers need not wait.

    The copy is whole and on disk, or it is not there. Raises StartError that says why.
    """
    draft = target.with_name(f".{target.name}")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with closing(_reading(source)) as database, closing(sqlite3.connect(draft)) as copy:
            database.backup(copy)
            copy.execute("PRAGMA journal_mode = delete")  # one file, with nothing beside it
        _sync(draft)
        draft.replace(target)
        _sync(target.parent)
    except (OSError, sqlite3.Error) as error:
        raise StartError(f"{source} cannot be copied to {target}: {error}") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def copy_to_archive(source: Path, version: str) -> Path:
    """Copy a database before it is upgraded, into a folder that `linnworks-bridge restore` takes; the folder.

    One copy for each version: an upgrade that fails again and again does not fill the disk.
    """
    folder = source.parent / ARCHIVE / f"{source.stem}-{version}"
    copy_database(source, folder / source.name)
    return folder


def faults(path: Path) -> list[str]:
    """What is wrong with a database's file, in SQLite's words; nothing where it is whole."""
    try:
        with closing(_reading(path)) as database:
            return [words for (words,) in database.execute("PRAGMA quick_check(5)") if words != "ok"]
    except sqlite3.Error as error:
        return [str(error)]


def copied_fact(path: Path, name: str) -> str | None:
    """What the bridge whose database this is a copy of remembered under this name."""
    return next(iter(_column(path, "SELECT value FROM fact WHERE name = ?", [name])), None)


def steps_applied(path: Path) -> set[str]:
    """The names of the migrations that made a database what it is."""
    return set(_column(path, "SELECT name FROM schema_migration"))


def is_used(path: Path) -> bool:
    """Whether there is a database with integrations in it, or one of which that cannot be told."""
    if not path.exists():
        return False
    try:
        with closing(_reading(path)) as database:
            return database.execute("SELECT 1 FROM connection").fetchone() is not None
    except sqlite3.Error:
        return True


def in_use(path: Path) -> bool:
    """Whether any process has a database open just now."""
    try:
        with closing(sqlite3.connect(path, timeout=0)) as database:
            # which nobody may leave while others are there
            database.execute("PRAGMA journal_mode = delete")
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.Error:
        return False
    return False


def _column(path: Path, query: str, values: Sequence[str] = ()) -> list[str]:
    try:
        with closing(_reading(path)) as database:
            return [str(value) for (value,) in database.execute(query, values)]
    except sqlite3.Error as error:
        raise StartError(f"{path} is damaged, or not the bridge's: {error}") from None


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
