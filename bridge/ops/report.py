"""The support bundle: what others need to find out what is wrong, without secrets, names or addresses."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

from bridge import __version__
from bridge.channels import Channels
from bridge.clock import Deadline, now
from bridge.errors import printable
from bridge.masking import MASK, masked
from bridge.ops import status
from bridge.ops.doctor import examine, worst
from bridge.protocol.schemas.config import ValueType
from bridge.settings import Settings, load_settings, sqlite_file, unknown_variables, variable
from bridge.store import calls, inspection
from bridge.store.actions import DONE, FAILED, PLANNED, UNKNOWN, list_actions
from bridge.store.connections import Connection, list_connections
from bridge.store.database import close_store, database
from bridge.store.feeds import list_items
from bridge.store.orders import held_orders
from bridge.store.outbox import list_pending_updates, list_set_aside
from bridge.vault import KEY_FILE, open_vault

RECENT_CALLS, FAILED_CALLS, OTHER_ROWS = 500, 200, 200
LOG_LINES = 1000
LOG_BYTES = 2_000_000
UNIT = "linnworks-bridge"
SHORTEST_SECRET = 4
UNMASKED = ("number", "reference", "sku", "id", "request", "feed")
"""Facts that may look like personal data and are none."""

ABOUT = """A support bundle of the Linnworks bridge.

doctor.json      what `linnworks-bridge doctor` finds
versions.json    the bridge, Python, the system, the libraries, the database, the shops
settings.json    all settings; of secret ones only whether they are set
schema.json      the migrations applied, the tables with their columns and numbers of rows
connections.json the integrations by number, without names
status.json      what waits and since when; held orders, actions, listings and updates that are not done
calls.json       the newest calls with their Errors, and the calls to the shop
errors.json      the newest calls that failed
log.txt          the last lines of the log

