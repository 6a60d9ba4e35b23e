"""The public pages: health, the home page, the logo."""

from __future__ import annotations

import re
import sqlite3
import struct
from contextlib import closing
from dataclasses import replace

import peewee
import pytest

from bridge.app import create_app
from bridge.errors import storage_problem
from bridge.protocol.endpoints.public import source_hash
from bridge.settings import Settings
from bridge.store.database import database
from bridge.sync import health as health_module
from bridge.sync.health import Health
from bridge.vault import new_key
from tests.conftest import sqlite_only, stop


def test_health_says_that_the_service_can_work(settings):
    """
    If everything works that the service needs, /health is 200.
    """
    app = create_app(settings)
    response = app.test_client().get("/health")
    stop(app)

    assert 200 == response.status_code
    assert {"status": "ok", "database": True, "storage": True, "worker": True, "key": True} == response.get_json()


def test_health_says_that_the_service_cannot_work(app):
    """
    If worker or database do not work, /health is 503 and says which.
    """
    without_worker = health(app)
    database.connection().close()
    without_both = health(app)
    database.close()

    assert (503, True, False) == (without_worker.status_code, *pair(without_worker.json))
    assert ["The background worker does not run"] == without_worker.json["reasons"]
    assert (503, False, False) == (without_both.status_code, *pair(without_both.json))
    assert "The database does not answer" in without_both.json["reasons"]


def health(app):
    return app.test_client().get("/health")


def pair(found: dict) -> tuple[bool, bool]:
    return found["database"], found["worker"]


@pytest.fixture
def probe(app):
    """Return a function that has the worker's task find out again what works, and returns the reasons of /health."""
    services = app.extensions["bridge"]

    def run() -> list[str]:
        fresh = Health()
        app.extensions["bridge"] = replace(services, health=fresh)
        fresh.work_one(services.channels)
        return [reason for reason in health(app).json["reasons"] if "worker" not in reason]

    return run


@sqlite_only
def test_health_says_that_nothing_can_be_stored(app, settings, probe, monkeypatch):
    """
    A locked, a read-only and a full database each have their own reason.
    """
    works = probe()
    database.execute_sql("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(settings.data_dir / "bridge.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        locked = probe()
    database.execute_sql("PRAGMA query_only = 1")
    read_only = probe()
    pages = database.execute_sql("PRAGMA page_count").fetchone()[0]
    database.execute_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(peewee.OperationalError) as full:
        database.execute_sql("CREATE TABLE filler (text TEXT)")
    database.close()

    assert [] == works
    assert ["Nothing can be stored: another program keeps the database locked"] == locked
    assert ["Nothing can be stored: the database, or its disk, is read-only or broken"] == read_only
    assert "the disk is full" == storage_problem(full.value)


@sqlite_only
def test_a_disk_without_room_cannot_store_anything(app, probe, monkeypatch):
    """
    SQLite may still write where there is room in its files, but not much.
    """
    monkeypatch.setattr(health_module, "free_bytes", lambda settings: 900_000)

    assert ["Nothing can be stored: the disk is full"] == probe()


def test_health_says_that_the_key_opens_nothing(app, settings, probe):
    """
    A key file that was replaced meanwhile is noticed.
    """
    (settings.data_dir / "secret.key").unlink()
    (settings.data_dir / "secret.key").write_text(new_key())

    assert ["The secret key is not the one that this database was sealed with"] == probe()


def test_health_says_that_the_worker_hangs(settings, monkeypatch):
    """
    A worker thread that runs and has begun no task for long does not work.
    """
    app = create_app(settings)
    worker = app.extensions["bridge"].worker
    monkeypatch.setattr(type(worker), "seconds_since_heartbeat", 61.0)
    response = health(app)
    stop(app)

    assert 503 == response.status_code
    assert ["The background worker has hung for 61 s"] == response.json["reasons"]


def test_polls_of_monitoring_are_not_in_the_log(app, call, caplog):
    """
    They would fill it; other calls are logged.
    """
    caplog.set_level("INFO", "bridge.calls")
    for path in ("/health", "/health/details", "/metrics"):
        app.test_client().get(path)
    call("OrdersEndpoint")

    assert ["/api/Order/Orders"] == [record.facts["path"] for record in caplog.records]


def test_the_page_says_what_this_is_and_whether_it_runs(settings):
    """
    The page for people with a browser says so in two sentences.
    """
    app = create_app(settings)
    running = app.test_client().get("/")
    stop(app)
    failing = app.test_client().get("/")

    assert "This is a Linnworks channel application." in running.text
    assert "It is running." in running.text
    assert (503, True) == (failing.status_code, "It cannot work" in failing.text)


def test_the_page_may_load_and_run_nothing(app):
    """
    Its policy allows its own style and the logo.
    """
    page = app.test_client().get("/")
    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    policy = page.headers["Content-Security-Policy"]

    assert policy.startswith(f"default-src 'none'; img-src 'self'; style-src '{source_hash(style)}'; ")
    assert "unsafe" not in policy
    assert "style=" not in page.text


def test_the_logo_is_57_pixels_square(app):
    """
    ChannelLogoURL works without any setting.
    """
    response = app.test_client().get("/logo.png")

    assert "image/png" == response.mimetype
    assert (57, 57) == struct.unpack(">II", response.data[16:24])


def test_the_logo_can_be_replaced(tmp_path):
    """
    BRIDGE_LOGO names another picture.
    """
    logo = tmp_path / "own.png"
    logo.write_bytes(b"picture")
    app = create_app(Settings(data_dir=tmp_path / "data", logo=logo))
    response = app.test_client().get("/logo.png")
    stop(app)

    assert response.data == b"picture"
