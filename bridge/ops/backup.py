"""Back up an installation while it serves, and restore it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from bridge.channels.demo.tables import FILE as SHOPS_FILE
from bridge.channels.demo.tables import MIGRATIONS as SHOPS_MIGRATIONS
from bridge.errors import StartError
from bridge.ops.owner import ROOT, Owner, acting_as, copy_files, owner_to_become, private_folder, refuse_links
from bridge.settings import ENV_FILE, PREFIX, Settings, env_file_text, given_variables, sqlite_file
from bridge.store import database
from bridge.store.restored import forget_outdated
from bridge.store.sqlite_backup import (
    ARCHIVE,
    copied_fact,
    copy_database,
    has_integrations,
    integrations_in,
    integrity_errors,
    is_open,
    prepare_restored,
    steps_applied,
)
from bridge.store.versions import newer_message
from bridge.vault import KEY_FILE, MARKER, opens, read_key_file, write_key_file

BRIDGE_FILE = "bridge.db"
BACKED_UP = (BRIDGE_FILE, SHOPS_FILE, KEY_FILE, ENV_FILE)
OF_THE_MACHINE = (PREFIX + "DATA_DIR", PREFIX + "DATABASE_URL", PREFIX + "SECRET_KEY")
NAME_FORM, NAME = "%Y%m%dT%H%M%SZ", re.compile(r"[0-9]{8}T[0-9]{6}Z")
"""The name of a backup in a folder that holds several."""
USE_PG_DUMP = (
    "The database is on a PostgreSQL server, whose own tools copy it while the bridge serves: `pg_dump` to back it up, "
    "`pg_restore` to restore it, and then `linnworks-bridge after-restore`; keep the secret key too, in another place"
)


@dataclass(frozen=True)
class Restored:
    """The folder that now holds what was replaced, if anything was; whose stock and prices must be sent again; and
    the variables of settings that had other values when the backup was made."""

    archive: Path | None
    integrations: list[str]
    other_settings: Sequence[str] = ()


@dataclass(frozen=True)
class Contents:
    """What a backup holds, and what is wrong with it as far as that was examined."""

    folder: Path
    made_at: datetime
    megabytes: float
    schema: str = ""
    integrations: int | None = None
    has_key: bool = False
    has_settings: bool = False
    problem: str = ""


def backup(
    settings: Settings, folder: Path, *, with_key: bool, variables: Mapping[str, str] | None = None
) -> list[str]:
    """Copy the databases, the settings, and the key if asked for, into a new folder; return the names of its files.

    Each database is copied as of one moment, the bridge's before the embedded shops': what the bridge promised in
    between has been done in the shop already. `variables` are the settings as text; without `with_key` a key in them is
    left out. Raises StartError if the folder is not empty, or a copy is damaged.
    """
    if folder.exists() and any(folder.iterdir()):
        raise StartError(f"{folder} is not empty: name a new folder for each backup")
    owner = owner_to_become(settings)
    given = {name: text for name, text in (variables or {}).items() if with_key or name != PREFIX + "SECRET_KEY"}
    if owner is None:
        return _backup(settings, folder, given, with_key=with_key)
    with private_folder(owner) as private:
        with acting_as(owner):
            names = _backup(settings, private, given, with_key=with_key)
        refuse_links(folder.absolute())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy_files(private, names, folder)
    return names


def _backup(settings: Settings, folder: Path, variables: Mapping[str, str], *, with_key: bool) -> list[str]:
    sources = {BRIDGE_FILE: _bridge_file(settings), SHOPS_FILE: settings.data_dir / SHOPS_FILE}
    if not sources[BRIDGE_FILE].exists():
        raise StartError(f"There is no installation to back up: no database at {sources[BRIDGE_FILE]}")
    key = _key(settings)
    if with_key and key is None:
        raise StartError(f"There is no key to back up: no file {settings.data_dir / KEY_FILE}")
    names = [name for name, source in sources.items() if source.exists()]
    for name in names:
        copy_database(sources[name], folder / name)
        _check_file(folder / name)
    if with_key and key is not None:
        write_key_file(folder / KEY_FILE, key)
        names.append(KEY_FILE)
    if variables:
        with open(
            os.open(folder / ENV_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(env_file_text(variables))
        names.append(ENV_FILE)
    return names


def new_name(moment: datetime) -> str:
    """Return the name of a backup in a folder that holds several."""
    return moment.strftime(NAME_FORM)


def delete_old_backups(folder: Path, keep: int) -> list[str]:
    """Delete all backups in a folder but the newest ones, and return their names.

    Only folders named by `new_name` are touched.
    """
    refuse_links(folder.absolute())
    found = folder.stat()
    owner = Owner(found.st_uid, found.st_gid) if os.geteuid() == ROOT != found.st_uid else None
    with acting_as(owner):  # who may have put links in it
        ours = sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name) and not path.is_symlink())
        kept = [path for path in ours if os.path.isfile(path / BRIDGE_FILE)][-keep:]  # False if it is another user's
        for path in ours:
            if kept and path < kept[-1] and path not in kept:
                shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in ours if not path.exists()]


def list_backups(folder: Path) -> list[Contents]:
    """Return what the backups in a folder hold, oldest first; they are not examined further."""
    places = [path for path in (folder, *folder.glob("*/")) if path.is_dir()]
    closed = [path for path in places if not os.access(path, os.R_OK | os.X_OK)]
    backups = [path for path in places if path not in closed and (path / BRIDGE_FILE).is_file()]
    return sorted([*map(_contents, backups), *map(_unreadable, closed)], key=lambda contents: contents.made_at)


def verify_backup(settings: Settings, folder: Path) -> Contents:
    """Check a backup as `restore` does, and return what it holds; raises StartError if a check fails."""
    with _readable(settings, folder) as files:
        _check_backup(settings, files)
        contents = _contents(files)
    made_at = datetime.fromtimestamp((folder / BRIDGE_FILE).stat().st_mtime, timezone.utc)
    return replace(contents, folder=folder, made_at=made_at)


def _contents(folder: Path) -> Contents:
    sizes = [path.stat().st_size for name in BACKED_UP if (path := folder / name).is_file()]
    file = folder / BRIDGE_FILE
    contents = Contents(
        folder=folder,
        made_at=datetime.fromtimestamp(file.stat().st_mtime, timezone.utc),
        megabytes=round(sum(sizes) / 1e6, 1),
        has_key=(folder / KEY_FILE).is_file(),
        has_settings=(folder / ENV_FILE).is_file(),
    )
    try:
        return replace(contents, schema=max(steps_applied(file), default=""), integrations=integrations_in(file))
    except StartError as error:
        return replace(contents, problem=str(error))


def _unreadable(folder: Path) -> Contents:
    made_at = datetime.fromtimestamp(folder.stat().st_mtime, timezone.utc)
    return Contents(folder, made_at, 0, problem="another user's, whose rights it takes to read it")


@contextmanager
def _readable(settings: Settings, folder: Path) -> Iterator[Path]:
    """Yield a folder with a backup's files, and act as the owner of the installation if this is root."""
    _bridge_file(settings)
    if not (folder / BRIDGE_FILE).is_file():
        raise StartError(f"{folder} is not a backup of a bridge: it has no {BRIDGE_FILE}")
    owner = owner_to_become(settings)
    if owner is None:
        yield folder
        return
    with private_folder(owner) as private:
        copy_files(folder, [*BACKED_UP, *(f"{name}-wal" for name in BACKED_UP)], private, owner)
        with acting_as(owner):
            yield private


