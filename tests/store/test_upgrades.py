"""A database of an earlier version is upgraded with all that is in it, and a copy of it as it was is kept."""

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
from tests.store.test_store import OURS

DESPATCH = {"ReferenceNumber": "1230", "ShippingVendor": "Royal Mail", "TrackingNumber": "AB1"}


@pytest.fixture
def earlier(settings) -> Linnworks:
    """An integration in use, in a database that this version has made."""
    with opened(settings) as app:
        linnworks = Linnworks(sender(app), "earlier")
        linnworks.finish_wizard(shop_name="earlier", access_key="the earlier key")
        assert [None] == [one["Error"] for one in linnworks("DespatchEndpoint", Orders=[DESPATCH])["Orders"]]
    return linnworks


def rows_by_table() -> dict[str, list[dict[str, object]]]:
    """Everything in the database but the list of its steps, by column."""
    db = store.database
    found = {}
    for table in sorted(set(db.get_tables()) - {"schema_migration", "sqlite_sequence"}):
        cursor = db.execute_sql(f'SELECT * FROM "{table}"')
        names = [column[0] for column in cursor.description]
        found[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return found


def stored(settings: Settings) -> dict[str, list[dict[str, object]]]:
    """What the database has in its tables, as it is."""
    open_for_inspection(settings.database)
    found = rows_by_table()
    store.close_store()
    return found


def test_an_upgrade_keeps_all_that_is_there(earlier, settings, next_version):
    """
    Every row of every table is the same afterwards, beside what the step has added.
    """
    before = stored(settings)
    with opened(settings):
        after = rows_by_table()

    assert {7} == {row.pop("made_up") for row in after["connection"]}
    assert 1 == len(before["action"]) == len(before["connection"])
    assert before == after


def test_the_integration_goes_on_after_an_upgrade(earlier, settings, next_version):
    """
    Its token works, its credentials open the shop, and a despatch from before is not made again.
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
def test_the_database_as_it_was_is_kept_and_can_be_put_back(earlier, settings, next_version):
    """
    An upgrade begins with a copy, which `restore` takes; there is none where nothing is upgraded.
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
def test_an_upgrade_that_fails_leaves_everything_as_it_was(earlier, settings, next_version):
    """
    However often it is tried, nothing is changed and there is one copy.
    """
    path = settings.data_dir / "bridge.db"
    last = max(steps_applied(path))
    with closing(sqlite3.connect(path)) as meddled:
        meddled.execute("ALTER TABLE connection ADD COLUMN made_up INTEGER")
    before = stored(settings)
    for _ in range(2):
        with pytest.raises(StartError, match="cannot be used"):
            create_app(settings)

    assert last == max(steps_applied(path))
    assert before == stored(settings)
    assert 1 == len(list((settings.data_dir / "archive").iterdir()))


def test_steps_are_applied_in_order_and_once(settings, next_version):
    """
    A new database gets every step, and a second start none.
    """
    with opened(settings):
        assert not diff_models(store.database.obj, OURS[:1])
        steps = [step.name for step in Runner(store.database.obj, str(next_version)).status() if step.applied]
    with opened(settings):
        again = [step.name for step in Runner(store.database.obj, str(next_version)).status() if step.applied]

    assert sorted(path.stem for path in next_version.glob("[0-9]*.py")) == steps == again
