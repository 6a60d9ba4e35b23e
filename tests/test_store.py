"""The database is upgraded at start, refuses what is newer, and belongs to its owner."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import replace

import peewee
import pytest
from playhouse.schema_diff import diff_models

from bridge.app import create_app
from bridge.channels.demo import tables as demo
from bridge.errors import StartError
from bridge.store import connections, deeds, feeds, orders, pages
from bridge.store import database as store

OURS = (
    store.Fact,
    connections.Connection,
    pages.Run,
    pages.RunPage,
    deeds.Deed,
    feeds.Feed,
    feeds.FeedItem,
    orders.SeenOrder,
)


def test_the_migrations_make_the_tables_that_the_code_expects(app):
    """
    A database made by the migrations differs in nothing from the models.
    """
    assert not diff_models(store.database.obj, OURS)


def test_the_embedded_shop_s_migrations_make_its_tables(tmp_path):
    """
    The same holds for the embedded shop's own database.
    """
    demo.open_shops(tmp_path)
    difference = diff_models(demo.database.obj, demo.TABLES)
    demo.database.close()

    assert not difference


def test_a_newer_schema_stops_the_start(settings):
    """
    A database that a newer version upgraded is not touched.
    """
    create_app(settings)
    store.close_store()
    with sqlite3.connect(settings.data_dir / "bridge.db") as other:
        other.execute("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2030-01-01')")
    other.close()

    with pytest.raises(StartError, match="newer version of the bridge"):
        create_app(settings)


def test_a_database_of_another_channel_stops_the_start(linnworks, settings):
    """
    Integrations of one kind of shop are not taken for those of another.
    """
    store.close_store()
    with pytest.raises(StartError, match="set BRIDGE_CHANNEL=demo"):
        create_app(replace(settings, channel="bridge.channels.demo"))


def test_a_file_that_is_no_database_stops_the_start(settings):
    """
    Something else in the database's place is told in a sentence.
    """
    settings.data_dir.mkdir()
    (settings.data_dir / "bridge.db").write_bytes(b"not a database at all" * 100)

    with pytest.raises(StartError, match="cannot be used"):
        create_app(settings)


def test_the_database_can_be_read_by_its_owner_only(app, settings):
    """
    The database file has mode 0600, its folder 0700.
    """
    assert stat.S_IMODE((settings.data_dir / "bridge.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700


def test_commits_are_on_disk_and_writers_wait(settings):
    """
    SQLite runs in WAL mode with full synchronisation, foreign keys and a busy timeout.
    """
    create_app(settings)
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    pragmas = [store.database.obj.pragma(name) for name in names]
    store.close_store()

    assert ["wal", 2, 1, 5000] == pragmas


def test_a_connection_takes_everything_with_it(linnworks):
    """
    Nothing of a deleted integration stays in any table.
    """
    linnworks.orders()
    linnworks("ListingDeleteEndpoint", ExternalListingIds=[{"ChannelSKU": "x", "TemplateId": 1}])
    linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": "1001"}])

    assert linnworks("ConfigDeletedEndpoint")["Error"] is None
    assert {0} == {table.select().count() for table in OURS if table is not store.Fact}


def test_a_broken_connection_is_replaced(app):
    """
    After a database error the next use opens a fresh connection.
    """
    store.database.connection().close()
    with pytest.raises(peewee.PeeweeException):
        store.database.execute_sql("SELECT 1")
    store.discard_connection()

    assert store.works()