Secrets, names, e-mail addresses and telephone numbers that the bridge knows or recognises are replaced by ***.
Order numbers and SKUs are in it. Look through it before you send it.
"""


def write_report(environ: Mapping[str, str], output: IO[bytes], log: str) -> list[str]:
    """Write the bundle, with the end of a log, and return the names of its files.

    Whatever is broken, the other parts are written. Raises StartError if the settings themselves cannot be read.
    """
    settings = load_settings(environ)
    parts: dict[str, Callable[[], Any]] = {
        "doctor.json": lambda: _doctor(environ),
        "settings.json": lambda: _settings(settings, environ),
        "versions.json": lambda: _versions(settings),
        "schema.json": _schema,
        "connections.json": _connections,
        "status.json": lambda: _status(settings),
        "calls.json": lambda: [calls.as_facts(record) for record in calls.find_calls(limit=RECENT_CALLS)],
        "errors.json": lambda: [calls.as_facts(record) for record in calls.find_calls(failed=True, limit=FAILED_CALLS)],
        "log.txt": lambda: log,
    }
    found = {"doctor.json": _attempt(parts.pop("doctor.json"))}  # it opens and closes the database itself
    opened = _attempt(lambda: inspection.open_for_inspection(settings.database))
    try:
        channels = _channels(settings)
        found |= {name: _attempt(part) for name, part in parts.items()}
        if isinstance(found["versions.json"], dict):
            found["versions.json"]["shops"] = _attempt(lambda: _shops(channels))
        if isinstance(opened, dict):
            found["schema.json"] = opened
        hide = Redaction(_occurring(_known(settings, channels), found))
    finally:
        close_store()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("README.txt", ABOUT)
        for name, content in found.items():
            shown = hide.redacted(content)
            text = shown if isinstance(shown, str) else json.dumps(shown, indent=1, ensure_ascii=False, default=str)
            bundle.writestr(name, text)
    return ["README.txt", *found]


class Redaction:
    """Replaces what is known to be secret or a name by asterisks, and what looks like it."""

    def __init__(self, known: Iterable[str]) -> None:
        forms = {form for one in known if len(one) >= SHORTEST_SECRET for form in _forms(one)}
        wanted = sorted(forms, key=len, reverse=True)
        any_word = "|".join(
            re.escape(one) if len(one) >= 2 * SHORTEST_SECRET else rf"(?<!\w){re.escape(one)}(?!\w)" for one in wanted
        )
        self._known = re.compile(any_word, re.IGNORECASE) if wanted else None

    def redacted(self, value: Any, name: str = "") -> Any:
        """Return plain data with every text in it redacted."""
        if isinstance(value, str):
            return self._text(value, name)
        if isinstance(value, Mapping):
            return {self._text(str(key)): self.redacted(inner, str(key)) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.redacted(inner, name) for inner in value]
        return value

    def _text(self, text: str, name: str = "") -> str:
        if self._known:
            text = self._known.sub(MASK, text)
        return text if name in UNMASKED else masked(text)


def _occurring(known: Iterable[str], content: Any) -> list[str]:
    """Return those that occur in the content: anyone can add integrations, and a pattern of thousands takes hours."""
    everything = "\n".join(_texts(content)).lower()
    return [one for one in set(known) if any(form.lower() in everything for form in _forms(one))]


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from map(str, value)
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str):
        for inner in value:
            yield from _texts(inner)


def _forms(text: str) -> set[str]:
    """Return a text as it is, and as JSON logs, addresses, Python's repr and the terminal's escapes write it."""
    return {text, json.dumps(text)[1:-1], quote(text, safe=""), quote_plus(text), repr(text)[1:-1], printable(text)}


def _attempt(part: Callable[[], Any]) -> Any:
    try:
        return part()
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"}


def _doctor(environ: Mapping[str, str]) -> Any:
    findings = list(examine(environ, now))
    return {
        "at": now().isoformat(timespec="seconds"),
        "state": worst(findings).value,
        "findings": [
            {"name": one.name, "state": one.state.value, "message": one.message, "advice": one.advice}
            for one in findings
        ],
    }


def _settings(settings: Settings, environ: Mapping[str, str]) -> Any:
    shown = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        shown[variable(field)] = str(value) if field.repr else ("set" if value else "not set")
    shown["unknown"] = "; ".join(unknown_variables(environ))
    return shown


def _versions(settings: Settings) -> dict[str, Any]:
    names = sorted({re.split(r"[^\w.-]", need)[0] for need in metadata.requires("linnworks-bridge") or ()})
    libraries = {}
    for name in names:
        try:
            libraries[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            libraries[name] = "not installed"
    if sqlite_file(settings.database):
        engine = "SQLite " + database.execute_sql("SELECT sqlite_version()").fetchone()[0]
    else:
        engine = database.execute_sql("SELECT version()").fetchone()[0]
    return {
        "bridge": __version__,
        "python": sys.version,
        "system": platform.platform(),
        "database": engine,
        "channel": settings.channel,
        "libraries": libraries,
    }


def _shops(channels: Channels | None) -> dict[str, Any]:
    if channels is None:
        return {"failed": "the key or the database cannot be opened"}

    def version(connection: Connection) -> str:
        return channels.open_for(connection, Deadline(channels.settings.budget_seconds)).version()

    return {str(one.id): _attempt(partial(version, one)) for one in list_connections() if one.complete}


def _schema() -> Any:
    tables = {}
    for table in sorted(database.get_tables()):
        columns = [f"{column.name} {column.data_type}" for column in database.get_columns(table)]
        rows = database.execute_sql(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0]  # noqa: S608 (our own tables)
        tables[table] = {"rows": rows, "columns": columns}
    steps = database.execute_sql("SELECT * FROM schema_migration").fetchall()
    return {"migrations": [list(map(str, step)) for step in steps], "tables": tables}


def _connections() -> Any:
    return [
        {
            "connection": one.id,
            "step": one.step,
            "shops_so_far": one.generation,
            "created_at": one.created_at,
            "completed_at": one.completed_at,
            "answered": sorted(one.config),
            "has_credentials": bool(one.sealed),
        }
        for one in list_connections()
    ]


def _status(settings: Settings) -> Any:
    def moment(at: datetime | None) -> str | None:
        return at.isoformat(timespec="seconds") if at else None

    return {
        **status.details(status.current_status(settings, now())),
        "held_orders": [
            {
                "connection": one.connection_id,
                "reference": one.reference,
                "held_since": moment(one.held_since),
                "reason": one.hold_reason,
            }
            for one in held_orders()[:OTHER_ROWS]
        ],
        "actions": [
            {
                "connection": one.connection_id,
                "reference": one.reference,
                "kind": one.kind,
                "state": one.state,
                "request": one.request,
                "attempts": one.attempts,
                "planned_at": moment(one.planned_at),
                "finished_at": moment(one.finished_at),
                "error": one.error,
            }
            for one in list_actions((PLANNED, UNKNOWN, FAILED, DONE), OTHER_ROWS)
        ],
        "pending_updates": [
            {
                "connection": one.connection_id,
                "kind": one.kind,
                "sku": one.sku,
                "since": moment(one.since),
                "next_at": moment(one.next_at),
                "attempts": one.attempts,
                "error": one.error,
            }
            for one in list_pending_updates(OTHER_ROWS)
        ],
        "updates_set_aside": [
            {"connection": one.connection_id, "kind": one.kind, "since": moment(one.set_aside_at), "error": one.error}
            for one in list_set_aside(OTHER_ROWS)
        ],
        "listings": [
            {
                "connection": one.connection_id,
                "feed": one.feed_id,
                "action": one.action,
                "sku": one.listing.get("SKU") or one.listing.get("ChannelSKU"),
                "done": one.done,
                "set_aside": one.set_aside,
                "attempts": one.attempts,
                "next_at": moment(one.next_at),
                "error": one.error,
            }
            for one in list_items(OTHER_ROWS, with_done=False)
        ],
    }


def end_of_log(file: Path | None) -> str:
    """Return the last lines of a log file, or else of what systemd has kept of the service."""
    if file:
        with file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_BYTES))
            text = log.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-LOG_LINES:])
    command = ["journalctl", "--no-pager", "--quiet", "-o", "short-iso", "-n", str(LOG_LINES), "-u", f"{UNIT}*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        return f"journalctl has no log ({type(error).__name__}); add one with --log FILE"


def _channels(settings: Settings) -> Channels | None:
    try:
        return Channels(settings, open_vault(settings, create=False))
    except Exception:
        return None


def _known(settings: Settings, channels: Channels | None) -> Iterable[str]:
    """Return every secret and every name that this installation knows."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if value and not field.repr:
            yield str(value)
            yield from str(value).split(",")
    parts = urlsplit(settings.database_url)
    yield from (unquote(part) for part in (parts.password, parts.username) if part)
    key = settings.data_dir / KEY_FILE
    if os.access(key, os.R_OK):
        yield from key.read_text(encoding="utf-8", errors="replace").split()
    connections = _attempt(list_connections)
    for connection in connections if isinstance(connections, list) else ():
        yield from (connection.account_name, connection.email, connection.account, connection.token_digest)
        yield from (connection.uid, connection.sealed)
        config: Mapping[str, str] = connection.config
        secrets = (channels.vault.open(connection.sealed) if channels and connection.sealed else None) or {}
        texts = [*secrets.values(), *(config.get(name, "") for name in _free_texts(channels))]
        yield from texts
        yield from (urlsplit(text).hostname or "" for text in texts if "://" in text)


def _free_texts(channels: Channels | None) -> set[str]:
    """Return the questions of the wizard that are answered by a text of the seller's own."""
    if channels is None:
        return set()
    items = [item for step in channels.channel_class.steps for item in step.items]
    free = (ValueType.STRING, ValueType.PASSWORD)
    return {item.config_item_id for item in items if item.value_type in free and not item.list_values}
