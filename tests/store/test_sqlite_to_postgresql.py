"""A SQLite database is copied to PostgreSQL with everything in it."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.ops.old_copies import LEFT_BEHIND, copies_with
from bridge.ops.temporary_server import free_port
from bridge.settings import Settings
from bridge.store import sqlite_to_postgresql
from bridge.store.connections import list_connections
from bridge.store.database import close_store, open_store
from bridge.store.database import connect as database_at
from tests.conftest import database_url, opened, postgres_only, sender
from tests.linnworks import Linnworks

LISTING = {"TemplateId": 1, "ExternalListingId": "none"}


@pytest.fixture
def source(tmp_path) -> Settings:
    """Return the settings of an installation on SQLite."""
    data_dir = tmp_path / "data"
    return Settings(data_dir=data_dir, database_url=f"sqlite:///{data_dir / 'bridge.db'}")


def migrate(settings: Settings, url: str, **environ: str) -> tuple[int, str]:
    """Run the command and return its exit status and output."""
    environ = {
        "BRIDGE_DATA_DIR": str(settings.data_dir),
        "BRIDGE_DATABASE_URL": settings.database_url,
        "BRIDGE_BIND": f"127.0.0.1:{free_port()}",
        **environ,
    }
    result = CliRunner().invoke(main, ["migrate-database", "-"], input=url, env=environ)
    assert isinstance(result.exception, (SystemExit, type(None))), result.exception
    return result.exit_code, result.output


def test_an_address_on_the_command_line_is_refused():
    """
    Every user of the machine would see its password.
    """
    result = CliRunner().invoke(main, ["migrate-database", "postgresql://user:password@host/name"])

    assert 1 == result.exit_code
    assert "can see a command's arguments" in result.output
    assert "password" not in result.output


def rows(url: str, source: Settings) -> dict[str, Any]:
    """Return all rows of each table of the source, read from the database at `url`."""
    here, there = database_at(source.database), database_at(url)
    try:
        tables = sqlite_to_postgresql._in_order(here)
        return {table: sorted(there.execute_sql(f'SELECT * FROM "{table}"').fetchall(), key=str) for table in tables}
    finally:
        here.close()
        there.close()


@postgres_only
def test_a_copied_installation_continues_where_it_was(tmp_path, source):
    """
    Tokens, actions and feeds are known on the server, and no number is reused.
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
    status, output = migrate(source, url)

    assert (0, True) == (status, "Now set BRIDGE_DATABASE_URL" in output), output
    with opened(replace(source, database_url=url)) as app:
        call = sender(app)
        moved, new = Linnworks.__new__(Linnworks), Linnworks(call, "new")
        vars(moved).update({**vars(linnworks), "_call": call})

        assert orders.keys() == moved.orders().keys()
        assert reference == moved("RefundEndpoint", Refund=refund)["RefundReference"]
        assert moved("CheckFeedEndpoint", ChannelFeedId=feed)["IsFeedReady"] is False
        new.finish_wizard(shop_name="new", access_key="a key for the new")
        assert new("ListingDeleteEndpoint", ExternalListingIds=[LISTING])["Error"] is None
        assert {1, 3} == {row.id for row in list_connections()}


@postgres_only
def test_every_row_is_copied_unchanged(tmp_path, source):
    """
    Every table has the same values, booleans included.
    """
    with opened(source) as app:
        linnworks = Linnworks(sender(app), "moved")
        linnworks.finish_wizard(shop_name="moved", access_key="a key for the moved")
        linnworks.orders()
        linnworks("ListingDeleteEndpoint", ExternalListingIds=[LISTING] * 3)
    url = database_url(tmp_path / "server")
    status, output = migrate(source, url)
    there, here = rows(url, source), rows(source.database, source)
    there["installation_fact"] = [row for row in there["installation_fact"] if row[0] != LEFT_BEHIND]

    assert 0 == status, output
    assert {"connection", "paging_run", "feed_item", "installation_fact", "seen_order"} <= {
        table for table, found in there.items() if found
    }
    assert here == there


@postgres_only
def test_the_copied_file_is_archived_at_the_first_start_on_the_server(tmp_path, source):
    """
    Until then it stays, because the old setting may still be used; it is named when an integration is erased.
    """
    with opened(source) as app:
        uid = Linnworks(sender(app), "moved") and list_connections()[0].uid
    file = source.data_dir / "bridge.db"
    moved = replace(source, database_url=database_url(tmp_path / "server"))
    migrate(source, moved.database_url)
    open_store(moved.database)
    before = copies_with(moved, uid)
    close_store()
    with opened(moved):
        (archived,) = copies_with(moved, uid)
        none = copies_with(moved, "another")

    assert [file] == before
    assert not file.exists()
    assert archived.parent.name.endswith("-migrated")
    assert [] == none
    with opened(moved):
        assert [archived] == copies_with(moved, uid)


@postgres_only
def test_a_database_that_is_not_empty_is_refused(tmp_path, source):
    """
    Nothing in it is changed.
    """
    url = database_url(tmp_path / "server")
    for settings in (source, replace(source, database_url=url)):
        with opened(settings) as app:
            Linnworks(sender(app), "one")
    before = rows(url, source)
    status, output = migrate(source, url)

    assert (1, True) == (status, "That database is not empty" in output), output
    assert before == rows(url, source)


def test_a_running_service_is_not_copied(source):
    """
    What it accepted meanwhile would be missing in the copy.
    """
    with opened(source):
        pass
    with socket.create_server(("127.0.0.1", 0)) as service:
        bind = f"127.0.0.1:{service.getsockname()[1]}"
        status, output = migrate(source, "postgresql://x@127.0.0.1:1/x", BRIDGE_BIND=bind)

    assert (1, True) == (status, "stop the service" in output), output


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:////tmp/x.db", ["must be an address like postgresql://"]),
        ("postgresql://u:s3cret@127.0.0.1:1/x", ["cannot be used", "needs psycopg"]),
    ],
)
def test_an_unusable_target_is_refused_with_a_message(source, url, words):
    """
    The output does not contain the password.
    """
    with opened(source):
        pass
    status, output = migrate(source, url)

    assert status
    assert any(one in output for one in words), output
    assert "s3cret" not in output


def test_only_a_sqlite_database_is_copied(tmp_path):
    """
    Without a SQLite database the command refuses.
    """
    status, output = migrate(Settings(data_dir=Path(tmp_path / "none")), "postgresql://x@127.0.0.1:1/x")

    assert (2, True) == (status, "There is no SQLite database to copy" in output)
