"""Secrets can be opened again by this installation, and by nobody else."""

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


@pytest.mark.parametrize("text", ["", "nonsense", "Ж", pytest.param(Vault(OLD).seal({"a": "b"}), id="of another key")])
def test_what_another_key_sealed_cannot_be_opened(text):
    """
    Forged, foreign and empty texts open to nothing.
    """
    assert Vault(NEW).open(text) is None


def test_an_old_key_behind_the_new_one_still_opens():
    """
    Keys are rotated by putting a new one in front.
    """
    assert {"a": "b"} == Vault(f"{NEW}, {OLD}").open(Vault(OLD).seal({"a": "b"}))


def test_the_key_file_is_made_once_and_is_its_owner_s_only(tmp_path):
    """
    The first start writes the key file with mode 0600, the next reads it.
    """
    settings = Settings(data_dir=tmp_path / "data")
    sealed = open_vault(settings).seal({"a": "b"})

    assert stat.S_IMODE((settings.data_dir / KEY_FILE).stat().st_mode) == 0o600
    assert {"a": "b"} == open_vault(settings).open(sealed)
    assert [KEY_FILE] == [path.name for path in settings.data_dir.iterdir()]


@pytest.mark.parametrize("key", ["short", "ä" * 44, "=" * 44])
def test_a_key_that_is_none_stops_the_start(tmp_path, key):
    """
    A malformed key is told in a sentence that does not repeat it.
    """
    with pytest.raises(StartError, match="is not one that `linnworks-bridge keys new` made") as caught:
        open_vault(Settings(data_dir=tmp_path, secret_key=key))

    assert key not in str(caught.value)


def test_another_key_than_the_database_s_stops_the_start(tmp_path):
    """
    A database is opened only with the key that it was sealed with.
    """
    create_app(Settings(data_dir=tmp_path, secret_key=OLD))
    close_store()

    with pytest.raises(StartError, match="put the old key back"):
        create_app(Settings(data_dir=tmp_path, secret_key=NEW))


def test_a_missing_key_file_stops_the_start(tmp_path):
    """
    No new key is made for a database that was sealed with another; the old one put back, all is well.
    """
    settings = Settings(data_dir=tmp_path)
    create_app(settings)
    close_store()
    (tmp_path / KEY_FILE).rename(tmp_path / "elsewhere")

    with pytest.raises(StartError, match="is missing, and this database was sealed with it: put it back"):
        create_app(settings)
    assert not (tmp_path / KEY_FILE).exists()
    (tmp_path / "elsewhere").rename(tmp_path / KEY_FILE)
    create_app(settings)
    close_store()


@pytest.mark.parametrize("content", [b"", b"short", b"\xff\xfe", b"\x00" * 44])
def test_a_key_file_that_holds_no_key_stops_the_start(tmp_path, content):
    """
    It is told in a sentence, and the file stays as it is.
    """
    (tmp_path / KEY_FILE).write_bytes(content)

    with pytest.raises(StartError, match="key"):
        create_app(Settings(data_dir=tmp_path))
    assert content == (tmp_path / KEY_FILE).read_bytes()
    close_store()


def test_what_holds_secrets_is_its_owner_s_only(settings):
    """
    Key file and databases have mode 0600, also where somebody had loosened it.
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
    The service goes on with what it sealed before and after; the key before the last is forgotten.
    """
    vault = app.extensions["bridge"].vault
    sealed, token = Connection.get().sealed, vault.sign("client")
    first = keys(settings)
    said = run("keys", "rotate")
    second = keys(settings)
    resealed = Connection.get().sealed
    later = vault.seal({"a": "b"})

    assert "Everything is sealed with the new key." in said
    assert [second[0], *first] == second
    assert 0o600 == stat.S_IMODE((settings.data_dir / KEY_FILE).stat().st_mode)
    assert Vault(first[0]).open(sealed) == Vault(second[0]).open(resealed) == vault.open(sealed)
    assert Vault(first[0]).open(resealed) is None
    assert {"a": "b"} == Vault(second[0]).open(later)
    assert ["client"] == vault.signed(token, 60)
    assert linnworks("ConfigTestEndpoint")["Error"] is None

    run("keys", "rotate")
    assert second[0] == keys(settings)[1]
    assert len(keys(settings)) == 2
    assert vault.signed(token, 60) is None
    assert linnworks("ConfigTestEndpoint")["Error"] is None
    create_app(settings).extensions["bridge"].worker.stop()


