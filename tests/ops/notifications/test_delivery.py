"""The addresses of the owner can be tried, and the doctor says what is wrong with them."""

from __future__ import annotations

import sys

import pytest

from bridge.clock import now
from bridge.ops.doctor.notifications import notifications
from bridge.ops.notifications.delivery import labels, record_failures
from bridge.settings import Settings


@pytest.fixture
def doctor(app):
    """Return a function that gives the doctor's findings about these settings."""
    return lambda **settings: list(notifications(Settings(**settings), True))


def test_the_addresses_can_be_tried(run, inbox, monkeypatch):
    """
    `notify test` sends a message to each, and calls the dead man's switch.
    """
    monkeypatch.setenv("BRIDGE_NOTIFY", f"{inbox.address} {inbox.address}?x=1")
    monkeypatch.setenv("BRIDGE_PING_URL", inbox.ping_url)
    said = run("notify", "test")

    assert ["1 (json): sent", "2 (json): sent", "ping: sent"] == said.splitlines()
    assert ["Linnworks bridge: a test"] * 2 == inbox.titles
    assert 1 == inbox.pings


def test_an_address_that_fails_is_said(run, inbox, monkeypatch):
    """
    The command ends with 1, and adds what Apprise says.
    """
    inbox.status = 500
    monkeypatch.setenv("BRIDGE_NOTIFY", f"{inbox.address} nonsense://x")
    monkeypatch.setenv("BRIDGE_PING_URL", inbox.ping_url)
    said = run("notify", "test", status=1)

    assert "1 (json): it did not take the message" in said
    assert "2 (nonsense): it is not an address that Apprise knows" in said
    assert "ping: it answered 500" in said
    assert "error=500" in said


def test_without_an_address_it_is_said(run):
    """
    There is nothing to try.
    """
    assert "Neither BRIDGE_NOTIFY nor BRIDGE_PING_URL is set" in run("notify", "test", status=1)


def test_the_doctor_checks_the_addresses(doctor, inbox, monkeypatch):
    """
    It tells one that Apprise does not know, one that failed and since when, and that Apprise is missing.
    """
    none, good = doctor(), doctor(notify=(inbox.address,), ping_url=inbox.ping_url)
    (unknown,) = doctor(notify=("nonsense://x",))
    moment = now()
    record_failures({"1 (json)": "it did not take the message", "ping": "it answered 500", "2 (old)": "x"}, moment)
    failing = doctor(notify=(inbox.address,), ping_url=inbox.ping_url)
    monkeypatch.setitem(sys.modules, "apprise", None)
    missing = doctor(notify=(inbox.address,))[0]

    assert ["ok", "ok"] == [one.state.value for (one,) in (none, good)]
    assert "error" == unknown.state.value
    assert [("warning", moment)] * 2 == [(one.state.value, one.since) for one in failing]
    assert "pip install 'linnworks-bridge[notify]'" == missing.advice


def test_no_label_holds_a_secret():
    """
    An address is a secret, as it may hold a password or a topic.
    """
    settings = Settings(notify=("mailto://user:password@example.com",), ping_url="https://hc.example/uuid")

    assert ["1 (mailto)"] == list(labels(settings))
    assert "password" not in repr(settings)
    assert "uuid" not in repr(settings)
