"""`linnworks-bridge woocommerce`: check a WooCommerce shop."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bridge.cli.common import open_installed, the_connection
from bridge.cli.output import print_document, say, show_progress, show_table
from bridge.clock import Deadline
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.channels.woocommerce import WooCommerceChannel


@click.group()
def woocommerce() -> None:
    """Check the WooCommerce shop of an integration."""


@woocommerce.command()
@click.argument("connection", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def doctor(connection: str | None, as_json: bool) -> None:
    """Check a shop, its order statuses and its whole catalogue; changes nothing.

    CONNECTION is an integration's number or account name, not needed if there is only one. Lists products
    that do not come to Linnworks (no SKU, a SKU that another product has too, a variation with its parent's SKU)
    and products whose stock WooCommerce does not manage, and names order statuses that the settings do not cover.

    Exit status: 0 everything is fine, 1 products are left out or the shop does not work.
    """
    from bridge.channels.woocommerce.doctor import findings, read_catalogue
    from bridge.channels.woocommerce.order_statuses import uncovered

    channel = _channel(connection)
    channel.shop_info.check()
    say(channel.shop_info.summary(), err=as_json)
    statuses = list(uncovered(channel.shop, channel.preferences))
    items = read_catalogue(channel, _show_progress)
    found = list(findings(items, channel.preferences))
    left_out = [finding for finding in found if finding.left_out]
    if as_json:
        shown = [asdict(finding) for finding in found]
        print_document(json.dumps({"products": len(items), "findings": shown, "statuses": statuses}, indent=2))
    else:
        for message in statuses:
            say(message)
        rows = [
            (finding.product, finding.variation or "", finding.sku, finding.title, finding.message) for finding in found
        ]
        columns = ("Product", "Variation", "SKU", "Title", "Problem")
        show_table(columns, rows, "Every product has a SKU and its own stock.")
        say(f"{len(items)} products and variations, {len(left_out)} of them left out.")
    sys.exit(1 if left_out else 0)


def _channel(connection: str | None) -> WooCommerceChannel:
    from bridge.channels.woocommerce import WooCommerceChannel
    from bridge.store.connections import list_connections

    bridge = open_installed()
    rows = [the_connection(connection)] if connection else list_connections()
    if len(rows) != 1:
        names = ", ".join(row.account_name for row in rows) or "none yet"
        raise BridgeError(f"Name the integration: {names}")
    if not rows[0].complete:
        raise BridgeError(f"{rows[0].account_name} has not finished its wizard yet")
    channel = bridge.channels.open_for(rows[0], Deadline(bridge.settings.budget_seconds))
    if not isinstance(channel, WooCommerceChannel):
        raise BridgeError(f"{rows[0].account_name} is not connected to a WooCommerce shop")
    return channel


def _show_progress(items: int, is_last: bool) -> None:
    if sys.stderr.isatty():
        show_progress(f"{items} products and variations read", done=is_last)
