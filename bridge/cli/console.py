"""`linnworks-bridge console`: the password of the pages at /console."""

from __future__ import annotations

import sys

import click

from bridge.cli.common import open_installed
from bridge.cli.output import say


@click.group()
def console() -> None:
    """Turn the console on or off: read-only pages at /console that show what works and what does not."""


@console.command()
def password() -> None:
    """Set the password of the console, which turns it on.

    Asks for it on a terminal, and reads the first line of standard input otherwise. It is stored as a slow hash; a new
    one ends all sessions.
    """
    from bridge.ops.console.access import set_password

    bridge = open_installed()
    if sys.stdin.isatty():
        given = click.prompt("New password of the console", hide_input=True, confirmation_prompt=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    set_password(given)
    say(f"The console is on at {bridge.settings.url}/console.")


@console.command()
def off() -> None:
    """Turn the console off, and forget its password."""
    from bridge.ops.console.access import turn_off

    open_installed()
    turn_off()
    say("The console is off.")
