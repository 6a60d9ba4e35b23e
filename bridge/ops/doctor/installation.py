"""Settings, disk, database, key and clock."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from bridge.channels import Channels, load_channel
from bridge.errors import StartError
from bridge.ops.doctor.findings import Finding, State, fault, judged, warning, well
from bridge.settings import Settings, load_settings, sqlite_file, unknown_variables
from bridge.store.connections import list_connections
from bridge.store.inspection import open_for_inspection, server_time
from bridge.store.installation_facts import read_fact
from bridge.store.sqlite_backup import integrity_errors
from bridge.store.versions import Schema, newer_message
from bridge.vault import KEY_FILE, MARKER, Vault

LITTLE_BYTES, TOO_LITTLE_BYTES = 500_000_000, 50_000_000
RESTORE = "stop the service (and linnworks-bridge.socket) and put the last backup back: linnworks-bridge restore FOLDER"
OFF_BY, FAR_OFF_BY = timedelta(seconds=30), timedelta(seconds=300)


def settings(environ: Mapping[str, str]) -> tuple[Settings | None, list[Finding]]:
    """The settings, where they can be used, and what is to be said of them."""
    try:
        found = load_settings(environ)
        load_channel(found.channel)
    except StartError as error:
        return None, [fault("settings", str(error), "correct it, in the environment or the env file; see the README")]
    wrong = unknown_variables(environ)
    said = [warning("settings", words, "correct the name, or take the variable out") for words in wrong]
    return found, said or [well("settings", f"channel {found.channel}, data in {found.data_dir.absolute()}")]


def disk(settings: Settings) -> Iterator[Finding]:
    """Whether the data folder is there, can be written and has room."""
    folder = settings.data_dir.absolute()
    if not folder.is_dir():
        advice = "start the service once, or name the right folder in BRIDGE_DATA_DIR"
        yield fault("disk", f"the data folder {folder} is not there", advice)
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        advice = f"run this as the service's user, or make it the folder's owner: chown -R USER {folder}"
        yield fault("disk", f"the data folder {folder} cannot be written", advice)
        return
    free = shutil.disk_usage(folder).free
    state = State.FAULT if free < TOO_LITTLE_BYTES else State.WARNING if free < LITTLE_BYTES else State.OK
    yield judged("disk", f"{free // 1_000_000} MB free at {folder}", state, "make room, or move the data folder")


def database(settings: Settings) -> Iterator[Finding]:
    """Whether the database can be read and written, is whole, and has the schema that this version knows."""
    path = sqlite_file(settings.database)
    try:
        schema = open_for_inspection(settings.database)
    except StartError as error:
        yield fault("database", str(error), _database_advice(path, str(error)))
        return
    wrong = integrity_errors(path) if path else []
    if wrong:
        yield fault("database", f"{path} is damaged: {' '.join(wrong[0].split())}", RESTORE)
        return
    yield _schema(schema, f"SQLite, {path.stat().st_size // 1000} kB" if path else "PostgreSQL")


def _database_advice(path: Path | None, words: str) -> str:
    if path is None:
        return "start the server, or correct BRIDGE_DATABASE_URL"
    if not os.access(path.parent, os.X_OK) or not path.exists():
        return "start the service once, or name the right folder in BRIDGE_DATA_DIR, or bridge restore FOLDER"
    if "locked" in words:
        return "end the programme that holds it open and writes: fuser shows which one that is"
    if not (os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK)):
        return f"run this as the service's user, or give it file and folder: chown -R USER {path.parent}"
    return RESTORE


def _schema(schema: Schema, kind: str) -> Finding:
    if schema.newer:
        return fault("database", newer_message(schema.newer[-1]), "install that version, or restore an older backup")
    if not schema.applied:
        return fault(
            "database", "there is nothing of the bridge's in it", "start the service once, or correct its name"
        )
    if schema.pending:
        words = f"{kind}, of an earlier version ({schema.applied[-1]})"
        return warning("database", words, "restart the service, which upgrades it and keeps a copy of it as it was")
    return well("database", f"{kind}, schema {schema.applied[-1]}")


def is_readable(findings: Sequence[Finding]) -> bool:
    """Whether what stands in the database's tables can be understood by this version."""
    return [State.OK] == [finding.state for finding in findings]


def key(settings: Settings, readable: bool, channels: list[Channels]) -> Iterator[Finding]:
    """Whether there is a key and opens what is sealed; then `channels` gets what opens the shops."""
    path = settings.data_dir.absolute() / KEY_FILE
    lost = f"put the file back from its own backup, or its content into BRIDGE_SECRET_KEY ({path})"
    if not settings.secret_key and not path.exists():
        yield fault("key", "there is no key", lost)
        return
    try:
        vault = Vault(settings.secret_key or path)
    except StartError as error:
        yield fault("key", str(error), lost)
        return
    if not settings.secret_key and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield warning("key", f"{path} can be read by others than its owner", f"chmod 600 {path}")
    if readable:
        marker = read_fact(MARKER)
        if marker is not None and vault.open(marker) is None:
            yield fault("key", "it is not the one that this database was sealed with", lost)
            return
        channels.append(Channels(settings, vault))
    where = "in BRIDGE_SECRET_KEY" if settings.secret_key else f"in {path}"
    yield well("key", where if not readable else f"{where}, opens what is sealed")


def server_clock(now: Callable[[], datetime]) -> Iterator[Finding]:
    """How far our clock is from the database server's, where there is one."""
    theirs = server_time()
    if theirs is not None:
        yield clock("clock", "the database server's", now() - theirs)


def clock(name: str, whose: str, ahead: timedelta) -> Finding:
    """What is to be said of a clock that ours is ahead of."""
    by = abs(ahead)
    state = State.FAULT if by > FAR_OFF_BY else State.WARNING if by > OFF_BY else State.OK
    how = "ahead of" if ahead > timedelta(0) else "behind"
    words = f"ours is {round(by.total_seconds())} s {how} {whose}" if by > OFF_BY else f"goes with {whose}"
    return judged(name, words, state, "set the clocks by the network: timedatectl set-ntp true, here and there")


def channel_fault(settings: Settings) -> Finding | None:
    """That the integrations are of another kind of shop, if they are."""
    served = read_fact("channel")
    if served in (None, settings.channel) or not list_connections():
        return None
    words = f"this database has integrations with the channel {served}, and BRIDGE_CHANNEL is {settings.channel}"
    return fault("integrations", words, f"set BRIDGE_CHANNEL={served}, or another BRIDGE_DATA_DIR")