def restore(settings: Settings, folder: Path, *, force: bool, variables: Mapping[str, str] | None = None) -> Restored:
    """Replace the installation with a backup.

    The service must be stopped. Everything is checked before anything is moved: the files are intact, this version
    knows their schemas, and the key they were sealed with is there. Raises StartError if a check fails, and without
    `force` if integrations would be replaced. Settings stay as they are; the result names those that differ.
    """
    with _readable(settings, folder) as files:
        restored = _restore(settings, files, force=force)
        backed_up = (
            given_variables({PREFIX + "ENV_FILE": str(files / ENV_FILE)}) if (files / ENV_FILE).is_file() else {}
        )
    current = variables or {}
    names = {name for name in {*backed_up, *current} if backed_up and backed_up.get(name) != current.get(name)}
    return replace(restored, other_settings=tuple(sorted(names - {*OF_THE_MACHINE})))


def _check_backup(settings: Settings, folder: Path) -> tuple[dict[str, Path], str | None]:
    """Return the databases in a backup, and its key if that must be restored too; raises StartError."""
    found = {name: folder / name for name in (BRIDGE_FILE, SHOPS_FILE) if (folder / name).is_file()}
    for path in found.values():
        _check_file(path)
    return found, _key_to_restore(settings, folder)


def _restore(settings: Settings, folder: Path, *, force: bool) -> Restored:
    target = _bridge_file(settings)
    places = {BRIDGE_FILE: target, SHOPS_FILE: settings.data_dir / SHOPS_FILE}
    found, key = _check_backup(settings, folder)
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
