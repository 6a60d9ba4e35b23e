"""Every earlier schema is upgraded with all that is in it, and as it was it is kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from playhouse.migrations import Runner
from playhouse.schema_diff import diff_models

from bridge.app import create_app
from bridge.channels.demo import shop, tables
from bridge.errors import StartError
from bridge.keeping import restore
from bridge.settings import Settings
from bridge.store import database as store
from bridge.store.clients import OauthClient, forget_clients
from bridge.store.copies import steps_applied
from bridge.store.pages import last_polls
from bridge.store.unchanged import open_unchanged
from tests.conftest import SERVER, opened, sender, sqlite_only
from tests.test_store import OURS

SCHEMAS = sorted((Path(__file__).parent / "schemas").glob("*.sql"))
KEY = "VGhlIGtleSBvZiBldmVyeSBlYXJsaWVyIHNjaGVtYS4="
TOKEN = "the token of every earlier schema"
OLD_DESPATCH = {"ReferenceNumber": "1230", "ShippingVendor": "Royal Mail", "TrackingNumber": "AB1"}


@pytest.fixture
def ours(settings) -> Settings:
    """Settings with the key that the stored schemas were sealed with."""
    return replace(settings, secret_key=KEY)


@pytest.fixture(params=SCHEMAS, ids=lambda path: path.stem)
def earlier(request, ours) -> str:
    """A database in use as an earlier version left it; that version's last step."""
    build(ours, request.param)
    return request.param.stem


def build(ours: Settings, schema: Path) -> None:
    text = schema.read_text(encoding="utf-8")
    if not SERVER:
        ours.data_dir.mkdir()
        with closing(sqlite3.connect(ours.data_dir / "bridge.db")) as made:
            made.executescript(text)
        return
    made = store.connect(ours.database)
    Runner(made, str(store.MIGRATIONS)).up(schema.stem)
    rows = [line for line in text.splitlines() if line.startswith('INSERT INTO "')]
    for line in rows:
        made.execute_sql(line.replace("%", "%%"))
    for table in {line.split('"')[1] for line in rows} - {"fact", "feed", "run_page", "lane", "oauth_client"}:
        made.execute_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 100)")
    made.close()


def rows_by_table() -> dict[str, list[dict[str, object]]]:
    """Everything in the database but the list of its steps, by column."""
    db = store.database
    found = {}
    for table in sorted(set(db.get_tables()) - {"schema_migration", "sqlite_sequence"}):
        cursor = db.execute_sql(f'SELECT * FROM "{table}"')
        names = [column[0] for column in cursor.description]
        found[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return found


@pytest.fixture
def before(earlier, ours) -> dict[str, list[dict[str, object]]]:
    """What the earlier version had in its tables."""
    open_unchanged(ours.database)
    found = rows_by_table()
    store.close_store()
    return found


def test_every_step_but_the_last_has_a_stored_schema():
    """
    A step that is added brings the schema before it.
    """
    steps = sorted(path.stem for path in store.MIGRATIONS.glob("[0-9]*.py"))

    assert steps[: len(SCHEMAS)] == [path.stem for path in SCHEMAS]
    assert len(steps) - 1 <= len(SCHEMAS)


def test_an_upgrade_keeps_all_that_is_there(before, ours):
    """
    Every row of every table is the same afterwards, in the tables that the code expects.
    """
    with opened(ours):
        after = rows_by_table()

        assert not diff_models(store.database.obj, [*OURS, OauthClient])
    assert 1 == len(before["deed"]) == len(before["connection"])
    for table, rows in before.items():
        assert rows == [{name: row[name] for name in rows[0]} for row in after[table]][: len(rows)]


def test_the_integration_goes_on_after_an_upgrade(earlier, ours):
    """
    Its token works, its credentials open the shop, and a despatch from before is not made again.
    """
    with opened(ours) as app:
        tables.open_shops(ours.data_dir)
        shop.open_shop("earlier", "the earlier key")
        forget_clients()
        call = sender(app)
        tested = call("ConfigTestEndpoint", AuthorizationToken=TOKEN)
        again = call("DespatchEndpoint", AuthorizationToken=TOKEN, Orders=[OLD_DESPATCH])
        page = call("OrdersEndpoint", AuthorizationToken=TOKEN, PageNumber=1, UTCTimeFrom="2000-01-01 00:00:00Z")
        order = tables.Order.get(tables.Order.number == "1230")

        assert tested["Error"] is None
        assert [None] == [one["Error"] for one in again["Orders"]]
        assert 0 == sum(line.despatched for line in order.lines)
        assert page["Error"] is None


def test_it_stays_known_when_linnworks_last_asked(earlier, ours):
    """
    Of runs from before the shop's clock is all there is.
    """
    with opened(ours):
        assert {1: "2026-11-25"} == {number: f"{asked:%Y-%m-%d}" for number, asked in last_polls().items()}


@sqlite_only
def test_the_database_as_it_was_is_kept_and_can_be_put_back(before, earlier, ours):
    """
    An upgrade begins with a copy, which `restore` takes; there is none where nothing is upgraded.
    """
    with opened(ours):
        tables.open_shops(ours.data_dir)
    with opened(ours):
        pass
    (copy,) = (ours.data_dir / "put-aside").iterdir()
    restore(ours, copy, force=True)

    assert f"bridge-{earlier}" == copy.name
    assert (ours.data_dir / tables.FILE).exists()
    assert earlier == max(steps_applied(ours.data_dir / "bridge.db"))
    open_unchanged(ours.database)
    assert before == rows_by_table()
    store.close_store()


@sqlite_only
def test_an_upgrade_that_fails_leaves_everything_as_it_was(ours):
    """
    However often it is tried, nothing is changed and there is one copy.
    """
    build(ours, SCHEMAS[3])
    path = ours.data_dir / "bridge.db"
    with closing(sqlite3.connect(path)) as meddled:
        meddled.execute("ALTER TABLE run ADD COLUMN asked_at INTEGER")
    for _ in range(2):
        with pytest.raises(StartError, match="cannot be used"):
            create_app(ours)

    assert SCHEMAS[3].stem == max(steps_applied(path))
    assert 1 == len(list((ours.data_dir / "put-aside").iterdir()))
