"""Backups are made while the service runs, and a restored installation continues from them."""

from __future__ import annotations

import itertools
import json
import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from unittest.mock import patch

import pytest

from bridge import clock
from bridge.channels.demo import DemoChannel
from bridge.clock import now
from bridge.errors import ChannelUnavailable, StartError
from bridge.ops.backup import Restored, backup, restore
from bridge.protocol.schemas.products import StockLevel
from bridge.settings import Settings, given_variables
from bridge.store.connections import Connection
from bridge.store.database import close_store
from bridge.store.installation_facts import save_fact
from bridge.store.outbox import OutboxBatch, PendingUpdate, enqueue, retry_pending_update
from bridge.store.paging import PageCursor
from bridge.sync import outbox
from bridge.vault import new_key
from tests.conftest import leave, opened, sender, sqlite_only
from tests.linnworks import Linnworks
from tests.processes import Service, free_port

pytestmark = sqlite_only

SKUS = ("101-11", "101-12")


@pytest.fixture
def elsewhere(tmp_path) -> Settings:
    """Settings of another machine, with nothing installed."""
    return Settings(data_dir=tmp_path / "elsewhere")


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    """A folder with a backup, key included, of an installation with one integration."""
    folder = tmp_path_factory.mktemp("original")
    with opened(Settings(data_dir=folder / "data")) as app:
        linnworks = Linnworks(sender(app), "original")
        linnworks.finish_wizard(shop_name="original", access_key="the original key")
        known = linnworks.orders()
        backup(Settings(data_dir=folder / "data"), folder / "backup", with_key=True)
    (folder / "known.json").write_text(json.dumps([linnworks.token, known]))
    return folder


@pytest.fixture
def backed_up(original, tmp_path) -> Path:
    """A copy of that backup."""
    shutil.copytree(original / "backup", tmp_path / "backup")
    return tmp_path / "backup"


def test_a_restored_installation_continues(original, backed_up, elsewhere, linnworks):
    """
    On a new machine the token works, the credentials open the shop, and orders continue.
    """
    leave()
    linnworks.token, known = json.loads((original / "known.json").read_text())
    assert Restored(None, ["Account of original"]) == restore(elsewhere, backed_up, force=False)
    with opened(elsewhere) as app:
        linnworks._call = sender(app)

        assert linnworks("ConfigTestEndpoint")["Error"] is None
        assert known == linnworks.orders()
        assert linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": "1060"}])["Orders"][0]["Error"] is None


def test_a_run_is_not_resumed_on_a_restored_installation(backed_up, elsewhere):
    """
    Linnworks may have gone on since the backup, and page ends may have moved.
    """
    restore(elsewhere, backed_up, force=False)
    cursors = []
    for folder in (backed_up, elsewhere.data_dir):
        with closing(sqlite3.connect(folder / "bridge.db")) as copy:
            cursors.append(copy.execute("SELECT COUNT(*) FROM page_cursor").fetchone()[0])

    assert cursors[0] > 0
    assert 0 == cursors[1]


def test_an_old_level_does_not_overwrite_a_newer_one_after_a_restore(settings, tmp_path):
    """
    What waited in the outbox when the backup was made is dropped, and the command names whose stock must be sent again.
    """
    with opened(settings) as app:
        linnworks = Linnworks(sender(app), "outbox")
        linnworks.finish_wizard(shop_name="outbox", access_key="the key of it")
        Linnworks(sender(app), "unfinished")
        channels = app.extensions["bridge"].channels
        with patch.object(DemoChannel, "set_stock", side_effect=ChannelUnavailable("closed")):
            linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "101-11", "Quantity": 5}])
            enqueue(
                Connection.get(), "stock", [StockLevel(sku="101-12", reference="", quantity=5)], now=now(), until=now()
            )
        backup(settings, tmp_path / "backup", with_key=True)
        retry_pending_update(PendingUpdate.get(), now())
        while outbox.work_one(channels):
            pass
        newer = linnworks("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Quantity": 3} for sku in SKUS])
        leave()
    (tmp_path / "backup" / "demo-shop.db").unlink()  # only the bridge is restored, as with a shop elsewhere
    restored = restore(settings, tmp_path / "backup", force=True)
    with opened(settings) as app:
        while outbox.work_one(app.extensions["bridge"].channels):
            pass
        stock = {sku: product["Quantity"] for sku, product in linnworks.products().items() if sku in SKUS}

        assert [None, None] == [row["Error"] for row in newer["Products"]]
        assert ["Account of outbox"] == restored.integrations
        assert dict.fromkeys(SKUS, 3) == stock
        assert [0, 0] == [table.select().count() for table in (OutboxBatch, PendingUpdate)]


