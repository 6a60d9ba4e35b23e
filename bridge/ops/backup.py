"""Backups: an installation copied into a folder while it serves, and put back from there."""

from __future__ import annotations

import os
import shutil
from datetime import datetime, timezone
from pathlib import Path

from bridge.channels.demo.tables import FILE as SHOPS_FILE
from bridge.channels.demo.tables import MIGRATIONS as SHOPS_MIGRATIONS
from bridge.errors import StartError
from bridge.settings import Settings, sqlite_file
from bridge.store import database
from bridge.store.sqlite_backup import (
    ARCHIVE,
    copied_fact,
    copy_database,
    has_integrations,
    integrity_errors,
    is_open,
    steps_applied,
)
from bridge.store.versions import newer_message
from bridge.vault import KEY_FILE, MARKER, Vault, read_key_file, write_key_file

BRIDGE_FILE = "bridge.db"
ON_A_SERVER = (
    "The database is on a PostgreSQL server, whose own tools copy it while the bridge serves: `pg_dump` to back it up, "
    "`pg_restore` to put it back; keep the secret key with them, in another place"
)


def backup(settings: Settings, folder: Path, *, with_key: bool) -> list[str]:
    """Copy the databases, and if wished the key, into a new folder; the names of its files.

    Each database is as it was at one moment, the bridge's before the embedded shops': what was promised in
    between is done in the shop already. Raises StartError where the folder has anything in it.
    """
    if folder.exists() and any(folder.iterdir()):
        raise StartError(f"{folder} is not empty: name a new folder for each backup")
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


def restore(settings: Settings, folder: Path, *, force: bool) -> Path | None:
    """Put a backup in the installation's place; the folder where what was there before is now.

    The service must not run. Everything is tried out before anything is moved: the files are whole, this version
    knows their schemas, and there is the key they were sealed with. Raises StartError where any of that is not
    so, and without `force` where integrations would be lost.
    """
    target = _bridge_file(settings)
    places = {BRIDGE_FILE: target, SHOPS_FILE: settings.data_dir / SHOPS_FILE}
    found = {name: folder / name for name in places if (folder / name).is_file()}
    if BRIDGE_FILE not in found:
        raise StartError(f"{folder} is no backup of a bridge: it has no {BRIDGE_FILE}")
    for path in found.values():
        _sound(path)
    key = _fitting_key(settings, folder)
    if any(path.exists() and is_open(path) for path in places.values()):
        raise StartError("The service is running on these files: stop it, restore, and start it again")
    if not force and has_integrations(target):
        raise StartError(
            f"{target} has integrations that a restore would replace: with --force they are put aside in "
            f"{target.parent / ARCHIVE}"
        )
    return _put_back(settings, found, places, key)


def _put_back(settings: Settings, found: dict[str, Path], places: dict[str, Path], key: str | None) -> Path | None:
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    drafts = {name: places[name].with_name(f".{name}.restored") for name in found}
    try:
        for name, draft in drafts.items():
            copy_database(found[name], draft)  # on the same disk, so that only renaming is left to be done
    except StartError:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
        raise
    aside = places[BRIDGE_FILE].parent / ARCHIVE / f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S%f}-replaced"
    key_file = settings.data_dir / KEY_FILE
    replaced = {name: places[name] for name in found} | ({KEY_FILE: key_file} if key else {})
    for name, place in replaced.items():
        for path in (place, *(place.with_name(place.name + more) for more in ("-wal", "-shm", "-journal"))):
            if path.exists():
                aside.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.move(path, aside / path.name.replace(place.name, name))
    for name, draft in drafts.items():
        draft.replace(places[name])
    if key:
        write_key_file(key_file, key)
    _give_to_owner(settings.data_dir, [*places.values(), key_file, aside.parent, aside])
    return aside if aside.exists() else None


def _sound(path: Path) -> None:
    wrong = integrity_errors(path)
    if wrong:
        raise StartError(f"{path} is damaged: {wrong[0]}")
    known = {
        step.stem for step in (database.MIGRATIONS if path.name == BRIDGE_FILE else SHOPS_MIGRATIONS).glob("[0-9]*.py")
    }
    newer = sorted(steps_applied(path) - known)
    if newer:
        raise StartError(newer_message(newer[-1]))


def _fitting_key(settings: Settings, folder: Path) -> str | None:
    """The backup's own key where it has to be put back with it, None where ours opens it."""
    marker = copied_fact(folder / BRIDGE_FILE, MARKER)
    theirs = folder / KEY_FILE
    if marker is None or _opens(settings.secret_key or settings.data_dir / KEY_FILE, marker):
        return None
    if settings.secret_key:
        raise StartError("BRIDGE_SECRET_KEY is not the key this backup was sealed with: set it to that one")
    if _opens(theirs, marker):
        return read_key_file(theirs)
    raise StartError(
        f"This backup was sealed with a key that is neither in it nor at {settings.data_dir / KEY_FILE}: put the key "
        "file there first, or set BRIDGE_SECRET_KEY"
    )


def _opens(keys: str | Path, sealed: str) -> bool:
    try:
        return Vault(keys).open(sealed) is not None
    except StartError:  # there are none, or something else is in their place
        return False


def _key(settings: Settings) -> str | None:
    path = settings.data_dir / KEY_FILE
    return settings.secret_key or (read_key_file(path) if path.is_file() else None)


def _bridge_file(settings: Settings) -> Path:
    path = sqlite_file(settings.database)
    if path is None:
        raise StartError(ON_A_SERVER)
    return path


def _give_to_owner(folder: Path, paths: list[Path]) -> None:
    """Files that root has put back are the service's."""
    owner = folder.stat()
    if os.geteuid() == 0:
        for path in paths:
            if path.exists():
                os.chown(path, owner.st_uid, owner.st_gid)
