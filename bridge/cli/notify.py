"""`linnworks-bridge notify`: who is told of trouble."""

from __future__ import annotations

import os

import click

from bridge.cli.output import say
from bridge.errors import BridgeError
from bridge.settings import load_settings


@click.group()
def notify() -> None:
    """Try the addresses that are told of trouble."""


@notify.command()
def test() -> None:
    """Send a message to each address in BRIDGE_NOTIFY, and call BRIDGE_PING_URL.

    Exit status: 1 if one did not take it.
    """
    from bridge.ops.notifications.delivery import ping, send, words_of_apprise

    settings = load_settings(os.environ)
    if not settings.notify and not settings.ping_url:
        raise BridgeError("Neither BRIDGE_NOTIFY nor BRIDGE_PING_URL is set: see docs/settings.md")
    with words_of_apprise() as words:
        body = f"This is a test: {settings.url} would tell you of trouble here, and of its end."
        problems = send(settings, "Linnworks bridge: a test", body)
    if settings.ping_url:
        problems["ping"] = ping(settings)
    for label, problem in problems.items():
        say(f"{label}: {problem or 'sent'}")
    for line in words:
        say(f"  {line}")
    if any(problems.values()):
        raise BridgeError("Not every address took the message")
