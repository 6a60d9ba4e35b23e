"""A database of an earlier version is upgraded with all its content, after a copy of it was archived."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from playhouse.migrations import Runner
from playhouse.schema_diff import diff_models

from bridge.app import create_app
from bridge.channels.demo import tables
from bridge.errors import StartError
from bridge.ops.backup import restore
from bridge.settings import Settings
from bridge.store import database as store
from bridge.store.inspection import open_for_inspection
from bridge.store.sqlite_backup import steps_applied
from tests.conftest import opened, sender, sqlite_only
from tests.linnworks import LONG_AGO, Linnworks
from tests.store.test_store import TABLES

DESPATCH = {"ReferenceNumber": "1060", "ShippingVendor": "Royal Mail", "TrackingNumber": "AB1"}


@pytest.fixture
def earlier(settings) -> Linnworks:
    """Return an integration in use, in a database made by this version."""
    with opened(settings) as app:
        linnworks = Linnworks(sender(app), "earlier")
        linnworks.finish_wizard(shop_name="earlier", access_key="the earlier key")
        assert [None] == [one["Error"] for one in linnworks("DespatchEndpoint", Orders=[DESPATCH])["Orders"]]
    return linnworks


def rows_by_table() -> dict[str, list[dict[str, object]]]:
    """Return all rows but the list of applied migrations, as values by column."""
    db = store.database
    found = {}
    for table in sorted(set(db.get_tables()) - {"schema_migration", "sqlite_sequence"}):
        cursor = db.execute_sql(f'SELECT * FROM "{table}"')
        names = [column[0] for column in cursor.description]
        found[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return found


def stored(settings: Settings) -> dict[str, list[dict[str, object]]]:
    """Return all rows without upgrading the database."""
    open_for_inspection(settings.database)
    found = rows_by_table()
    store.close_store()
    return found


def test_an_upgrade_keeps_every_row(earlier, settings, next_version):
    """
    Every row of every table is the same afterwards, except for what the migration adds.
    """
    before = stored(settings)
    with opened(settings):
        after = rows_by_table()

    assert {7} == {row.pop("made_up") for row in after["connection"]}
    assert 1 == len(before["action"]) == len(before["connection"])
    assert before == after


def test_an_integration_works_after_an_upgrade(earlier, settings, next_version):
    """
    Its token and credentials are valid, and an earlier despatch is not done again.
    """
    with opened(settings) as app:
        earlier._call = sender(app)
        tested = earlier("ConfigTestEndpoint")
        again = earlier("DespatchEndpoint", Orders=[DESPATCH])
        page = earlier("OrdersEndpoint", PageNumber=1, UTCTimeFrom=LONG_AGO)
        despatches = tables.Event.select().where(tables.Event.kind == "despatch").count()

    assert tested["Error"] is None
    assert [None] == [one["Error"] for one in again["Orders"]]
    assert 1 == despatches
    assert page["Error"] is None


@sqlite_only
def test_the_earlier_database_is_archived_and_can_be_restored(earlier, settings, next_version):
    """
    An upgrade starts with a copy that `restore` accepts; without an upgrade there is none.
    """
    before = stored(settings)
    last = max(steps_applied(settings.data_dir / "bridge.db"))
    for _ in range(2):
        with opened(settings):
            pass
    (copy,) = (settings.data_dir / "archive").iterdir()
    restore(settings, copy, force=True)

    assert f"bridge-{last}" == copy.name
    assert last == max(steps_applied(settings.data_dir / "bridge.db"))
    assert before == stored(settings)


@sqlite_only
def test_a_failed_upgrade_changes_nothing(earlier, settings, next_version):
    """
    However often it is tried, the rows stay the same and there is one copy.
    """
    path = settings.data_dir / "bridge.db"
    last = max(steps_applied(path))
    with closing(sqlite3.connect(path)) as changed:
        changed.execute("ALTER TABLE connection ADD COLUMN made_up INTEGER")
    before = stored(settings)
    for _ in range(2):
        with pytest.raises(StartError, match="cannot be used"):
            create_app(settings)

    assert last == max(steps_applied(path))
    assert before == stored(settings)
    assert 1 == len(list((settings.data_dir / "archive").iterdir()))


def test_migrations_are_applied_in_order_and_once(settings, next_version):
    """
    A new database gets every migration, and a second start none.
    """
    with opened(settings):
        assert not diff_models(store.database.obj, TABLES[:1])
        steps = [step.name for step in Runner(store.database.obj, str(next_version)).status() if step.applied]
    with opened(settings):
        again = [step.name for step in Runner(store.database.obj, str(next_version)).status() if step.applied]

    assert sorted(path.stem for path in next_version.glob("[0-9]*.py")) == steps == again
