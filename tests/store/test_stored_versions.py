"""An installation of a version before is upgraded, and goes back by restore."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bridge.app import create_app
from bridge.errors import StartError
from bridge.ops.backup import restore
from bridge.store import database as store
from bridge.store.sqlite_backup import steps_applied
from tests.conftest import opened, sender, sqlite_only
from tests.linnworks import LONG_AGO, Linnworks
from tests.store.stored_versions import DESPATCH, FOLDER, settings_of, unpack

pytestmark = sqlite_only

MIGRATIONS = store.MIGRATIONS
VERSIONS = sorted(path.stem for path in FOLDER.glob("*.sql"))


def works(settings, token: str) -> bool:
    """Return whether the integration answers, and its despatch is known."""
    with opened(settings) as app:
        linnworks = Linnworks.__new__(Linnworks)
        linnworks._call, linnworks.token = sender(app), token
        tested = linnworks("ConfigTestEndpoint")["Error"]
        again = linnworks("DespatchEndpoint", Orders=[DESPATCH])["Orders"][0]["Error"]
        page = linnworks("OrdersEndpoint", PageNumber=1, UTCTimeFrom=LONG_AGO)
        made_up = "made_up" in {column.name for column in store.database.get_columns("connection")}
    assert (None, None, None) == (tested, again, page["Error"])
    return made_up


@pytest.mark.parametrize("version", VERSIONS)
def test_a_stored_version_is_upgraded_and_taken_back(version, tmp_path, next_version, monkeypatch):
    """
    The upgraded database is refused by the version before, which goes on with the archived one.
    """
    settings = settings_of(tmp_path / "data")
    token = unpack(version, settings.data_dir)
    upgraded = works(settings, token)
    (archived,) = (settings.data_dir / "archive").iterdir()
    monkeypatch.setattr(store, "MIGRATIONS", MIGRATIONS)
    with pytest.raises(StartError, match="newer version"):
        create_app(settings)
    restored = restore(settings, archived, force=True)

    assert upgraded
    assert 1 == len(restored.integrations)
    assert not works(settings, token)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_released_migration_is_not_changed(version, tmp_path):
    """
    A stored database has the tables that today's migrations make up to its own step. Until the first release
    `python -m tests.store.stored_versions` stores it anew; after that, only a new migration changes a table.
    """
    settings = settings_of(tmp_path / "data")
    unpack(version, settings.data_dir)
    last = max(steps_applied(settings.data_dir / "bridge.db"))
    steps = tmp_path / "steps"
    steps.mkdir()
    for path in MIGRATIONS.glob("[0-9]*.py"):
        if path.stem <= last:
            (steps / path.name).write_bytes(path.read_bytes())
    made = store.connect(f"sqlite:///{tmp_path / 'made.db'}")
    store.upgrade(made, steps)
    made.close()

    assert tables_in(tmp_path / "made.db") == tables_in(settings.data_dir / "bridge.db")


def tables_in(path: Path) -> dict[str, str]:
    """Return the SQL of each table and index."""
    with closing(sqlite3.connect(path)) as database:
        return dict(database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


def test_a_version_is_stored():
    """
    The tests above have something to try.
    """
    assert VERSIONS
