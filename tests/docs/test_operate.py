"""The commands of the operator's pages work as they stand there, but for their folders and numbers."""

from __future__ import annotations

import json
import shlex

import pytest
from click.testing import CliRunner

from bridge.cli import main
from tests.conftest import leave, sqlite_only
from tests.docs.pages import block

PAGE = "docs/operate.md"
NAME = "linnworks-bridge"


@pytest.fixture
def play(app, settings, monkeypatch, tmp_path, linnworks):
    """Return a function that runs our commands of a block with replaced words; an exit status of 2 is a failure."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRIDGE_DATA_DIR", str(settings.data_dir))

    def run(beginning: str, page: str = PAGE, **replaced: str) -> list[str]:
        text = block(page, beginning)
        for old, new in {**replaced, "/var/backups/bridge": str(tmp_path / "backups")}.items():
            text = text.replace(old, new)
        lines = [shlex.split(part, comments=True) for line in text.splitlines() for part in line.split(" && ")]
        ours = [words[1:] for words in lines if words[:1] == [NAME]]
        results = [(words, CliRunner().invoke(main, words, input="y\n")) for words in ours]

        assert results
        # the doctor finds no running service
        assert [] == [result.output for words, result in results if result.exit_code and words != ["doctor"]]
        return [result.output for _, result in results]

    return run


def test_calls_are_shown(app, linnworks, play):
    """
    By order, by SKU, one of them, the life of an order, and the bundle.
    """
    linnworks.orders()
    linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "MUG", "Quantity": 3}])
    app.extensions["bridge"].journal.flush()
    call = json.loads(CliRunner().invoke(main, ["calls", "list", "--json"]).output)[0]["id"]
    shown = play("linnworks-bridge calls list", **{"1231": "1001", "14:00": "1h", "4f1c0a9b7d22": call})

    assert "MUG" in shown[1]
    assert call in shown[2]
    assert "1001" in shown[3]
    assert "support.zip" in shown[4]


@sqlite_only
def test_a_backup_is_made_and_restored(app, play, tmp_path):
    """
    Backups are kept and named, listed, verified and restored.
    """
    play("linnworks-bridge backup")
    leave()
    (made,) = (folder.name for folder in (tmp_path / "backups").iterdir() if folder.name != "before-the-sale")
    listed, _, restored, _ = play("linnworks-bridge restore", **{"20260301T000000Z": made})

    assert made in listed
    assert "Restored" in restored
    assert (tmp_path / "backups/before-the-sale").is_dir()


@sqlite_only
def test_an_installation_moves(play, tmp_path):
    """
    A backup with the key is restored by the commands for another machine.
    """
    CliRunner().invoke(main, ["backup", "--with-key", str(tmp_path / "backups/move")])
    leave()
    (restored,) = play("systemctl stop linnworks-bridge.socket linnworks-bridge", "docs/troubleshoot.md")

    assert "Restored" in restored


def test_an_integration_is_paused(play):
    """
    Kinds of work stop, and go on.
    """
    paused, resumed = play("linnworks-bridge pause Teapots stock prices", Teapots="1")

    assert "Stock levels are paused" in paused
    assert "Nothing is paused" in resumed


def test_the_manifest_is_printed(play):
    """
    With the public address in it.
    """
    (printed,) = play("linnworks-bridge manifest --base-url https://bridge.example.com", "docs/portal.md")

    assert "https://bridge.example.com/api/Order/Orders" in printed


def test_a_client_may_get_tokens(play):
    """
    The client and its secret are printed.
    """
    assert "secret" in play("linnworks-bridge oauth create", "docs/install.md")[0]