def test_only_the_owner_can_read_a_backup(backed_up):
    """
    No other user can read its folder and files.
    """
    assert 0o700 == stat.S_IMODE(backed_up.stat().st_mode)
    assert {"bridge.db": 0o600, "demo-shop.db": 0o600, "secret.key": 0o600} == {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in backed_up.iterdir()
    }


def test_a_backup_without_the_key_needs_it(linnworks, settings, tmp_path, elsewhere):
    """
    It is restored only with the right key, in a file or a setting.
    """
    names = backup(settings, tmp_path / "b", with_key=False)
    close_store()
    key = (settings.data_dir / "secret.key").read_text().strip()

    assert "secret.key" not in names
    with pytest.raises(StartError, match="sealed with a key that is neither in it nor at"):
        restore(elsewhere, tmp_path / "b", force=False)
    with pytest.raises(StartError, match="BRIDGE_SECRET_KEY is not the key"):
        restore(replace(elsewhere, secret_key=new_key()), tmp_path / "b", force=False)
    assert not (elsewhere.data_dir / "bridge.db").exists()
    restore(replace(elsewhere, secret_key=f"{new_key()},{key}"), tmp_path / "b", force=False)
    elsewhere.data_dir.joinpath("secret.key").write_text(key)
    restore(elsewhere, tmp_path / "b", force=True)


def test_a_used_installation_is_not_overwritten(backed_up, elsewhere):
    """
    Without force a restore is refused; with it, everything replaced is archived, the key too.
    """
    with opened(elsewhere) as app:
        Linnworks(sender(app), "other")
    with pytest.raises(StartError, match="has integrations that a restore would replace"):
        restore(elsewhere, backed_up, force=False)
    before = (elsewhere.data_dir / "secret.key").read_text()
    archive = restore(elsewhere, backed_up, force=True).archive

    assert archive
    assert before == (archive / "secret.key").read_text()
    assert (backed_up / "secret.key").read_text() == (elsewhere.data_dir / "secret.key").read_text()
    restore(elsewhere, archive, force=True)
    with opened(elsewhere) as app:
        assert Linnworks(sender(app), "more").token


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\x00"])
def test_a_damaged_key_is_replaced_by_the_backup_s(backed_up, elsewhere, content):
    """
    The damaged key file is archived like the rest.
    """
    elsewhere.data_dir.mkdir()
    (elsewhere.data_dir / "secret.key").write_bytes(content)
    archive = restore(elsewhere, backed_up, force=False).archive

    assert archive
    assert content == (archive / "secret.key").read_bytes()
    assert (backed_up / "secret.key").read_text() == (elsewhere.data_dir / "secret.key").read_text()


def test_an_installation_without_integrations_is_replaced_without_force(backed_up, elsewhere):
    """
    A service that was only started once does not prevent a restore.
    """
    with opened(elsewhere):
        pass
    restore(elsewhere, backed_up, force=False)


def test_nothing_is_restored_under_a_running_service(backed_up, app, settings):
    """
    While any process has the database open, a restore is refused, even with force.
    """
    save_fact("the database", "is open")
    with pytest.raises(StartError, match="The service is running"):
        restore(settings, backed_up, force=True)
    close_store()


