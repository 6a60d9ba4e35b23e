from __future__ import annotations

import itertools
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

import pytest
from click.testing import CliRunner
from flask import Flask

from bridge.app import create_app
from bridge.channels.demo import tables
from bridge.cli import main
from bridge.protocol.manifest import endpoints
from bridge.protocol.rate_limit import RateLimiter
from bridge.settings import Settings
from bridge.store import database as store
from bridge.store.database import close_store, database
from bridge.sync import feeds
from tests.linnworks import Linnworks

SERVER = os.environ.get("BRIDGE_TEST_DATABASE_URL", "")
"""A PostgreSQL server where the tests make a database of their own; without one they run on SQLite."""

OURS = f"bridge_test_{uuid.uuid4().hex}"

NEXT_STEP = "9000_made_up"
NEXT_STEP_CODE = """
def up(migrator, db):
    db.execute_sql("ALTER TABLE connection ADD COLUMN made_up INTEGER")
    db.execute_sql("UPDATE connection SET made_up = 7")
"""

sqlite_only = pytest.mark.skipif(bool(SERVER), reason="it is about SQLite's file")
postgres_only = pytest.mark.skipif(not SERVER, reason="it is about a server")


@cache
def database_url(data_dir: Path) -> str:
    """BRIDGE_DATABASE_URL of the installation with this data folder: a database of its own, empty at first."""
    if not SERVER:
        return ""
    schema = f"test_{uuid.uuid4().hex}"
    parts = urlsplit(SERVER)._replace(path=f"/{OURS}")
    _execute(parts.geturl(), f"CREATE SCHEMA {schema}")
    options = urlencode({"options": f"-csearch_path={schema}"})
    return parts._replace(query=f"{parts.query}&{options}".lstrip("&")).geturl()


def _execute(url: str, sql: str) -> None:
    server = store.connect(url)
    try:
        server.execute_sql(sql)
    finally:
        server.close()


def pytest_configure(config: pytest.Config) -> None:
    """Have processes of the service run this checkout, and each temporary installation use a database of its own."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
    if SERVER:
        _execute(SERVER, f"CREATE DATABASE {OURS}")
        usual = Settings.database.fget

        def database(this: Settings) -> str:
            ours = this.data_dir.is_absolute() and not this.database_url
            return database_url(this.data_dir) if ours else usual(this)

        Settings.database = property(database)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the server as empty as it was."""
    if SERVER:
        _execute(SERVER, f"DROP DATABASE {OURS} WITH (FORCE)")


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Settings of an installation of its own, with nothing in it yet."""
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def next_version(tmp_path, monkeypatch) -> Path:
    """This version plays a later one, whose schema has one step more."""
    folder = tmp_path / "migrations"
    shutil.copytree(store.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / f"{NEXT_STEP}.py").write_text(NEXT_STEP_CODE, encoding="utf-8")
    monkeypatch.setattr(store, "MIGRATIONS", folder)
    return folder


@contextmanager
def opened(settings: Settings) -> Iterator[Flask]:
    """An application, its worker at rest so that a test decides when feeds are worked off."""
    with patch.dict(store.PRAGMAS, synchronous="off"):  # tests need not outlive a power cut
        app = create_app(settings)
        app.extensions["bridge"].worker.stop()
        yield app
        leave()


def leave() -> None:
    """Close every database, as a service does that stops."""
    close_store()
    if tables.database.obj is not None:
        tables.database.close()


def dump(of: Any = database) -> str:
    """Everything that the database holds, as text."""
    rows = {name: of.execute_sql(f'SELECT * FROM "{name}"').fetchall() for name in sorted(of.get_tables())}
    return "\n".join(f"{name} {sorted(found, key=str)}" for name, found in rows.items())


@pytest.fixture
def app(settings) -> Iterator[Flask]:
    """The application of one test."""
    with opened(settings) as app:
        yield app


@pytest.fixture
def unhurried(app) -> None:
    """Nobody is slowed down, however often strangers knock: that is another promise."""
    rate_limiter = RateLimiter(itertools.count(step=1000).__next__)
    app.extensions["bridge"] = replace(app.extensions["bridge"], rate_limiter=rate_limiter)


@pytest.fixture
def work(app) -> Callable[[], None]:
    """Let the worker do all that is due."""

    def run() -> None:
        while feeds.work_one(app.extensions["bridge"].channels):
            pass

    return run


@pytest.fixture
def call(app) -> Callable[..., Any]:
    """What `sender` gives, for the application of the test."""
    return sender(app)


def sender(app: Flask) -> Callable[..., Any]:
    """POST a body to the endpoint that the manifest names so; the answer, which is always 200 with Error."""
    paths = endpoints(app.extensions["bridge"].settings)
    client = app.test_client()

    def post(name: str, body: Any = None, headers: dict[str, str] | None = None, **fields: Any) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(fields if body is None else body)
        response = client.post(paths[name], data=raw, headers=headers)
        answer = response.get_json()

        assert response.status_code == 200
        assert response.content_length == len(response.data)
        assert "Error" in answer
        return answer

    return post


@pytest.fixture
def connect(call) -> Callable[..., Linnworks]:
    """Make a finished integration with the embedded shop; by default each has a shop of its own."""

    def begin(shop: str = "", **preferences: str) -> Linnworks:
        name = shop or f"shop-{uuid.uuid4().hex[:8]}"
        linnworks = Linnworks(call, name)
        linnworks.finish_wizard(shop_name=name, access_key=f"key of {name}", **preferences)
        return linnworks

    return begin


@pytest.fixture
def linnworks(connect) -> Linnworks:
    """A finished integration with an embedded shop."""
    return connect()


@pytest.fixture
def run(app, settings, monkeypatch, tmp_path):
    """Run a command on the same data folder; its output, which must not be a failure."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRIDGE_DATA_DIR", str(settings.data_dir))

    def invoke(*words: str, status: int = 0, answer: str | None = None) -> str:
        result = CliRunner().invoke(main, list(words), input=answer)

        assert status == result.exit_code, result.output
        return result.output

    return invoke
