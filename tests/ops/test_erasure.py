"""After ConfigDeleted nothing of an integration is left in the files of the database."""

from __future__ import annotations

from bridge.ops.backup import backup
from bridge.ops.retention import Retention
from bridge.store.connections import erased, find_connection, forget_erased
from bridge.store.database import connect
from bridge.vault import digest
from tests.conftest import sqlite_only

pytestmark = sqlite_only

PLANTED = "planted-secret-of-a-buyer"


def files_with(settings, text: str) -> list[str]:
    """Return the names of the files in the data folder that contain a text."""
    return [path.name for path in settings.data_dir.iterdir() if path.is_file() and text.encode() in path.read_bytes()]


def test_nothing_is_left_in_the_write_ahead_log(app, linnworks, settings):
    """The worker removes it at its next pause."""
    linnworks("ListingUpdateEndpoint", Type="CREATE", Settings=[], Listings=[{"SKU": PLANTED, "TemplateId": 1}])
    assert files_with(settings, PLANTED)

    assert None is linnworks("ConfigDeletedEndpoint")["Error"]
    Retention().work_one(app.extensions["bridge"].channels)

    assert None is find_connection(digest(linnworks.token))
    assert [] == files_with(settings, PLANTED)


def test_a_log_that_is_being_read_is_tried_again(app, linnworks, settings):
    """Until nobody reads it."""
    other = connect(settings.database)
    other.execute_sql("BEGIN")
    other.execute_sql("SELECT * FROM connection").fetchall()

    linnworks("ConfigDeletedEndpoint")

    assert not forget_erased()
    assert erased.is_set()
    other.close()
    assert forget_erased()
    assert not erased.is_set()


def test_older_copies_that_hold_an_erased_integration_are_named(run, linnworks, settings):
    """Not those made before it."""
    archive = settings.data_dir / "archive"
    backup(settings, archive / "with", with_key=False)
    name = linnworks.account_name
    output = run("connections", "erase", name, "--yes")
    another = run("connections", "list")

    assert str(archive / "with" / "bridge.db") in output
    assert "30 days" in output
    assert name not in another


def test_copies_without_the_integration_are_not_named(run, app, connect, settings):
    """Those made before it."""
    backup(settings, settings.data_dir / "archive" / "before", with_key=False)
    connect()

    assert "Older copies" not in run("connections", "erase", "1", "--yes")
