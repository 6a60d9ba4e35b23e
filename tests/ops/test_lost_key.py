"""An installation goes on with a new key when the old one is lost for good."""

from __future__ import annotations

from socket import create_server

import pytest

from bridge.ops.backup import restore
from bridge.store.connections import Connection
from bridge.vault import KEY_FILE, new_key
from tests.conftest import FIRST_SHOP, access_key, leave, opened, sender, sqlite_only
from tests.processes import free_port

DESPATCH = {"ReferenceNumber": "1060"}


@pytest.fixture
def lost(app, linnworks, settings, monkeypatch):
    """Return a function that loses the key of an installation with an integration that has despatched an order."""
    monkeypatch.setenv("BRIDGE_BIND", f"127.0.0.1:{free_port()}")
    assert linnworks("DespatchEndpoint", Orders=[DESPATCH])["Orders"][0]["Error"] is None

    def lose(content: str | None) -> None:
        leave()
        (settings.data_dir / KEY_FILE).unlink()
        if content is not None:
            (settings.data_dir / KEY_FILE).write_text(content)

    return lose


@pytest.mark.parametrize("content", [None, "nonsense", new_key()], ids=["missing", "damaged", "another"])
def test_the_sellers_are_asked_for_their_credentials_again(lost, linnworks, run, settings, content):
    """
    Calls answer an Error until the seller has entered them; then all goes on, and what was despatched stays so.
    """
    lost(content)
    assert "keys forget" in run("connections", "list", status=2)
    output = run("keys", "forget", "--yes")
    with opened(settings) as app:
        linnworks._call = sender(app)
        refused = linnworks("ConfigTestEndpoint")["Error"]
        asked = linnworks("UserConfigEndpoint")
        linnworks.finish_wizard(shop_name=FIRST_SHOP, access_key=access_key(FIRST_SHOP))
        tested = linnworks("ConfigTestEndpoint")["Error"]
        orders = linnworks.orders()
        again = linnworks("DespatchEndpoint", Orders=[DESPATCH])["Orders"][0]["Error"]

    assert linnworks.account_name in output
    assert "enter them again" in refused
    assert "access_key" in {item["ConfigItemId"] for item in asked["ConfigItems"]}
    assert (None, None) == (tested, again)
    assert "1060" in orders


def test_a_key_that_opens_the_database_is_not_forgotten(lost, run, settings, linnworks):
    """
    The credentials stay, and the command says what else there is.
    """
    before = Connection.get().sealed
    leave()

    assert "keys rotate" in run("keys", "forget", "--yes", status=2)
    with opened(settings):
        assert before == Connection.get().sealed


def test_a_lost_key_in_the_environment_is_replaced_by_the_operators_new_one(lost, run, settings, monkeypatch):
    """
    No file is written, and a text that is no key changes nothing.
    """
    lost(None)
    monkeypatch.setenv("BRIDGE_SECRET_KEY", "nonsense")
    assert "keys new" in run("keys", "forget", "--yes", status=2)
    monkeypatch.setenv("BRIDGE_SECRET_KEY", new_key())
    run("keys", "forget", "--yes")

    assert not (settings.data_dir / KEY_FILE).exists()
    assert "credentials needed" in run("connections", "list")


@sqlite_only
def test_a_key_that_is_found_after_all_is_restored(lost, run, settings, linnworks):
    """
    The archive has the database as it was.
    """
    key = (settings.data_dir / KEY_FILE).read_text()
    lost(None)
    run("keys", "forget", "--yes")
    leave()
    (archive,) = (settings.data_dir / "archive").iterdir()
    (archive / KEY_FILE).write_text(key)
    restore(settings, archive, force=True)
    with opened(settings) as app:
        linnworks._call = sender(app)

        assert linnworks("ConfigTestEndpoint")["Error"] is None


def test_nothing_is_forgotten_under_a_running_service(lost, run, settings, monkeypatch):
    """
    Its processes still have the key.
    """
    lost(None)
    with create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("BRIDGE_BIND", f"127.0.0.1:{listening.getsockname()[1]}")

        assert "cannot listen" in run("keys", "forget", "--yes", status=2)
    assert not (settings.data_dir / KEY_FILE).exists()
