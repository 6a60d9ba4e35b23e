"""Begin anew with another key where the one that sealed the shops' credentials is lost for good."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from bridge.channels import Channels
from bridge.errors import StartError
from bridge.settings import Settings, sqlite_file
from bridge.store import database
from bridge.store.connections import drop_sealed
from bridge.store.installation_facts import read_fact, save_fact
from bridge.store.sqlite_backup import ARCHIVE, copy_database
from bridge.vault import KEY_FILE, MARKER, Vault, make_key_file, opens


@dataclass(frozen=True)
class Forgotten:
    """Whose sellers must enter credentials again, and the folder with what was replaced, if anything was."""

    integrations: list[str]
    archive: Path | None


def forget_key(settings: Settings) -> Forgotten:
    """Replace the lost key by a new one, and drop what only the lost one opens; everything else stays.

    The service must be stopped. Raises StartError if the present key opens the database. A database in SQLite and the
    key file are archived first, in case the key is found after all.
    """
    database.open_store(settings.database)
    try:
        key_file = settings.data_dir / KEY_FILE
        marker = read_fact(MARKER)
        if marker is not None and opens(settings.secret_key or key_file, marker):
            raise StartError(
                "The key opens this database, so it is not lost; `linnworks-bridge keys rotate` replaces it, and "
                "`linnworks-bridge connections reconnect` makes a seller enter the credentials again"
            )
        if settings.secret_key:
            Vault(settings.secret_key)  # raises StartError before anything is changed
        archive = settings.data_dir / ARCHIVE / f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S%f}-lost-key"
        file = sqlite_file(settings.database)
        if file:
            copy_database(file, archive / "bridge.db")
        if not settings.secret_key:
            if os.path.lexists(key_file):
                archive.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.move(key_file, archive / KEY_FILE)
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_key_file(key_file)
        vault = Vault(settings.secret_key or key_file)
        step = Channels(settings, vault).credentials_step.name
        with database.writing():
            save_fact(MARKER, vault.seal({}))
            names = drop_sealed(step)
        return Forgotten(names, archive if archive.exists() else None)
    finally:
        database.close_store()
