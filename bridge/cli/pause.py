"""`linnworks-bridge pause` and `resume`: stop kinds of work of an integration, and go on with them."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bridge.cli.common import open_installed, the_connection
from bridge.cli.output import say
from bridge.clock import now

KINDS = ("orders", "stock", "prices", "despatch", "cancel", "refund", "listings")


@click.command()
@click.argument("connection")
@click.argument("kinds", nargs=-1, metavar="[KIND]...", type=click.Choice(KINDS))
def pause(connection: str, kinds: Sequence[str]) -> None:
    """Pause kinds of work of an integration, by its number or account name: all of them unless some are named.

    KIND is orders, stock, prices, despatch, cancel, refund or listings. Linnworks gets an Error that says so, and
    asks again. Stock levels and prices are kept, and pushed after `linnworks-bridge resume`.
    """
    from bridge.sync import pauses

    open_installed()
    found = the_connection(connection)
    pauses.pause(found, kinds or KINDS, now())
    _show(connection)


@click.command()
@click.argument("connection")
@click.argument("kinds", nargs=-1, metavar="[KIND]...", type=click.Choice(KINDS))
def resume(connection: str, kinds: Sequence[str]) -> None:
    """Resume kinds of work of an integration: all of them unless some are named."""
    from bridge.sync import pauses

    open_installed()
    found = the_connection(connection)
    pauses.resume(found, kinds or KINDS, now())
    _show(connection)


def _show(connection: str) -> None:
    from bridge.sync import pauses

    found = the_connection(connection)
    for kind, since in pauses.paused_since(found).items():
        say(f"{pauses.describe(kind, since)} for {found.account_name}.")
    if not found.paused:
        say(f"Nothing is paused for {found.account_name}.")
