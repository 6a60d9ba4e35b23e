"""`linnworks-bridge keys`: the keys that seal the shops' credentials."""

from __future__ import annotations

import click

from bridge.cli.common import is_installed, no_installation, open_installed, own_settings, require_free_address
from bridge.cli.output import confirm, say


@click.group()
def keys() -> None:
    """Make, rotate and replace the keys that seal the shops' credentials."""


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


@keys.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(yes: bool) -> None:
    """Begin with a new key because the old one is lost for good; stop the service first.

    The sealed credentials are dropped, and each seller is asked for them again in Linnworks. Tokens, settings, the
    record of despatches, cancels and refunds, and what waits stay. A key in BRIDGE_SECRET_KEY must be a new one, from
    `keys new`.
    """
    from bridge.ops.lost_key import forget_key

    settings = own_settings()
    if not is_installed(settings):
        raise no_installation(settings)
    require_free_address(settings.bind)
    if not yes:
        confirm("Drop all stored credentials of the shops, so that the sellers have to enter them again?")
    forgotten = forget_key(settings)
    say("The installation has a new key: keep a copy of it in another place, then start the service.")
    if forgotten.archive:
        say(f"What was there before is in {forgotten.archive}, in case the old key is found")
    if forgotten.integrations:
        say(f"Linnworks asks for the credentials when these are opened there: {', '.join(forgotten.integrations)}")
