"""The bridge as it is played: two processes on one database, killed, restarted, and restored from a backup."""

from __future__ import annotations

import atexit
import io
import json
import shutil
import sqlite3
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bridge.app import create_app
from bridge.channels import Channels
from bridge.protocol.concurrency_limit import ConcurrencyLimit
from bridge.protocol.manifest import endpoints
from bridge.protocol.rate_limit import RateLimiter
from bridge.settings import Settings
from bridge.store import database as store
from bridge.store.connections import Connection
from bridge.store.sqlite_backup import FORGET_CURSORS
from bridge.sync import feeds, outbox
from bridge.sync.held_orders import Rechecks
from bridge.sync.worker import BackgroundWorker
from tests.linnworks import Linnworks
from tests.simulation.world import START

PROCESSES = (0, 1)


class Installation:
    """What is made once: two applications, and a database with a finished integration in it."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=memory if memory.is_dir() else None))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self.settings = Settings(
            data_dir=folder, channel="tests.simulation.shop:SimulatedChannel", log_level="ERROR", metrics=False
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
        self.apps[process].extensions["bridge"] = replace(
            self.services,
            settings=settings,
            channels=channels,
            worker=worker,
            concurrency_limit=ConcurrencyLimit(settings.threads),
            rate_limiter=RateLimiter(),
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

    def backup(self) -> sqlite3.Connection:
        """A copy of the database."""
        copy = sqlite3.connect(":memory:")
        self.database.connection().backup(copy)
        return copy

    def restore(self, copy: sqlite3.Connection) -> None:
        """Put a copy in the database's place, while nobody is at it."""
        copy.backup(self.database.connection())
        self.database.execute_sql(FORGET_CURSORS)


@cache
def installation() -> Installation:
    """The one that this process plays with."""
    return Installation()
