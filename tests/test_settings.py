"""Settings come from the environment; a wrong one stops the start with a sentence."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bridge.errors import StartError
from bridge.settings import Settings, load_settings, unknown_variables, variable


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A current folder without an env file."""
    monkeypatch.chdir(tmp_path)


def test_an_empty_environment_gives_the_defaults():
    """
    They are the embedded shop, SQLite, and 127.0.0.1:8080.
    """
    settings = load_settings({})

    assert Settings() == settings
    assert "http://127.0.0.1:8080" == settings.url
    assert settings.database.startswith("sqlite:////")


def test_the_environment_overrides_the_env_file(tmp_path):
    """
    bridge.env may have quotes and comments; a variable in the environment overrides it.
    """
    Path("bridge.env").write_text("# ours\nBRIDGE_THREADS=4\nBRIDGE_CHANNEL_FRIENDLY_NAME='Tea $HOP'\n")
    settings = load_settings({"BRIDGE_THREADS": "8"})

    assert (8, "Tea $HOP") == (settings.threads, settings.channel_friendly_name)


def test_a_named_env_file_must_exist():
    """
    A missing BRIDGE_ENV_FILE is an error.
    """
    with pytest.raises(StartError, match=r"BRIDGE_ENV_FILE names nowhere\.env"):
        load_settings({"BRIDGE_ENV_FILE": "nowhere.env"})


def test_an_env_file_that_is_not_text_is_refused():
    """
    Bytes that are not UTF-8 get a sentence.
    """
    Path("bridge.env").write_bytes(b"\xff\xfe")
    with pytest.raises(StartError, match="cannot be read as text"):
        load_settings({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BRIDGE_THREADS", "many"),
        ("BRIDGE_THREADS", "0"),
        ("BRIDGE_BUDGET_SECONDS", "10"),
        ("BRIDGE_ALLOW_PRIVATE_SHOPS", "perhaps"),
        ("BRIDGE_BASE_URL", "bridge.example.com"),
        ("BRIDGE_DATABASE_URL", "mysql://root@localhost/x"),
        ("BRIDGE_BIND", "8080"),
        ("BRIDGE_BIND", "127.0.0.1:99999"),
        ("BRIDGE_DATABASE_URL", "sqlite:///:memory:"),
        ("BRIDGE_DATA_DIR", "~no-such-user/data"),
        ("BRIDGE_CHANNEL", "../shop"),
        ("BRIDGE_CHANNEL_NAME", "my shop"),
        ("BRIDGE_LOG_LEVEL", "LOUD"),
        ("BRIDGE_TRUSTED_PROXIES", "caddy"),
        ("BRIDGE_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("BRIDGE_POST_SALE_OPTIONS_NAME", "Other"),
    ],
)
def test_a_wrong_value_stops_the_start_with_a_sentence(name, value):
    """
    The sentence names the variable and what it must be.
    """
    with pytest.raises(StartError, match=f"{name} must be "):
        load_settings({name: value})


def test_a_logo_that_does_not_exist_stops_the_start():
    """
    BRIDGE_LOGO must name a file.
    """
    with pytest.raises(StartError, match="not a file"):
        load_settings({"BRIDGE_LOGO": "nowhere.png"})


def test_a_misspelt_variable_gets_a_warning():
    """
    An unknown BRIDGE_ variable is reported, with the setting it resembles.
    """
    assert unknown_variables(
        {"BRIDGE_CHANEL": "demo", "BRIDGE_TEST_ANYTHING": "1", "BRIDGE_THREADS": "2", "PATH": "/"}
    ) == ["BRIDGE_CHANEL is not a setting; did you mean BRIDGE_CHANNEL?"]


def test_the_repr_has_no_secrets():
    """
    The repr of the settings has no key, secret or database password.
    """
    shown = repr(Settings(secret_key="s3", database_url="postgresql://u:s3@h/d"))

    assert "s3" not in shown


def test_every_setting_is_documented():
    """
    docs/settings.md has a row for each setting: variable, default and meaning.
    """
    page = Path(__file__).parent.parent.joinpath("docs/settings.md").read_text(encoding="utf-8")
    rows = [
        f"| `{variable(field)}` | {_shown(field.default)} | {field.metadata['meaning']} |"
        for field in dataclasses.fields(Settings)
    ]

    assert [] == [row for row in rows if row not in page]


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`" if default not in ("", None, ()) else ""
