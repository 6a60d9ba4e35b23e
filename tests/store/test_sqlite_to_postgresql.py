"""From SQLite to PostgreSQL, with everything that was promised."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.ops.temporary_server import free_port
from bridge.settings import Settings
from bridge.store import sqlite_to_postgresql
from bridge.store.database import connect as database_at
from tests.conftest import database_url, opened, postgres_only, sender
from tests.linnworks import Linnworks

LISTING = {"TemplateId": 1, "ExternalListingId": "none"}


@pytest.fixture
def source(tmp_path) -> Settings:
    """An installation on SQLite."""
    data_dir = tmp_path / "data"
    return Settings(data_dir=data_dir, database_url=f"sqlite:///{data_dir / 'bridge.db'}")


def migrate(settings: Settings, url: str, **environ: str) -> tuple[int, str]:
    """Run the command; its status and what it says."""
    result = subprocess.run(
        [sys.executable, "-m", "bridge", "migrate-database", "-"],
        input=url,
        env={
            **os.environ,
            "BRIDGE_DATA_DIR": str(settings.data_dir),
            "BRIDGE_DATABASE_URL": settings.database_url,
            "BRIDGE_BIND": f"127.0.0.1:{free_port()}",
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    return result.returncode, result.stdout + result.stderr


def rows(url: str, source: Settings) -> dict[str, Any]:
    """All rows of each table that the source has."""
    here, there = database_at(source.database), database_at(url)
    try:
        tables = sqlite_to_postgresql._in_order(here)
        return {table: sorted(there.execute_sql(f'SELECT * FROM "{table}"').fetchall(), key=str) for table in tables}
    finally:
        here.close()
        there.close()


@postgres_only
def test_a_moved_installation_goes_on_where_it_was(tmp_path, source):
    """
    Token, actions, feeds, runs and what waits are the same rows on the server, and no number is given twice.
    """
    with opened(source) as app:
        linnworks, gone = (Linnworks(sender(app), name) for name in ("moved", "gone"))
        linnworks.finish_wizard(shop_name="moved", access_key="a key for the moved")
        gone("ConfigDeletedEndpoint")
        orders = linnworks.orders()
        paid = next(order for order in orders.values() if order["PaymentStatus"] == "PAID")
        refund = {"ReferenceNumber": paid["ReferenceNumber"], "Items": [{"OrderLineNumber": "1", "RefundAmount": 1}]}
        reference = linnworks("RefundEndpoint", Refund=refund)["RefundReference"]
        feed = linnworks("ListingDeleteEndpoint", ExternalListingIds=[LISTING])["ChannelFeedId"]
    url = database_url(tmp_path / "server")
    status, said = migrate(source, url)

    assert (0, True) == (status, "Now set BRIDGE_DATABASE_URL" in said), said
    with opened(replace(source, database_url=url)) as app:
        call = sender(app)
        moved, new = Linnworks.__new__(Linnworks), Linnworks(call, "new")
        vars(moved).update({**vars(linnworks), "_call": call})

        assert orders.keys() == moved.orders().keys()
        assert reference == moved("RefundEndpoint", Refund=refund)["RefundReference"]
        assert moved("CheckFeedEndpoint", ChannelFeedId=feed)["IsFeedReady"] is False
        new.finish_wizard(shop_name="new", access_key="a key for the new")
        assert new("ListingDeleteEndpoint", ExternalListingIds=[LISTING])["Error"] is None
        assert {1, 3} == {row[0] for row in rows(url, source)["connection"]}


@postgres_only
def test_every_row_arrives_as_it_was(tmp_path, source):
    """
    Table by table the same values, true and false among them.
    """
    with opened(source) as app:
        linnworks = Linnworks(sender(app), "moved")
        linnworks.finish_wizard(shop_name="moved", access_key="a key for the moved")
        linnworks.orders()
        linnworks("ListingDeleteEndpoint", ExternalListingIds=[LISTING] * 3)
    url = database_url(tmp_path / "server")
    status, said = migrate(source, url)
    there, here = rows(url, source), rows(source.database, source)

    assert 0 == status, said
    assert {"connection", "paging_run", "feed_item", "fact", "seen_order"} <= {
        table for table, found in there.items() if found
    }
    assert here == there


@postgres_only
def test_what_is_there_already_stays(tmp_path, source):
    """
    A database with an installation in it is refused, and nothing of it is changed.
    """
    url = database_url(tmp_path / "server")
    for settings in (source, replace(source, database_url=url)):
        with opened(settings) as app:
            Linnworks(sender(app), "one")
    before = rows(url, source)
    status, said = migrate(source, url)

    assert (1, True) == (status, "That database is not empty" in said), said
    assert before == rows(url, source)


def test_a_service_that_runs_is_not_moved(source):
    """
    What it took in meanwhile would stay behind.
    """
    with opened(source):
        pass
    with socket.create_server(("127.0.0.1", 0)) as service:
        bind = f"127.0.0.1:{service.getsockname()[1]}"
        status, said = migrate(source, "postgresql://x@127.0.0.1:1/x", BRIDGE_BIND=bind)

    assert (1, True) == (status, "stop the service" in said), said


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:////tmp/x.db", ["must be an address like postgresql://"]),
        ("postgresql://u:s3cret@127.0.0.1:1/x", ["cannot be used", "needs psycopg"]),
    ],
)
def test_what_is_no_such_database_is_told_in_a_sentence(source, url, words):
    """
    Without a traceback, and without the password.
    """
    with opened(source):
        pass
    status, said = migrate(source, url)

    assert status
    assert any(one in said for one in words), said
    assert "Traceback" not in said
    assert "s3cret" not in said


def test_only_sqlite_is_moved(tmp_path):
    """
    Where there is no SQLite database the command says so.
    """
    status, said = migrate(Settings(data_dir=Path(tmp_path / "none")), "postgresql://x@127.0.0.1:1/x")

    assert (2, True) == (status, "There is no SQLite database to copy" in said)
