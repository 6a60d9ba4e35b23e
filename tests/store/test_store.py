"""The database is set up at the start, refuses newer schemas, and survives broken connections."""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import peewee
import pytest
from playhouse.schema_diff import diff_models

from bridge.app import create_app
from bridge.channels.demo import tables as demo
from bridge.errors import StartError
from bridge.ops.temporary_server import free_port
from bridge.store import actions, connections, feeds, findings, oauth_clients, orders, outbox, paging
from bridge.store import database as store
from bridge.store.installation_facts import InstallationFact, read_fact, save_fact
from tests.conftest import database_url, postgres_only, sqlite_only

TABLES = (
    InstallationFact,
    connections.Connection,
    paging.PagingRun,
    paging.PageCursor,
    actions.Action,
    feeds.Feed,
    feeds.FeedItem,
    orders.SeenOrder,
    outbox.OutboxBatch,
    outbox.PendingUpdate,
    outbox.OutboxLease,
    oauth_clients.OauthClient,
    findings.RecordedFinding,
)


def test_the_migrations_create_the_tables_of_the_models(app):
    """
    A database made by the migrations has exactly the tables and columns of the models.
    """
    assert not diff_models(store.database.obj, TABLES)


def test_the_embedded_shop_s_migrations_create_its_tables(tmp_path):
    """
    The same holds for the embedded shop's own database.
    """
    demo.open_shops(tmp_path)
    difference = diff_models(demo.database.obj, demo.TABLES)
    demo.database.close()

    assert not difference


def test_a_newer_schema_stops_the_start(settings):
    """
    A database that a newer version has upgraded is not changed.
    """
    create_app(settings)
    store.database.execute_sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2030-01-01')")
    store.close_store()

    with pytest.raises(StartError, match="newer version of the bridge"):
        create_app(settings)


def test_a_database_of_another_channel_stops_the_start(linnworks, settings):
    """
    Integrations of one kind of shop are not served as those of another.
    """
    store.close_store()
    with pytest.raises(StartError, match="set BRIDGE_CHANNEL=demo"):
        create_app(replace(settings, channel="bridge.channels.demo"))


@sqlite_only
def test_a_file_that_is_no_database_stops_the_start(settings):
    """
    A file that is something else is reported as one that cannot be used.
    """
    settings.data_dir.mkdir()
    (settings.data_dir / "bridge.db").write_bytes(b"not a database at all" * 100)

    with pytest.raises(StartError, match="cannot be used"):
        create_app(settings)


@sqlite_only
def test_only_the_owner_can_read_the_database(app, settings):
    """
    The database file has mode 0600, its folder 0700.
    """
    assert stat.S_IMODE((settings.data_dir / "bridge.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700


@sqlite_only
def test_commits_wait_for_the_disk_and_writers_for_each_other(settings):
    """
    SQLite runs in WAL mode with full synchronisation, foreign keys and a busy timeout.
    """
    create_app(settings)
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    pragmas = [store.database.obj.pragma(name) for name in names]
    store.close_store()

    assert ["wal", 2, 1, 5000] == pragmas


def test_a_deleted_connection_leaves_nothing_behind(linnworks):
    """
    No table has a row of it any more.
    """
    linnworks.orders()
    linnworks("ListingDeleteEndpoint", ExternalListingIds=[{"ChannelSKU": "x", "TemplateId": 1}])
    linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": "1001"}])

    assert linnworks("ConfigDeletedEndpoint")["Error"] is None
    assert {0} == {table.select().count() for table in TABLES if table is not InstallationFact}


def test_a_broken_connection_is_replaced(app):
    """
    After a database error the next use opens a new connection.
    """
    store.database.connection().close()
    with pytest.raises(peewee.PeeweeException):
        store.database.execute_sql("SELECT 1")
    store.discard_connection()

    assert store.responds()


@postgres_only
def test_a_restarted_server_causes_no_error(linnworks):
    """
    A connection that the server closed while it was idle is reopened before the next call uses it.
    """
    end_sessions()

    assert linnworks("ConfigTestEndpoint")["Error"] is None


@postgres_only
def test_a_server_that_stops_in_a_transaction_undoes_all_of_it(app):
    """
    The writer gets an error, and the next use opens a new connection.
    """
    with suppress(peewee.PeeweeException), store.writing():
        save_fact("half", "done")
        end_sessions()
        save_fact("other half", "done")
        pytest.fail("there was no error")
    store.discard_connection()

    assert read_fact("half") is None


@postgres_only
def test_a_connection_lost_before_the_commit_makes_it_fail(app):
    """
    The commit is not sent on a new connection, where it would succeed and store nothing.
    """
    transaction = store.writing()
    transaction.__enter__()
    save_fact("half", "done")
    end_sessions()
    with pytest.raises(peewee.PeeweeException):
        transaction.__exit__(None, None, None)
    store.discard_connection()

    assert read_fact("half") is None


@postgres_only
def test_every_session_has_timeouts(app):
    """
    Options in the URL take precedence.
    """
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "client_encoding")
    usual = [store.database.execute_sql(f"SHOW {name}").fetchone()[0] for name in names]
    own = store.connect("postgres://us%40er:pass%2Fword@h/d?connect_timeout=9&options=-clock_timeout%3D1s")
    given = own.connect_params

    assert ["5s", "7s", "10s", "UTF8"] == usual
    assert ("us@er", "pass/word", 9) == (given["user"], given["password"], given["connect_timeout"])
    assert given["options"].endswith(" -clock_timeout=1s")


@postgres_only
def test_a_server_that_is_down_stops_the_start(settings):
    """
    The message does not contain the URL, which may hold a password.
    """
    with pytest.raises(StartError, match="cannot be used") as raised:
        store.open_store(f"postgresql://user:s3cret@127.0.0.1:{free_port()}/bridge")

    assert "s3cret" not in str(raised.value)


def end_sessions() -> None:
    """End all other sessions, as a restart of the server does."""
    other = store.connect(database_url(Path("other")))
    other.execute_sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND datname = current_database() AND pid != pg_backend_pid()"
    )
    other.close()
