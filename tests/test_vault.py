"""Only this installation's keys open what it has sealed."""

from __future__ import annotations

import stat

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet

from bridge.app import create_app
from bridge.cli import main
from bridge.errors import StartError
from bridge.settings import Settings
from bridge.store.connections import Connection, reseal
from bridge.store.database import close_store
from bridge.vault import KEY_FILE, Vault, digest, new_token, open_vault, rotation

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_is_sealed_can_be_opened_but_not_read():
    """
    The sealed text holds none of the values.
    """
    sealed = Vault(NEW).seal({"key": "s3cret"})

    assert "s3cret" not in sealed
    assert {"key": "s3cret"} == Vault(NEW).open(sealed)


@pytest.mark.parametrize(
    "text", ["", "nonsense", "Ж", pytest.param(Vault(OLD).seal({"a": "b"}), id="sealed with another key")]
)
def test_what_another_key_sealed_cannot_be_opened(text):
    """
    Empty texts, forged ones and those of another key are rejected.
    """
    assert Vault(NEW).open(text) is None


def test_an_old_key_behind_the_new_one_still_opens():
    """
    Keys are rotated by putting a new one in front.
    """
    assert {"a": "b"} == Vault(f"{NEW}, {OLD}").open(Vault(OLD).seal({"a": "b"}))


def test_the_key_file_is_created_once_and_only_its_owner_can_read_it(tmp_path):
    """
    The first start writes the key file with mode 0600, the next reads it.
    """
    settings = Settings(data_dir=tmp_path / "data")
    sealed = open_vault(settings).seal({"a": "b"})

    assert stat.S_IMODE((settings.data_dir / KEY_FILE).stat().st_mode) == 0o600
    assert {"a": "b"} == open_vault(settings).open(sealed)
    assert [KEY_FILE] == [path.name for path in settings.data_dir.iterdir()]


@pytest.mark.parametrize("key", ["short", "ä" * 44, "=" * 44])
def test_an_invalid_key_stops_the_start(tmp_path, key):
    """
    The message does not contain the key.
    """
    with pytest.raises(StartError, match="is not one that `linnworks-bridge keys new` made") as caught:
        open_vault(Settings(data_dir=tmp_path, secret_key=key))

    assert key not in str(caught.value)


def test_a_key_that_the_database_was_not_sealed_with_stops_the_start(tmp_path):
    """
    The message asks for the old key.
    """
    create_app(Settings(data_dir=tmp_path, secret_key=OLD))
    close_store()

    with pytest.raises(StartError, match="restore the old key"):
        create_app(Settings(data_dir=tmp_path, secret_key=NEW))


def test_a_missing_key_file_stops_the_start(tmp_path):
    """
    No new key is created for a database that was sealed with another; with the old key file the service starts.
    """
    settings = Settings(data_dir=tmp_path)
    create_app(settings)
    close_store()
    (tmp_path / KEY_FILE).rename(tmp_path / "elsewhere")

    with pytest.raises(StartError, match="is missing, and this database was sealed with it: restore it"):
        create_app(settings)
    assert not (tmp_path / KEY_FILE).exists()
    (tmp_path / "elsewhere").rename(tmp_path / KEY_FILE)
    create_app(settings)
    close_store()


@pytest.mark.parametrize("content", [b"", b"short", b"\xff\xfe", b"\x00" * 44])
def test_a_key_file_without_a_key_stops_the_start(tmp_path, content):
    """
    The message names the key, and the file is not changed.
    """
    (tmp_path / KEY_FILE).write_bytes(content)

    with pytest.raises(StartError, match="key"):
        create_app(Settings(data_dir=tmp_path))
    assert content == (tmp_path / KEY_FILE).read_bytes()
    close_store()


def test_only_the_owner_can_read_key_file_and_databases(settings):
    """
    They have mode 0600, and a wider mode is corrected at the next start.
    """
    for _ in range(2):
        create_app(settings).extensions["bridge"].worker.stop()
        close_store()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in settings.data_dir.iterdir()}
        assert KEY_FILE in modes
        assert {0o600} == set(modes.values())
        for path in settings.data_dir.iterdir():
            path.chmod(0o644)


# -- rotation ----------------------------------------------------------------------------------------------


def keys(settings: Settings) -> list[str]:
    return (settings.data_dir / KEY_FILE).read_text().strip().split(",")


