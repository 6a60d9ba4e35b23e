"""The bridge as it is played: two processes on one database, killed, restarted, and restored from a backup."""

from __future__ import annotations

import atexit
import io
import json
import os
import shutil
import sqlite3
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

from bridge.app import create_app
from bridge.channels import Channels
from bridge.protocol.concurrency_limit import ConcurrencyLimit, LargeBodies
from bridge.protocol.manifest import endpoints
from bridge.protocol.rate_limit import RateLimiter
from bridge.settings import Settings
from bridge.store import database as store
from bridge.store.connections import Connection
from bridge.store.restored import forget_outdated
from bridge.sync import feeds, outbox
from bridge.sync.call_journal import CallJournal
from bridge.sync.held_orders import Rechecks
from bridge.sync.worker import BackgroundWorker
from tests.linnworks import Linnworks
from tests.simulation.world import START

PROCESSES = (0, 1)
SERVER = os.environ.get("BRIDGE_TEST_DATABASE_URL", "")
"""A PostgreSQL server to play on; SQLite without one."""


class Installation:
    """What is made once: two applications, and a database with a finished integration in it."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=memory if memory.is_dir() else None))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self.schema = folder.name
        self.settings = Settings(
            data_dir=folder,
            database_url=_new_schema(SERVER, folder.name) if SERVER else "",
            channel="tests.simulation.shop:SimulatedChannel",
            log_level="ERROR",
            metrics=False,
        )
        with patch.dict(store.PRAGMAS, synchronous="off", secure_delete=0):
            self.apps = [create_app(self.settings) for _ in PROCESSES]
        self.services = self.apps[0].extensions["bridge"]
        self.database = store.database.obj
        self.paths = endpoints(self.settings)
        self.token = ""
        self.rechecks: dict[int, Rechecks] = {}
        for process in PROCESSES:
            self.start(process, self.settings)
        linnworks = Linnworks(lambda name, **fields: self.call(0, name, fields))
        linnworks.finish_wizard()
        self.token = linnworks.token
        Connection.update(completed_at=START).execute()
        self.empty = self.backup()

    def start(self, process: int, settings: Settings) -> None:
        """Begin a process anew, with nothing in its memory."""
        channels = Channels(settings, self.services.vault)
        self.rechecks[process] = Rechecks()
        worker = BackgroundWorker(channels, ())
        worker.stop()  # the simulation says when it does something
        journal = CallJournal(settings)
        journal.stop()
        self.apps[process].extensions["bridge"] = replace(
            self.services,
            settings=settings,
            channels=channels,
            worker=worker,
            concurrency_limit=ConcurrencyLimit(settings.threads),
            rate_limiter=RateLimiter(),
            large_bodies=LargeBodies(settings.threads),
            journal=journal,
        )

    def call(self, process: int, name: str, fields: dict[str, Any]) -> dict[str, Any]:
        """An endpoint's answer."""
        body = json.dumps({**fields, **({"AuthorizationToken": self.token} if self.token else {})}).encode()
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": self.paths[name],
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "bridge",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
        }
        answer: dict[str, Any] = json.loads(b"".join(self.apps[process](environ, lambda status, headers: None)))
        return answer

    def work(self, process: int) -> bool:
        """What the worker of a process does when it looks: whether there was anything."""
        channels = self.apps[process].extensions["bridge"].channels
        worked = [feeds.work_one(channels), outbox.work_one(channels), self.rechecks[process].work_one(channels)]
        return any(worked)

    def waits(self) -> bool:
        """Whether the worker has anything to do, now or later."""
        waiting = "SELECT 1 FROM outbox_batch UNION ALL SELECT 1 FROM pending_update"
        listings = "SELECT 1 FROM feed_item WHERE done = FALSE"
        return self.database.execute_sql(f"{waiting} UNION ALL {listings} LIMIT 1").fetchone() is not None

    def backup(self) -> Any:
        """A copy of the database."""
        if SERVER:
            tables = self.database.get_tables(self.schema)
            return {table: self.database.execute_sql(f'SELECT * FROM "{table}"').fetchall() for table in tables}
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        self.database.connection().backup(copy)
        return copy

    def restore(self, copy: Any) -> None:
        """Put a copy in the database's place as an operator does, while nobody is at it."""
        self.put(copy)
        forget_outdated(self.database.execute_sql)

    def put(self, copy: Any) -> None:
        """Put a copy in the database's place as it is."""
        if SERVER:
            self._restore_rows(copy)
        else:
            copy.backup(self.database.connection())

    def _restore_rows(self, copy: dict[str, list[tuple[Any, ...]]]) -> None:
        with self.database.atomic():
            self.database.execute_sql("SET LOCAL session_replication_role = replica")  # tables in any order
            for table, rows in copy.items():
                self.database.execute_sql(f'DELETE FROM "{table}"')
                for row in rows:
                    self.database.execute_sql(f'INSERT INTO "{table}" VALUES ({", ".join(["%s"] * len(row))})', row)
                columns = [column.name for column in self.database.get_columns(table, self.schema)]
                if sequence := self._sequence(table, columns):
                    last = max((row[columns.index("id")] for row in rows), default=0)
                    self.database.execute_sql("SELECT setval(%s, %s, false)", (sequence, last + 1))

    def _sequence(self, table: str, columns: list[str]) -> str | None:
        """Return the sequence of a table's ids, or None."""
        if "id" not in columns:
            return None
        found = self.database.execute_sql("SELECT pg_get_serial_sequence(%s, 'id')", (table,)).fetchone()[0]
        return str(found) if found else None


def _new_schema(server: str, name: str) -> str:
    """Make an empty schema, dropped in the end, and return BRIDGE_DATABASE_URL of it."""
    made = store.connect(server)
    made.execute_sql(f'CREATE SCHEMA "{name}"')

    def drop() -> None:
        store.close_store()
        made.execute_sql(f'DROP SCHEMA "{name}" CASCADE')
        made.close()

    atexit.register(drop)
    parts = urlsplit(server)
    query = f"{parts.query}&{urlencode({'options': f'-csearch_path={name}'})}".lstrip("&")
    return parts._replace(query=query).geturl()


@cache
def _made() -> Installation:
    return Installation()


def installation() -> Installation:
    """The one that this process plays with; another test may have opened its own database since."""
    found = _made()
    store.database.initialize(found.database)
    return found
