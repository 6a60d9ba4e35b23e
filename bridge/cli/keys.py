"""`linnworks-bridge keys`: the keys that seal the shops' credentials."""

from __future__ import annotations

import click

from bridge.cli.common import open_installed
from bridge.cli.output import say


@click.group()
def keys() -> None:
    """Make and rotate the keys that seal the shops' credentials."""


@keys.command()
def new() -> None:
    """Print a new key for BRIDGE_SECRET_KEY."""
    from bridge.vault import new_key

    say(new_key())


@keys.command()
def rotate() -> None:
    """Seal everything with a new key, while the service runs.

    The key file then holds the new key and the previous one, which is accepted until the next rotation: after a leak,
    rotate twice. If the keys are in BRIDGE_SECRET_KEY, the first of them is the new one.
    """
    from bridge.store.connections import reseal
    from bridge.store.installation_facts import save_fact
    from bridge.vault import MARKER, rotation

    bridge = open_installed()
    with rotation(bridge.settings) as vault:
        save_fact(MARKER, vault.seal({}))
        unopened = reseal(vault.reencrypt)
    say("Everything is sealed with the new key.")
    if unopened:
        names = ", ".join(row.account_name for row in unopened)
        say(f"No key opens the credentials of {names}: have them entered again", err=True)
