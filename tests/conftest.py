from __future__ import annotations

import itertools
import json
import os
import shutil
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

import hypothesis
import pytest
from click.testing import CliRunner
from flask import Flask

from bridge.app import create_app
from bridge.channels.demo import tables
from bridge.channels.demo.shop import open_shop
from bridge.cli import main
from bridge.ops import logs
from bridge.ops.installation import open_installation
from bridge.protocol.manifest import endpoints
from bridge.protocol.rate_limit import RateLimiter
from bridge.settings import Settings, sqlite_file
from bridge.store import database as store
from bridge.store.connections import Connection
from bridge.store.database import close_store, database
from bridge.sync import feeds
from tests.linnworks import Linnworks

SERVER = os.environ.get("BRIDGE_TEST_DATABASE_URL", "")
"""A PostgreSQL server on which each test process makes a database of its own; without one the tests run on SQLite."""

hypothesis.settings.register_profile(
    "usual",
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.register_profile(
    "long", parent=hypothesis.settings.get_profile("usual"), max_examples=1500, derandomize=False, print_blob=True
)
hypothesis.settings.load_profile("usual")

FIRST_SHOP = "first-shop"
"""The embedded shop that the first integration of a test connects to."""

NEXT_STEP = "9000_made_up"
NEXT_STEP_CODE = """
def up(migrator, db):
    db.execute_sql("ALTER TABLE connection ADD COLUMN made_up INTEGER")
    db.execute_sql("UPDATE connection SET made_up = 7")
"""

sqlite_only = pytest.mark.skipif(bool(SERVER), reason="it is about SQLite's file")
postgres_only = pytest.mark.skipif(not SERVER, reason="it is about a server")


@cache
def server_database() -> str:
    """Make the database of this process on the server; return its name."""
    name = f"bridge_test_{uuid.uuid4().hex}"
    _execute(SERVER, f"CREATE DATABASE {name}")
    return name


@cache
def database_url(data_dir: Path) -> str:
    """Return BRIDGE_DATABASE_URL for this data folder: a new schema on the server, or nothing for SQLite."""
    if not SERVER:
        return ""
    schema = f"test_{uuid.uuid4().hex}"
    parts = urlsplit(SERVER)._replace(path=f"/{server_database()}")
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
        usual = Settings.database.fget

        def database(this: Settings) -> str:
            ours = this.data_dir.is_absolute() and not this.database_url
            return database_url(this.data_dir) if ours else usual(this)

        Settings.database = property(database)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Drop what this process made on the server."""
    if server_database.cache_info().currsize:
        _execute(SERVER, f"DROP DATABASE {server_database()} WITH (FORCE)")


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Return the settings of a new, empty installation."""
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def next_version(tmp_path, monkeypatch) -> Path:
    """Add a migration, as a later version would have it."""
    folder = tmp_path / "migrations"
    shutil.copytree(store.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / f"{NEXT_STEP}.py").write_text(NEXT_STEP_CODE, encoding="utf-8")
    monkeypatch.setattr(store, "MIGRATIONS", folder)
    return folder


@cache
def empty_database(migrations: Path) -> bytes:
    """Return a SQLite file made by these migrations, which take longer than most tests."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        made = store.connect(f"sqlite:///{file}")
        store.upgrade(made, migrations)
        made.close()
        return file.read_bytes()


@cache
def stocked_shop() -> bytes:
    """Return the embedded shops' database with FIRST_SHOP, which takes long to stock."""
    with TemporaryDirectory() as folder:
        tables.open_shops(Path(folder))
        open_shop(FIRST_SHOP, access_key(FIRST_SHOP))
        tables.database.close()
        return Path(folder, tables.FILE).read_bytes()


def access_key(shop_name: str) -> str:
    """Return the access key that tests give a shop."""
    return f"key of {shop_name}"


def _prepare(settings: Settings) -> None:
    """Put prepared databases into a data folder that does not exist yet."""
    if settings.data_dir.exists():
        return
    settings.data_dir.mkdir(mode=0o700, parents=True)
    if (file := sqlite_file(settings.database)) is not None:
        file.write_bytes(empty_database(store.MIGRATIONS))
    if settings.channel == "demo":
        (settings.data_dir / tables.FILE).write_bytes(empty_database(tables.MIGRATIONS))


_idle: dict[tuple[bool, bool], list[Flask]] = defaultdict(list)
"""Applications that no test uses, by what decides on their routes: making these takes longer than most tests."""


def _application(settings: Settings) -> Flask:
    """Make an application for an installation, or have an idle one serve it."""
    idle = _idle[settings.metrics, settings.api_docs]
    if not idle:
        return create_app(settings)
    services = open_installation(settings)
    app = idle.pop()
    app.extensions["bridge"] = services
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    logs.set_up_logging(settings)
    return app


@contextmanager
def opened(settings: Settings) -> Iterator[Flask]:
    """Make an application whose background worker does not run, so that a test decides when feeds are worked off."""
    with patch.dict(store.PRAGMAS, synchronous="off"):  # tests need not survive a power cut
        _prepare(settings)
        app = _application(settings)
        stop(app)
        yield app
        leave()
        _idle[settings.metrics, settings.api_docs].append(app)


def stop(app: Flask) -> None:
    """Stop the threads of an application, which would use the next test's database."""
    app.extensions["bridge"].worker.stop()
    app.extensions["bridge"].journal.stop()


def leave() -> None:
    """Close every database, as a service does when it stops."""
    close_store()
    if tables.database.obj is not None:
        tables.database.close()


def dump(of: Any = database) -> str:
    """Return everything that the database holds, as text."""
    rows = {name: of.execute_sql(f'SELECT * FROM "{name}"').fetchall() for name in sorted(of.get_tables())}
    return "\n".join(f"{name} {sorted(found, key=str)}" for name, found in rows.items())


def forget_answer(item: str) -> None:
    """Delete the newest integration's answer, as if a later version had added the question."""
    connection = Connection.select().order_by(Connection.id.desc()).first()
    config = {name: value for name, value in connection.config.items() if name != item}
    assert config != connection.config
    Connection.update(config=config).where(Connection.id == connection.id).execute()


@pytest.fixture
def app(settings) -> Iterator[Flask]:
    """Make the application of one test."""
    with opened(settings) as app:
        yield app


@pytest.fixture
def unhurried(app) -> None:
    """Take the rate limit away, for tests that send many unauthenticated calls."""
    rate_limiter = RateLimiter(itertools.count(step=1000).__next__)
    app.extensions["bridge"] = replace(app.extensions["bridge"], rate_limiter=rate_limiter)


@pytest.fixture
def work(app) -> Callable[[], None]:
    """Return a function that works off all feeds that are due."""

    def run() -> None:
        while feeds.work_one(app.extensions["bridge"].channels):
            pass

    return run


@pytest.fixture
def call(app) -> Callable[..., Any]:
    """Return the test application's `sender`."""
    return sender(app)


def sender(app: Flask) -> Callable[..., Any]:
    """Return a function that posts to an endpoint by its manifest name; every answer must be 200 with Error."""
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


def new_shop(data_dir: Path) -> str:
    """Return the name of a shop that no integration is connected to; it is ready if it is the first in this folder."""
    file = data_dir / tables.FILE
    opened = Path(f"{file}-wal").exists()
    if opened or file.read_bytes() != empty_database(tables.MIGRATIONS):
        return f"shop-{uuid.uuid4().hex[:8]}"
    file.write_bytes(stocked_shop())
    return FIRST_SHOP


@pytest.fixture
def connect(app, call) -> Callable[..., Linnworks]:
    """Return a function that makes a finished integration with the embedded shop, by default with a new shop each."""

    def begin(shop: str = "", **preferences: str) -> Linnworks:
        name = shop or new_shop(app.extensions["bridge"].settings.data_dir)
        linnworks = Linnworks(call, name)
        linnworks.finish_wizard(shop_name=name, access_key=access_key(name), **preferences)
        return linnworks

    return begin


@pytest.fixture
def linnworks(connect) -> Linnworks:
    """Return a finished integration with an embedded shop."""
    return connect()


@pytest.fixture
def run(app, settings, monkeypatch, tmp_path):
    """Return a function that runs a command on the same data folder and returns its output; fails on another status."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRIDGE_DATA_DIR", str(settings.data_dir))

    def invoke(*words: str, status: int = 0, answer: str | None = None) -> str:
        result = CliRunner().invoke(main, list(words), input=answer)

        assert status == result.exit_code, result.output
        return result.output

    return invoke
