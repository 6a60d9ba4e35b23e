"""`linnworks-bridge woocommerce`: look a WooCommerce shop over."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bridge.cli.common import open_installed, show_table, the_connection
from bridge.clock import Deadline
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.channels.woocommerce import WooCommerceChannel
    from bridge.channels.woocommerce.catalogue import Entry


@click.group()
def woocommerce() -> None:
    """Look over the WooCommerce shop behind an integration."""


@woocommerce.command()
@click.argument("connection", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def doctor(connection: str | None, as_json: bool) -> None:
    """Try a shop out and check its whole catalogue; changes nothing.

    CONNECTION is an integration's number or account name, not needed where there is only one. Lists products
    that do not come to Linnworks (no SKU, a SKU that another has too, a variation with its parent's) and those
    whose stock WooCommerce does not count.

    Exit status: 0 all well, 1 products are left out or the shop cannot be worked with.
    """
    from bridge.channels.woocommerce.doctor import findings

    channel = _channel(connection)
    channel.about.try_out()
    click.echo(channel.about.facts(), err=as_json)
    entries = _catalogue(channel)
    found = list(findings(entries, channel.preferences.manage_stock))
    left_out = [finding for finding in found if finding.left_out]
    if as_json:
        click.echo(json.dumps({"products": len(entries), "findings": [asdict(finding) for finding in found]}, indent=2))
    else:
        rows = [
            (finding.product, finding.variation or "", finding.sku, finding.title, finding.words) for finding in found
        ]
        show_table(("Product", "Variation", "SKU", "Title", "What"), rows, "Every product has a SKU and its own stock.")
        click.echo(f"{len(entries)} products and variations, {len(left_out)} of them left out.")
    sys.exit(1 if left_out else 0)


def _channel(connection: str | None) -> WooCommerceChannel:
    from bridge.channels.woocommerce import WooCommerceChannel
    from bridge.store.connections import list_connections

    bridge = open_installed()
    rows = [the_connection(connection)] if connection else list_connections()
    if len(rows) != 1:
        names = ", ".join(row.account_name for row in rows) or "none yet"
        raise BridgeError(f"Say which integration is meant: {names}")
    if not rows[0].complete:
        raise BridgeError(f"{rows[0].account_name} has not finished its wizard yet")
    channel = bridge.channels.open(bridge.channels.config(rows[0]), Deadline(bridge.settings.budget_seconds))
    if not isinstance(channel, WooCommerceChannel):
        raise BridgeError(f"{rows[0].account_name} is not connected to a WooCommerce shop")
    return channel


def _catalogue(channel: WooCommerceChannel) -> list[Entry]:
    """All that the shop sells, each page in a time of its own, with a word on how far it is."""
    from bridge.channels.woocommerce.catalogue import read

    entries: list[Entry] = []
    cursor: str | None = None
    more = True
    while more:
        page = _afresh(channel)
        found, cursor = read(page.shop, cursor, page.preferences.hidden_products)
        entries += found
        more = cursor is not None
        if sys.stderr.isatty():
            click.echo(f"\r{len(entries)} products and variations read", err=True, nl=not more)
    return entries


def _afresh(channel: WooCommerceChannel) -> WooCommerceChannel:
    """The same shop with a whole budget ahead."""
    return type(channel)(channel.config, Deadline(channel.settings.budget_seconds), channel.settings)
