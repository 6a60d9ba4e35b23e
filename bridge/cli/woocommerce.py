"""`linnworks-bridge woocommerce`: check a WooCommerce shop."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from bridge.cli.output import print_document, say, show_table


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
    from bridge.channels.woocommerce import WooCommerceChannel
    from bridge.channels.woocommerce.doctor import findings, read_catalogue
    from bridge.channels.woocommerce.order_statuses import uncovered
    from bridge.cli.shop import open_channel, show_items_read

    channel = open_channel(connection, WooCommerceChannel)
    channel.shop_info.check()
    say(channel.shop_info.summary(), err=as_json)
    statuses = list(uncovered(channel.shop, channel.preferences))
    items = read_catalogue(channel, show_items_read)
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