@pytest.mark.parametrize(
    ("name", "harm", "message"),
    [
        ("bridge.db", lambda path: path.unlink(), "is not a backup"),
        ("bridge.db", lambda path: path.write_bytes(path.read_bytes()[:30000]), "is damaged"),
        ("demo-shop.db", lambda path: path.write_bytes(b"not a database at all" * 100), "is damaged"),
        ("bridge.db", lambda path: add_step(path), "newer version of the bridge"),
        ("demo-shop.db", lambda path: add_step(path), "newer version of the bridge"),
        ("bridge.db", lambda path: empty(path), "is damaged, or is not a database of the bridge"),
    ],
)
def test_an_unusable_backup_is_refused(backed_up, elsewhere, name, harm, message):
    """
    It is refused before anything is moved.
    """
    with opened(elsewhere):
        pass
    before = sorted(path.name for path in elsewhere.data_dir.iterdir())
    harm(backed_up / name)
    with pytest.raises(StartError, match=message):
        restore(elsewhere, backed_up, force=True)

    assert before == sorted(path.name for path in elsewhere.data_dir.iterdir())


def add_step(path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2030-01-01')")


def empty(path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE other (id INTEGER)")


def test_a_backup_needs_a_new_folder(backed_up, app, settings):
    """
    An earlier backup is not overwritten.
    """
    with pytest.raises(StartError, match="is not empty"):
        backup(settings, backed_up, with_key=False)


def test_a_failed_backup_leaves_nothing(app, settings, tmp_path):
    """
    A file that cannot be written gets a sentence, and no partial file is left.
    """
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"cannot be copied to .*: Not a directory") as refused:
        backup(settings, tmp_path / "file" / "b", with_key=False)

    assert "Errno" not in str(refused.value)


KEY = new_key()
VARIABLES = {
    "BRIDGE_BASE_URL": "https://old.example.com",
    "BRIDGE_SECRET_KEY": KEY,
    "BRIDGE_CHANNEL_FRIENDLY_NAME": r"a'b\c d",
}


@pytest.mark.parametrize("with_key", [False, True])
def test_the_settings_are_in_a_backup(app, settings, tmp_path, with_key):
    """
    As they were given, for the owner alone; a key among them is there only on request.
    """
    backup(replace(settings, secret_key=KEY), tmp_path / "b", with_key=with_key, variables=VARIABLES)
    file = tmp_path / "b" / "bridge.env"
    expected = {name: text for name, text in VARIABLES.items() if with_key or name != "BRIDGE_SECRET_KEY"}

    assert expected == given_variables({"BRIDGE_ENV_FILE": str(file)})
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)


def test_a_restore_names_the_settings_that_differ(backed_up, elsewhere, run, monkeypatch):
    """
    Their values stay those of this machine.
    """
    (backed_up / "bridge.env").write_text("BRIDGE_BASE_URL='https://old.example.com'\nBRIDGE_WORKERS='3'\n")
    monkeypatch.setenv("BRIDGE_DATA_DIR", str(elsewhere.data_dir))
    monkeypatch.setenv("BRIDGE_WORKERS", "3")

    assert "where these differ: BRIDGE_BASE_URL\n" in run("restore", str(backed_up))


def test_only_the_newest_backups_are_kept(run, linnworks, tmp_path, monkeypatch):
    """
    `backup --keep` deletes older ones, and no folder of another name.
    """
    moments = itertools.count(1)
    monkeypatch.setattr(clock, "now", lambda: datetime(2030, 1, next(moments), tzinfo=timezone.utc))
    folder = tmp_path / "backups"
    (folder / "mine").mkdir(parents=True)
    (folder / "20290101T000000Z").mkdir()  # of one that was interrupted
    outputs = [run("backup", str(folder), "--keep", "2") for _ in range(3)]
    listed = json.loads(run("restore", "--list", str(folder), "--json"))

    assert ["20300102T000000Z", "20300103T000000Z", "mine"] == sorted(path.name for path in folder.iterdir())
    assert "Deleted 20300101T000000Z" in outputs[2]
    assert {("1", "0001_initial", "no")} <= {(str(one["integrations"]), one["schema"], one["key"]) for one in listed}
    assert 2 == len(listed)


def test_a_backup_is_verified_without_restoring_it(run, backed_up, elsewhere, monkeypatch):
    """
    It is checked as for a restore, and nothing is written.
    """
    monkeypatch.setenv("BRIDGE_DATA_DIR", str(elsewhere.data_dir))
    verified = run("restore", "--verify", str(backed_up))
    (backed_up / "secret.key").unlink()
    refused = run("restore", "--verify", str(backed_up), status=2)

    assert "it can be restored" in verified
    assert "sealed with a key that is neither" in refused
    assert not elsewhere.data_dir.exists()


