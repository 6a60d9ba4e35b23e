"""Checks of settings, disk, database, key and clock."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bridge.channels import Channels, load_channel
from bridge.errors import StartError
from bridge.ops.doctor.findings import Finding, State, error, finding, ok, warning
from bridge.settings import Settings, load_settings, sqlite_file, unknown_variables
from bridge.store.connections import list_connections
from bridge.store.inspection import open_for_inspection, server_time
from bridge.store.installation_facts import read_fact
from bridge.store.sqlite_backup import integrity_errors
from bridge.store.versions import Schema, newer_message
from bridge.sync.shop_check import CLOCK_ERROR, CLOCK_WARNING, compare_clocks
from bridge.vault import KEY_FILE, MARKER, Vault

LOW_BYTES, TOO_LOW_BYTES = 500_000_000, 50_000_000
RESTORE = "stop the service (and linnworks-bridge.socket) and restore the last backup: linnworks-bridge restore FOLDER"


def settings(environ: Mapping[str, str]) -> tuple[Settings | None, list[Finding]]:
    """Return the settings, None if they cannot be used, and the findings about them."""
    try:
        found = load_settings(environ)
        load_channel(found.channel)
    except StartError as problem:
        advice = "correct it, in the environment or the env file; see docs/settings.md"
        return None, [error("settings", str(problem), advice)]
    unknown = unknown_variables(environ)
    findings = [warning("settings", message, "correct the name, or remove the variable") for message in unknown]
    return found, findings or [ok("settings", f"channel {found.channel}, data in {found.data_dir.absolute()}")]


def disk(settings: Settings) -> Iterator[Finding]:
    """Check that the data folder exists, can be written and has room."""
    folder = settings.data_dir.absolute()
    if not folder.is_dir() and settings.secret_key and sqlite_file(settings.database) is None:
        yield ok("disk", "no data folder is needed: the database is on a server, and the key in BRIDGE_SECRET_KEY")
        return
    if not folder.is_dir():
        advice = "start the service once, or correct BRIDGE_DATA_DIR"
        yield error("disk", f"there is no data folder {folder}", advice)
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        advice = f"run this as the service's user, or make that user its owner: chown -R USER {folder}"
        yield error("disk", f"the data folder {folder} cannot be written", advice)
        return
    free = shutil.disk_usage(folder).free
    state = State.ERROR if free < TOO_LOW_BYTES else State.WARNING if free < LOW_BYTES else State.OK
    advice = "free some space, or move the data folder"
    yield finding("disk", f"{free // 1_000_000} MB free at {folder}", state, advice, command=f"df -h {folder}")


def database(settings: Settings) -> Iterator[Finding]:
    """Check that the database can be read and written, is intact, and has this version's schema."""
    path = sqlite_file(settings.database)
    try:
        schema = open_for_inspection(settings.database)
    except StartError as problem:
        yield error("database", str(problem), _database_advice(path, str(problem)))
        return
    damage = integrity_errors(path) if path else []
    if damage:
        yield error("database", f"{path} is damaged: {' '.join(damage[0].split())}", RESTORE)
        return
    yield _schema(schema, f"SQLite, {path.stat().st_size // 1000} kB" if path else "PostgreSQL")


def _database_advice(path: Path | None, message: str) -> str:
    if path is None:
        return "start the server, or correct BRIDGE_DATABASE_URL"
    if not os.access(path.parent, os.X_OK) or not path.exists():
        return "start the service once, correct BRIDGE_DATA_DIR, or restore a backup: linnworks-bridge restore FOLDER"
    if "locked" in message:
        return "end the program that is writing to it: fuser shows which one that is"
    if not (os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK)):
        return f"run this as the service's user, or make that user the owner: chown -R USER {path.parent}"
    return RESTORE


def _schema(schema: Schema, kind: str) -> Finding:
    if schema.newer:
        return error("database", newer_message(schema.newer[-1]), "install that version, or restore an older backup")
    if not schema.applied:
        return error("database", "it has no tables of the bridge", "start the service once, or correct its name")
    if schema.pending:
        message = f"{kind}, of an earlier version ({schema.applied[-1]})"
        return warning("database", message, "restart the service, which archives and upgrades it")
    return ok("database", f"{kind}, schema {schema.applied[-1]}")


def is_readable(findings: Sequence[Finding]) -> bool:
    """Return whether this version can read the database's tables."""
    return [State.OK] == [finding.state for finding in findings]


def key(settings: Settings, readable: bool, channels: list[Channels]) -> Iterator[Finding]:
    """Check that there is a key and that it opens what is sealed; if so, add what opens the shops to `channels`."""
    path = settings.data_dir.absolute() / KEY_FILE
    lost = (
        f"restore the file {path} from its own backup, or set BRIDGE_SECRET_KEY to its content; if it is lost for "
        "good, linnworks-bridge keys forget"
    )
    if not settings.secret_key and not path.exists():
        yield error("key", "there is no key", lost)
        return
    try:
        vault = Vault(settings.secret_key or path)
    except StartError as problem:
        yield error("key", str(problem), lost)
        return
    if not settings.secret_key and stat.S_IMODE(path.stat().st_mode) & 0o077:
        command = f"chmod 600 {path}"
        readable_key = warning("key", f"{path} can be read by other users", command, command=command)
        yield replace(readable_key, cause="key file")
    if readable:
        marker = read_fact(MARKER)
        if marker is not None and vault.open(marker) is None:
            yield error("key", "it is not the key that this database was sealed with", lost)
            return
        channels.append(Channels(settings, vault))
    where = "in BRIDGE_SECRET_KEY" if settings.secret_key else f"in {path}"
    yield ok("key", where if not readable else f"{where}, opens what is sealed")


def server_clock(now: Callable[[], datetime]) -> Iterator[Finding]:
    """Compare our clock with the database server's, if there is one."""
    theirs = server_time()
    if theirs is not None:
        yield clock("clock", "the database server's", now() - theirs)


def clock(name: str, owner: str, ahead: timedelta) -> Finding:
    """Return the finding about another clock that ours is ahead of by so much."""
    by = abs(ahead)
    state = State.ERROR if by > CLOCK_ERROR else State.WARNING if by > CLOCK_WARNING else State.OK
    command = "timedatectl set-ntp true"
    return finding(name, compare_clocks(owner, ahead), state, f"synchronise both clocks: {command}", command=command)


def channel_mismatch(settings: Settings) -> Finding | None:
    """Return an error if the integrations are of another kind of shop."""
    used = read_fact("channel")
    if used in (None, settings.channel) or not list_connections():
        return None
    message = f"this database has integrations with the channel {used}, and BRIDGE_CHANNEL is {settings.channel}"
    return error("integrations", message, f"set BRIDGE_CHANNEL={used}, or another BRIDGE_DATA_DIR")
