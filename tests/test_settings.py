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


def test_nothing_set_means_the_defaults():
    """
    An empty environment gives the embedded shop on SQLite at 127.0.0.1:8080.
    """
    settings = load_settings({})

    assert Settings() == settings
    assert "http://127.0.0.1:8080" == settings.url
    assert settings.database.startswith("sqlite:////")


def test_the_environment_wins_over_the_env_file(tmp_path):
    """
    bridge.env is read, quotes and comments too; a variable of the environment overrides it.
    """
    Path("bridge.env").write_text("# ours\nBRIDGE_THREADS=4\nBRIDGE_CHANNEL_FRIENDLY_NAME='Tea $HOP'\n")
    settings = load_settings({"BRIDGE_THREADS": "8"})

    assert (8, "Tea $HOP") == (settings.threads, settings.channel_friendly_name)


def test_an_env_file_that_is_named_must_exist():
    """
    A missing BRIDGE_ENV_FILE is an error, not silence.
    """
    with pytest.raises(StartError, match=r"BRIDGE_ENV_FILE names nowhere\.env"):
        load_settings({"BRIDGE_ENV_FILE": "nowhere.env"})


def test_an_env_file_that_is_no_text_is_refused():
    """
    Bytes that are not UTF-8 are told in a sentence.
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
        ("BRIDGE_DATA_DIR", "~nobody-of-this-name/data"),
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


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"BRIDGE_OAUTH_CLIENT_ID": "us"}, "make a client with `linnworks-bridge oauth create`"),
        ({"BRIDGE_LOGO": "nowhere.png"}, "not a file"),
    ],
)
def test_values_that_do_not_fit_together_stop_the_start(environ, words):
    """
    Rules over several settings are checked too.
    """
    with pytest.raises(StartError, match=words):
        load_settings(environ)


def test_a_misspelt_variable_is_pointed_out():
    """
    A BRIDGE_ variable that means nothing is told, with the likeliest one.
    """
    assert unknown_variables(
        {"BRIDGE_CHANEL": "demo", "BRIDGE_TEST_ANYTHING": "1", "BRIDGE_THREADS": "2", "PATH": "/"}
    ) == ["BRIDGE_CHANEL is no setting; did you mean BRIDGE_CHANNEL?"]


def test_secret_settings_do_not_show():
    """
    The repr of the settings holds no key, secret or database password.
    """
    shown = repr(Settings(secret_key="s3", database_url="postgresql://u:s3@h/d"))

    assert "s3" not in shown


def test_every_setting_says_what_it_means_in_the_readme():
    """
    The README's table has a row for each setting: variable, default and meaning.
    """
    readme = Path(__file__).parent.parent.joinpath("README.md").read_text(encoding="utf-8")
    rows = [
        f"| `{variable(field)}` | {_shown(field.default)} | {field.metadata['meaning']} |"
        for field in dataclasses.fields(Settings)
    ]

    assert [] == [row for row in rows if row not in readme]


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`" if default not in ("", None, ()) else ""
