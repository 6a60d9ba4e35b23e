"""Older copies of the database on this machine: the archive, and the file that a migration left behind."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from bridge.errors import StartError
from bridge.settings import Settings, sqlite_file
from bridge.store.database import close_store, open_store
from bridge.store.installation_facts import read_fact, save_fact
from bridge.store.sqlite_backup import ARCHIVE, holds_integration, is_open

LEFT_BEHIND = "left-behind"  # name of the installation fact with host and path of the file that was migrated


def remember_left_behind(database_url: str, file: Path) -> None:
    """Store in the new database that its content came from this file."""
    open_store(database_url)
    save_fact(LEFT_BEHIND, f"{socket.gethostname()} {file.absolute()}")
    close_store()


def archive_left_behind(settings: Settings) -> Path | None:
    """Move the SQLite file that this database came from to the archive, once; return its new folder.

    That is done at the first start on the server, not by the migration: a service that starts with the old setting
    would make an empty database in its place.
    """
    file = _left_behind(settings)
    if file is None or not file.exists() or is_open(file):
        return None
    archive = settings.data_dir / ARCHIVE / f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S%f}-migrated"
    archive.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (file, *(file.with_name(file.name + suffix) for suffix in ("-wal", "-shm", "-journal"))):
        if path.exists():
            shutil.move(path, archive / path.name.replace(file.name, "bridge.db"))
    save_fact(LEFT_BEHIND, "")
    return archive


def copies_with(settings: Settings, uid: str) -> list[Path]:
    """Return the older copies that hold the integration with this uid, and those that cannot be read."""
    return [path for path in _copies(settings) if _holds(path, uid)]


def _copies(settings: Settings) -> Iterator[Path]:
    current = sqlite_file(settings.database)
    for parent in sorted({settings.data_dir.absolute(), *([current.parent.absolute()] if current else [])}):
        yield from sorted((parent / ARCHIVE).glob("*/bridge.db"))
    left = _left_behind(settings)
    if left is not None and left.exists():
        yield left


def _left_behind(settings: Settings) -> Path | None:
    if sqlite_file(settings.database):
        return None
    host, _, path = (read_fact(LEFT_BEHIND) or "").partition(" ")
    return Path(path) if path and host == socket.gethostname() else None


def _holds(path: Path, uid: str) -> bool:
    try:
        return holds_integration(path, uid)
    except StartError:
        return True