def test_a_rotation_that_breaks_off_loses_nothing(settings, linnworks):
    """
    Until everything is sealed anew every key stays, and the next rotation goes on from there.
    """
    before = keys(settings)
    with pytest.raises(KeyboardInterrupt), rotation(settings):
        raise KeyboardInterrupt
    during = keys(settings)

    assert during[1:] == before
    assert linnworks("ConfigTestEndpoint")["Error"] is None
    with rotation(settings) as vault:
        assert 4 == len([*keys(settings), *before])
        assert [] == reseal(vault.renewed)
    assert during[0] == keys(settings)[1]
    assert linnworks("ConfigTestEndpoint")["Error"] is None


def test_what_the_wizard_stores_during_a_rotation_stays(app, settings, linnworks):
    """
    What was sealed with the key before, and stored a moment after everything was sealed anew, can be opened.
    """
    late = app.extensions["bridge"].vault.seal({"access_key": "new"})
    with rotation(settings) as vault:
        reseal(vault.renewed)
        Connection.update(sealed=late).execute()

    assert {"access_key": "new"} == app.extensions["bridge"].vault.open(late) == open_vault(settings).open(late)


def test_what_no_key_opens_is_told(run, connect):
    """
    It stays as it is, and the operator hears whose credentials have to be entered again.
    """
    connect("lost")
    connect("kept")
    lost = Vault(OLD).seal({"access_key": "x"})
    Connection.update(sealed=lost).where(Connection.account_name == "Account of lost").execute()
    said = run("keys", "rotate")

    assert "have the credentials of Account of lost entered again" in said
    assert "kept" not in said
    assert lost == Connection.get(Connection.account_name == "Account of lost").sealed


def test_keys_in_the_environment_are_rotated_by_the_operator(tmp_path, monkeypatch):
    """
    With a new key in front, everything is sealed with that; with a single key the command says what to do first.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRIDGE_DATA_DIR", str(tmp_path))
    results = []
    for setting in (OLD, f"{NEW},{OLD}"):
        monkeypatch.setenv("BRIDGE_SECRET_KEY", setting)
        create_app(Settings(data_dir=tmp_path, secret_key=setting)).extensions["bridge"].worker.stop()
        results.append(CliRunner().invoke(main, ["keys", "rotate"]))

    assert [2, 0] == [result.exit_code for result in results]
    assert "put one of `linnworks-bridge keys new` in front of it" in results[0].output
    create_app(Settings(data_dir=tmp_path, secret_key=NEW)).extensions["bridge"].worker.stop()
    assert not (tmp_path / KEY_FILE).exists()
    close_store()


def test_a_key_file_that_is_lost_under_a_running_service_harms_nothing(tmp_path):
    """
    Neither a missing file nor one without a key makes a process forget the keys it has.
    """
    vault = open_vault(Settings(data_dir=tmp_path))
    sealed = vault.seal({"a": "b"})
    (tmp_path / KEY_FILE).write_text("nonsense")
    damaged = vault.open(sealed)
    (tmp_path / KEY_FILE).unlink()

    assert {"a": "b"} == damaged == vault.open(sealed)


def test_sealed_is_not_signed():
    """
    What was sealed passes for no token, and a token opens to no values.
    """
    vault = Vault(NEW)

    assert vault.open(vault.sign("a", "b")) is None
    assert vault.signed(vault.seal({"a": "b"}), 60) is None
    assert ["a", "b"] == vault.signed(vault.sign("a", "b"), 60)


def test_tokens_are_random_and_only_their_digest_is_kept():
    """
    A token has 128 random bits, and its digest does not tell it.
    """
    token = new_token()

    assert 128 == len(bytes.fromhex(token)) * 8
    assert token != new_token()
    assert token not in digest(token)
