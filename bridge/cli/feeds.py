"""`linnworks-bridge feeds`: listings to create, change or delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bridge.cli.common import (
    connection_option,
    format_time,
    json_option,
    limit_option,
    number_of,
    open_installed,
    require,
)
from bridge.cli.output import say, show_table
from bridge.clock import now
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.store.feeds import FeedItem


@click.group()
def feeds() -> None:
    """Manage the listings that the shop has to create, change or delete."""


@feeds.command("list")
@click.option("--all", "everything", is_flag=True, help="Include listings that are done.")
@click.option("--sku", default="", help="Only this SKU.")
@connection_option
@json_option
@limit_option
def list_(everything: bool, sku: str, connection: str | None, as_json: bool, limit: int) -> None:
    """List listings that wait or are set aside, the oldest first."""
    from bridge.store.feeds import list_items

    open_installed()
    rows = [
        (item.id, item.connection.account_name, item.feed_id, item.action, _sku(item.listing),
         _state(item), item.attempts, item.error)
        for item in list_items(limit, with_done=everything, connection=number_of(connection), sku=sku)
    ]  # fmt: skip
    columns = ("No", "Integration", "Feed", "Action", "SKU", "State", "Attempts", "Last error")
    show_table(columns, rows, "No such listing." if sku or connection else "No listing waits.", as_json=as_json)


@feeds.command()
@click.argument("number", type=int)
def retry(number: int) -> None:
    """Have a listing tried at once that waits or is set aside."""
    from bridge.store.feeds import find_item, retry_item

    open_installed()
    if not retry_item(require(find_item(number), f"listing {number}"), now()):
        raise BridgeError(f"Listing {number} is done already")
    say(f"Listing {number} is due now.")


@feeds.command()
@click.argument("number", type=int)
def drop(number: int) -> None:
    """Give up a listing that waits or is set aside; CheckFeed then reports that."""
    from bridge.store.feeds import find_item
    from bridge.sync.feeds import give_up

    open_installed()
    if not give_up(require(find_item(number), f"listing {number}"), "Given up by the operator"):
        raise BridgeError(f"Listing {number} is done already, or under way")
    say(f"Dropped listing {number}.")


def _sku(listing: dict[str, Any]) -> str:
    return str(listing.get("SKU") or listing.get("ChannelSKU") or "")


def _state(item: FeedItem) -> str:
    if not item.done:
        return f"next try {format_time(item.next_at)}"
    if item.set_aside:
        return "failed, set aside"
    return "failed" if item.failed else "done"
