"""Secrets can be opened again by this installation, and by nobody else."""

from __future__ import annotations

import stat

import pytest
from cryptography.fernet import Fernet

from bridge.app import create_app
from bridge.errors import StartError
from bridge.settings import Settings
from bridge.store.database import close_store
from bridge.vault import KEY_FILE, Vault, digest, new_token, open_vault

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_is_sealed_can_be_opened_but_not_read():
    """
    The sealed text holds none of the values.
    """
    sealed = Vault(NEW).seal({"key": "s3cret"})

    assert "s3cret" not in sealed
    assert {"key": "s3cret"} == Vault(NEW).open(sealed)


@pytest.mark.parametrize("text", ["", "nonsense", "Ж", Vault(OLD).seal({"a": "b"})])
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
    with pytest.raises(StartError, match="is not one that `bridge key` made") as caught:
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


def test_tokens_are_random_and_only_their_digest_is_kept():
    """
    A token has 128 random bits, and its digest does not tell it.
    """
    token = new_token()

    assert 128 == len(bytes.fromhex(token)) * 8
    assert token != new_token()
    assert token not in digest(token)
