"""Back up an installation while it serves, and restore it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from bridge.channels.demo.tables import FILE as SHOPS_FILE
from bridge.channels.demo.tables import MIGRATIONS as SHOPS_MIGRATIONS
from bridge.errors import StartError
from bridge.ops.owner import acting_as, copy_files, owner_to_become, private_folder, refuse_links
from bridge.settings import Settings, sqlite_file
from bridge.store import database
from bridge.store.restored import forget_outdated
from bridge.store.sqlite_backup import (
    ARCHIVE,
    copied_fact,
    copy_database,
    has_integrations,
    integrity_errors,
    is_open,
    prepare_restored,
    steps_applied,
)
from bridge.store.versions import newer_message
from bridge.vault import KEY_FILE, MARKER, opens, read_key_file, write_key_file

BRIDGE_FILE = "bridge.db"
BACKED_UP = (BRIDGE_FILE, SHOPS_FILE, KEY_FILE)
USE_PG_DUMP = (
    "The database is on a PostgreSQL server, whose own tools copy it while the bridge serves: `pg_dump` to back it up, "
    "`pg_restore` to restore it, and then `linnworks-bridge after-restore`; keep the secret key too, in another place"
)


@dataclass(frozen=True)
class Restored:
    """The folder that now holds what was replaced, if anything was; and whose stock and prices must be sent again."""

    archive: Path | None
    integrations: list[str]


def backup(settings: Settings, folder: Path, *, with_key: bool) -> list[str]:
    """Copy the databases, and the key if asked for, into a new folder; return the names of its files.

    Each database is copied as of one moment, the bridge's before the embedded shops': what the bridge promised in
    between has been done in the shop already. Raises StartError if the folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise StartError(f"{folder} is not empty: name a new folder for each backup")
    owner = owner_to_become(settings)
    if owner is None:
        return _backup(settings, folder, with_key=with_key)
    with private_folder(owner) as private:
        with acting_as(owner):
            names = _backup(settings, private, with_key=with_key)
        refuse_links(folder.absolute())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy_files(private, names, folder)
    return names


def _backup(settings: Settings, folder: Path, *, with_key: bool) -> list[str]:
    sources = {BRIDGE_FILE: _bridge_file(settings), SHOPS_FILE: settings.data_dir / SHOPS_FILE}
    if not sources[BRIDGE_FILE].exists():
        raise StartError(f"There is no installation to back up: no database at {sources[BRIDGE_FILE]}")
    key = _key(settings)
    if with_key and key is None:
        raise StartError(f"There is no key to back up: no file {settings.data_dir / KEY_FILE}")
    names = [name for name, source in sources.items() if source.exists()]
    for name in names:
        copy_database(sources[name], folder / name)
    if with_key and key is not None:
        write_key_file(folder / KEY_FILE, key)
        names.append(KEY_FILE)
    return names


def restore(settings: Settings, folder: Path, *, force: bool) -> Restored:
    """Replace the installation with a backup.

    The service must be stopped. Everything is checked before anything is moved: the files are intact, this version
    knows their schemas, and the key they were sealed with is there. Raises StartError if a check fails, and without
    `force` if integrations would be replaced.
    """
    owner = owner_to_become(settings)
    if owner is None:
        return _restore(settings, folder, force=force)
    if not (folder / BRIDGE_FILE).is_file():
        raise StartError(f"{folder} is not a backup of a bridge: it has no {BRIDGE_FILE}")
    with private_folder(owner) as private:
        copy_files(folder, [*BACKED_UP, *(f"{name}-wal" for name in BACKED_UP)], private, owner)
        with acting_as(owner):
            return _restore(settings, private, force=force)


def _restore(settings: Settings, folder: Path, *, force: bool) -> Restored:
    target = _bridge_file(settings)
    places = {BRIDGE_FILE: target, SHOPS_FILE: settings.data_dir / SHOPS_FILE}
    found = {name: folder / name for name in places if (folder / name).is_file()}
    if BRIDGE_FILE not in found:
        raise StartError(f"{folder} is not a backup of a bridge: it has no {BRIDGE_FILE}")
    for path in found.values():
        _check_file(path)
    key = _key_to_restore(settings, folder)
    if any(path.exists() and is_open(path) for path in places.values()):
        raise StartError("The service is running on these files: stop it, restore, and start it again")
    if not force and has_integrations(target):
        raise StartError(
            f"{target} has integrations that a restore would replace: with --force they are moved to "
            f"{target.parent / ARCHIVE}"
        )
    return _replace(settings, found, places, key)


def _replace(settings: Settings, found: dict[str, Path], places: dict[str, Path], key: str | None) -> Restored:
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    copies = {name: places[name].with_name(f".{name}.restored") for name in found}
    try:
        for name, copy in copies.items():
            copy_database(found[name], copy)  # to the same disk, so that only renaming can be interrupted
        integrations = prepare_restored(copies[BRIDGE_FILE])
    except StartError:
        for copy in copies.values():
            copy.unlink(missing_ok=True)
        raise
    archive = places[BRIDGE_FILE].parent / ARCHIVE / f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S%f}-replaced"
    key_file = settings.data_dir / KEY_FILE
    replaced = {name: places[name] for name in found} | ({KEY_FILE: key_file} if key else {})
    for name, place in replaced.items():
        for path in (place, *(place.with_name(place.name + suffix) for suffix in ("-wal", "-shm", "-journal"))):
            if path.exists():
                archive.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.move(path, archive / path.name.replace(place.name, name))
    for name, copy in copies.items():
        copy.replace(places[name])
    if key:
        write_key_file(key_file, key)
    return Restored(archive if archive.exists() else None, integrations)


def after_restore(settings: Settings) -> list[str]:
    """Prepare a database that the server's own tools have restored; return whose stock and prices must be sent again.

    The service must be stopped.
    """
    database.open_store(settings.database)
    with database.writing():
        return forget_outdated(database.database.execute_sql)


def _check_file(path: Path) -> None:
    damage = integrity_errors(path)
    if damage:
        raise StartError(f"{path} is damaged: {damage[0]}")
    known = {
        step.stem for step in (database.MIGRATIONS if path.name == BRIDGE_FILE else SHOPS_MIGRATIONS).glob("[0-9]*.py")
    }
    newer = sorted(steps_applied(path) - known)
    if newer:
        raise StartError(newer_message(newer[-1]))


def _key_to_restore(settings: Settings, folder: Path) -> str | None:
    """Return the backup's own key if it must be restored too, None if ours opens the backup."""
    marker = copied_fact(folder / BRIDGE_FILE, MARKER)
    backed_up = folder / KEY_FILE
    if marker is None or opens(settings.secret_key or settings.data_dir / KEY_FILE, marker):
        return None
    if settings.secret_key:
        raise StartError("BRIDGE_SECRET_KEY is not the key this backup was sealed with: set it to that key")
    if opens(backed_up, marker):
        return read_key_file(backed_up)
    raise StartError(
        f"This backup was sealed with a key that is neither in it nor at {settings.data_dir / KEY_FILE}: put the key "
        "file there first, or set BRIDGE_SECRET_KEY"
    )


def _key(settings: Settings) -> str | None:
    path = settings.data_dir / KEY_FILE
    return settings.secret_key or (read_key_file(path) if path.is_file() else None)


def _bridge_file(settings: Settings) -> Path:
    path = sqlite_file(settings.database)
    if path is None:
        raise StartError(USE_PG_DUMP)
    return path