def test_keys_are_rotated_under_a_running_service(app, run, settings, linnworks):
    """
    The service opens what was sealed before and after a rotation; two rotations later a key is gone.
    """
    vault = app.extensions["bridge"].vault
    sealed, token = Connection.get().sealed, vault.sign("client")
    first = keys(settings)
    output = run("keys", "rotate")
    second = keys(settings)
    resealed = Connection.get().sealed
    later = vault.seal({"a": "b"})

    assert "Everything is sealed with the new key." in output
    assert [second[0], *first] == second
    assert 0o600 == stat.S_IMODE((settings.data_dir / KEY_FILE).stat().st_mode)
    assert Vault(first[0]).open(sealed) == Vault(second[0]).open(resealed) == vault.open(sealed)
    assert Vault(first[0]).open(resealed) is None
    assert {"a": "b"} == Vault(second[0]).open(later)
    assert ["client"] == vault.verify(token, 60)
    assert linnworks("ConfigTestEndpoint")["Error"] is None

    run("keys", "rotate")
    assert second[0] == keys(settings)[1]
    assert len(keys(settings)) == 2
    assert vault.verify(token, 60) is None
    assert linnworks("ConfigTestEndpoint")["Error"] is None
    create_app(settings).extensions["bridge"].worker.stop()


def test_an_interrupted_rotation_loses_nothing(settings, linnworks):
    """
    Every key stays until everything is resealed, and the next rotation continues from there.
    """
    before = keys(settings)
    with pytest.raises(KeyboardInterrupt), rotation(settings):
        raise KeyboardInterrupt
    during = keys(settings)

    assert during[1:] == before
    assert linnworks("ConfigTestEndpoint")["Error"] is None
    with rotation(settings) as vault:
        assert 4 == len([*keys(settings), *before])
        assert [] == reseal(vault.reencrypt)
    assert during[0] == keys(settings)[1]
    assert linnworks("ConfigTestEndpoint")["Error"] is None


def test_what_the_wizard_stores_during_a_rotation_stays(app, settings, linnworks):
    """
    What was sealed with the previous key, and stored just after everything was resealed, can still be opened.
    """
    late = app.extensions["bridge"].vault.seal({"access_key": "new"})
    with rotation(settings) as vault:
        reseal(vault.reencrypt)
        Connection.update(sealed=late).execute()

    assert {"access_key": "new"} == app.extensions["bridge"].vault.open(late) == open_vault(settings).open(late)


def test_credentials_that_no_key_opens_are_reported(run, connect):
    """
    They stay unchanged, and the operator reads whose credentials have to be entered again.
    """
    connect("lost")
    connect("intact")
    lost = Vault(OLD).seal({"access_key": "x"})
    Connection.update(sealed=lost).where(Connection.account_name == "Account of lost").execute()
    output = run("keys", "rotate")

    assert "No key opens the credentials of Account of lost" in output
    assert "intact" not in output
    assert lost == Connection.get(Connection.account_name == "Account of lost").sealed


def test_keys_in_the_environment_are_rotated_by_the_operator(tmp_path, monkeypatch):
    """
    With a new key in front everything is resealed with it; with a single key the command says what to do first.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRIDGE_DATA_DIR", str(tmp_path))
    results = []
    for setting in (OLD, f"{NEW},{OLD}"):
        monkeypatch.setenv("BRIDGE_SECRET_KEY", setting)
        create_app(Settings(data_dir=tmp_path, secret_key=setting)).extensions["bridge"].worker.stop()
        results.append(CliRunner().invoke(main, ["keys", "rotate"]))

    assert [2, 0] == [result.exit_code for result in results]
    assert "put one from `linnworks-bridge keys new` in front of it" in results[0].output
    create_app(Settings(data_dir=tmp_path, secret_key=NEW)).extensions["bridge"].worker.stop()
    assert not (tmp_path / KEY_FILE).exists()
    close_store()


def test_a_running_service_survives_the_loss_of_its_key_file(tmp_path):
    """
    With a missing file, or one without a key, a process keeps the keys it has.
    """
    vault = open_vault(Settings(data_dir=tmp_path))
    sealed = vault.seal({"a": "b"})
    (tmp_path / KEY_FILE).write_text("nonsense")
    damaged = vault.open(sealed)
    (tmp_path / KEY_FILE).unlink()

    assert {"a": "b"} == damaged == vault.open(sealed)


def test_sealed_texts_and_signed_tokens_are_not_interchangeable():
    """
    A sealed text is no valid token, and a token is no sealed text.
    """
    vault = Vault(NEW)

    assert vault.open(vault.sign("a", "b")) is None
    assert vault.verify(vault.seal({"a": "b"}), 60) is None
    assert ["a", "b"] == vault.verify(vault.sign("a", "b"), 60)


def test_tokens_are_random_and_stored_as_digests():
    """
    A token has 128 random bits, and its digest does not contain it.
    """
    token = new_token()

    assert 128 == len(bytes.fromhex(token)) * 8
    assert token != new_token()
    assert token not in digest(token)