def test_a_damaged_backup_is_listed_as_such(run, backed_up):
    """
    With what is wrong.
    """
    (backed_up / "bridge.db").write_bytes(b"not a database at all" * 100)

    assert "is damaged" in run("restore", "--list", str(backed_up))


@pytest.mark.service
def test_a_backup_under_load_is_consistent(tmp_path):
    """
    Backups made while a service despatches and sets stock are consistent: after a restore, actions that were done stay
    done, and the others can be asked for again.
    """
    despatched: list[str] = []
    known: list[int] = []
    folders = [tmp_path / f"backup-{number}" for number in range(3)]
    with Service(tmp_path / "data") as service:
        linnworks = Linnworks(service.post, "load")
        linnworks.finish_wizard(shop_name="load", access_key="a key for the load")
        paid = [order["ReferenceNumber"] for order in linnworks.orders().values() if order["PaymentStatus"] == "PAID"]

        def load() -> None:
            for number, reference in enumerate(paid[:12]):
                linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "101-11", "Quantity": number}])
                answer = linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": reference}])
                if answer["Orders"][0]["Error"] is None:
                    despatched.append(reference)

        thread = threading.Thread(target=load)
        thread.start()
        for folder in folders:
            known.append(len(despatched))
            backup(Settings(data_dir=tmp_path / "data"), folder, with_key=True)
        thread.join()

    assert 12 == len(despatched)
    for folder, least in zip(folders, known, strict=True):
        with closing(sqlite3.connect(folder / "bridge.db")) as copy:
            done = {row[0] for row in copy.execute("SELECT reference FROM action WHERE state = 'done'")}
        assert set(despatched[:least]) <= done
    restored = tmp_path / "restored"
    restore(Settings(data_dir=restored), folders[1], force=False)
    with Service(restored) as service:
        linnworks._call = service.post
        again = [linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": one}])["Orders"][0] for one in despatched]

        # the one that was under way at that moment is leased for a while
        assert not [answer for answer in again if answer["Error"] and not answer["Retry"]]
        assert 11 <= len([answer for answer in again if answer["Error"] is None])


def test_postgresql_is_backed_up_with_its_own_tools(elsewhere, tmp_path):
    """
    A backup or restore on PostgreSQL is refused, and the message names the tools.
    """
    served = replace(elsewhere, database_url="postgresql://user:s3cret@127.0.0.1/bridge")
    for act in (lambda: backup(served, tmp_path, with_key=False), lambda: restore(served, tmp_path, force=True)):
        with pytest.raises(StartError, match="pg_dump") as refused:
            act()
        assert "s3cret" not in str(refused.value)


def test_the_commands_report_what_they_did(run, linnworks, settings, tmp_path, monkeypatch):
    """
    `linnworks-bridge backup` names its files and says that the key is missing; `restore` names the archive.
    """
    backed_up = run("backup", str(tmp_path / "b"))
    leave()
    refused = run("restore", str(tmp_path / "b"), status=2)
    restored = run("restore", str(tmp_path / "b"), "--force")

    assert "bridge.db, demo-shop.db" in backed_up
    assert "keep it in another place" in backed_up
    assert "--force" in refused
    assert "archive" in restored
    assert f"for: {linnworks.account_name}" in restored


def test_a_database_that_its_server_s_tools_restored_is_prepared_by_a_command(run, linnworks, monkeypatch):
    """
    `linnworks-bridge after-restore` forgets runs and the outbox, and names the integrations.
    """
    monkeypatch.setenv("BRIDGE_BIND", f"127.0.0.1:{free_port()}")
    linnworks.orders()
    enqueue(Connection.get(), "stock", [StockLevel(sku="101-12", reference="", quantity=5)], now=now(), until=now())
    leave()

    assert f"for: {linnworks.account_name}" in run("after-restore")
    assert [0, 0] == [table.select().count() for table in (OutboxBatch, PageCursor)]
