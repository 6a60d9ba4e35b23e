"""`linnworks-bridge medusa`: check a Medusa shop."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from bridge.cli.output import print_document, say, show_table


@click.group()
def medusa() -> None:
    """Check the Medusa shop of an integration."""


@medusa.command()
@click.argument("connection", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def doctor(connection: str | None, as_json: bool) -> None:
    """Check a shop, what its settings name and its whole catalogue; changes nothing.

    CONNECTION is an integration's number or account name, not needed if there is only one. Lists variants
    that do not come to Linnworks (no SKU), those whose stock is not counted, that have no inventory item or no
    level at the location, kits, and those without a price in the currency of products. Says how many are not
    published or in other sales channels, and names locations, regions and price lists that are gone.

    Exit status: 0 everything is fine, 1 variants are left out, settings name what is gone or the shop does not work.
    """
    from bridge.channels.medusa import MedusaChannel
    from bridge.channels.medusa.doctor import findings, gone, not_for_sale, read_catalogue
    from bridge.cli.shop import open_channel, show_items_read

    channel = open_channel(connection, MedusaChannel)
    channel.shop_info.check()
    say(channel.version(), err=as_json)
    settings = list(gone(channel.shop, channel.preferences))
    rows = read_catalogue(channel, show_items_read)
    found = list(findings(rows, channel.preferences))
    left_out = [finding for finding in found if finding.left_out]
    others = not_for_sale(rows, channel.preferences)
    if as_json:
        document = {
            "variants": len(rows),
            "findings": [asdict(finding) for finding in found],
            "not_for_sale": dict(others),
            "settings": settings,
        }
        print_document(json.dumps(document, indent=2))
    else:
        for message in settings:
            say(message)
        cells = [(finding.product, finding.variant, finding.sku, finding.title, finding.message) for finding in found]
        columns = ("Product", "Variant", "SKU", "Title", "Problem")
        show_table(columns, cells, "Every variant that is for sale has a SKU, a price and a level of its own.")
        for reason, count in others.items():
            say(f"{count} variants do not come: {reason[0].lower()}{reason[1:]}.")
        say(f"{len(rows)} variants, {len(left_out)} of those for sale left out.")
    sys.exit(1 if left_out or settings else 0)
