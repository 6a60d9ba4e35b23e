"""`linnworks-bridge orders`, `actions`, `feeds`, `outbox`: what is held, under way or failing, and what to do."""

from __future__ import annotations

from typing import TypeVar

import click

from bridge.cli.common import opened, show_table, the_connection, when
from bridge.clock import Deadline, now
from bridge.errors import BridgeError, ChannelError

Found = TypeVar("Found")

limit_option = click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many.")


@click.group()
def orders() -> None:
    """Find out why an order is not in Linnworks."""


@orders.command()
def held() -> None:
    """List orders that Linnworks would refuse, with what to mend in the shop.

    They are offered again on every run, until they pass.
    """
    from bridge.store.orders import held_orders

    opened()
    rows = [
        (row.connection.account_name, row.reference, when(row.held_since), when(row.checked_at), row.hold_reason)
        for row in held_orders()
    ]
    show_table(("Integration", "Order", "Held since", "Last looked at", "Why"), rows, "No order is held.")


@orders.command()
@click.argument("reference")
@click.option("--connection", metavar="CONNECTION", help="Only this integration, by number or account name.")
def why(reference: str, connection: str | None) -> None:
    """Tell the life of an order by its REFERENCE number, or why it is not there.

    Asks the shop for the order as well.
    """
    from bridge.store.connections import list_connections

    bridge = opened()
    rows = [the_connection(connection)] if connection else list_connections()
    if not rows:
        raise BridgeError("There is no integration")
    for row in rows:
        click.echo(f"{row.account_name}:")
        for line in _life(row.id, reference):
            click.echo(f"  {line}")
        if not row.complete:
            click.echo("  Its wizard is not finished, so the shop was not asked.")
            continue
        try:
            channel = bridge.channels.open(bridge.channels.config(row), Deadline(bridge.settings.budget_seconds))
            order = channel.order(reference)
            status = f"has it, {order.payment_status.name}" if order else "has no such order"
        except ChannelError as error:
            status = f"cannot be asked: {error}"
        click.echo(f"  The shop {status}.")


def _life(connection_id: int, reference: str) -> list[str]:
    from bridge.store.actions import actions_of_order
    from bridge.store.orders import seen_order
    from bridge.store.paging import last_paging_run

    lines = []
    seen = seen_order(connection_id, reference)
    if seen is None:
        run = last_paging_run(connection_id, "orders")
        looked = f"Linnworks last asked for orders at {when(run.asked_at)} UTC" if run else "Linnworks never asked"
        lines.append(f"The shop has not shown it on any page yet. {looked}.")
    else:
        lines.append(f"{when(seen.first_seen_at)} first seen")
        if seen.offers:
            lines.append(f"{when(seen.offered_at)} last sent to Linnworks, {seen.offers} times in all")
        if seen.hold_reason:
            lines.append(
                f"{when(seen.held_since)} held: {seen.hold_reason}"
                if seen.held_since
                else f"Not sent: {seen.hold_reason}"
            )
    for action in actions_of_order(connection_id, reference):
        said = action.result or action.error
        line = f"{when(action.finished_at or action.created_at)} {action.kind} {action.state}"
        lines.append(f"{line}: {said}" if said else line)
    return lines


@click.group()
def actions() -> None:
    """Look after despatches, cancels and refunds: each is done once."""


@actions.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are done, too.")
@limit_option
def list_actions(everything: bool, limit: int) -> None:
    """List actions that failed, are under way, or whose outcome is unknown; the newest first."""
    from bridge.store.actions import DONE, FAILED, PLANNED, UNKNOWN
    from bridge.store.actions import list_actions as listed

    opened()
    states = (PLANNED, UNKNOWN, FAILED, DONE) if everything else (PLANNED, UNKNOWN, FAILED)
    rows = [
        (action.id, action.connection.account_name, action.kind, action.reference, action.state,
         when(action.created_at), action.result or action.error)
        for action in listed(states, limit)
    ]  # fmt: skip
    columns = ("No", "Integration", "Action", "Order", "State", "Since", "Answer or last error")
    show_table(columns, rows, "Every action is done.")


@actions.command()
@click.argument("number", type=int)
def retry(number: int) -> None:
    """Ask the shop what came of an unknown action, and record it.

    Nothing is sent again by this: where the shop has not done it, the next request of Linnworks is.
    """
    from bridge.store.actions import find_action
    from bridge.sync import actions

    bridge = opened()
    action = _existing(find_action(number), f"action {number}")
    channel = bridge.channels.open(bridge.channels.config(action.connection), Deadline(bridge.settings.budget_seconds))
    click.echo(f"Action {number} is {actions.resolve_unknown(number, channel)}.")


@actions.command("drop")
@click.argument("number", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop_action(number: int, yes: bool) -> None:
    """Forget an action: should Linnworks ask for it again, it is DONE AGAIN."""
    from bridge.store import actions as store

    opened()
    action = _existing(store.find_action(number), f"action {number}")
    if not yes:
        click.confirm(f"Forget the {action.kind} of order {action.reference}, which is {action.state}?", abort=True)
    store.drop_action(action)
    click.echo(f"Dropped action {number}.")


@click.group()
def feeds() -> None:
    """Look after listings that the shop is to create, change or delete."""


@feeds.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are done, too.")
@limit_option
def list_feeds(everything: bool, limit: int) -> None:
    """List listings that wait, in the order they came."""
    from bridge.store.feeds import list_items

    opened()
    rows = [
        (item.id, item.connection.account_name, item.feed_id, item.action, _sku(item.request["listing"]),
         _progress(item), item.attempts, item.error)
        for item in list_items(limit, with_done=everything)
    ]  # fmt: skip
    columns = ("No", "Integration", "Feed", "Action", "SKU", "State", "Attempts", "Last error")
    show_table(columns, rows, "No listing waits.")


@feeds.command("retry")
@click.argument("number", type=int)
def retry_listing(number: int) -> None:
    """Have a listing that waits tried at once."""
    from bridge.store.feeds import find_item, retry_item

    opened()
    retry_item(_existing(find_item(number), f"listing {number}"), now())
    click.echo(f"Listing {number} is due now.")


@feeds.command("drop")
@click.argument("number", type=int)
def drop_listing(number: int) -> None:
    """Give up a listing that waits; CheckFeed then says so."""
    from bridge.store.feeds import find_item
    from bridge.sync import feeds as room

    opened()
    if not room.give_up(_existing(find_item(number), f"listing {number}"), "Given up by the operator"):
        raise BridgeError(f"Listing {number} is done already, or in hand just now")
    click.echo(f"Dropped listing {number}.")


@click.group()
def outbox() -> None:
    """Look after stock levels and prices that a shop has not taken yet."""


@outbox.command("list")
@limit_option
def list_outbox(limit: int) -> None:
    """List values that wait, the longest waiting first."""
    from bridge.store.outbox import count_waiting, list_pending_updates

    opened()
    batches, items = count_waiting()
    rows = [
        (item.id, item.connection.account_name, item.kind, item.sku, item.row.get("Quantity", item.row.get("Price")),
         when(item.since), when(item.next_at), item.attempts, item.error)
        for item in list_pending_updates(limit)
    ]  # fmt: skip
    columns = ("No", "Integration", "Kind", "SKU", "Value", "Since", "Next try", "Attempts", "Last error")
    show_table(columns, rows, "No value waits.")
    click.echo(f"{items} values wait, and {batches} requests have not been begun.")


@outbox.command("retry")
@click.argument("number", type=int)
def retry_value(number: int) -> None:
    """Have a value that waits pushed at once."""
    from bridge.store.outbox import find_pending_update, retry_pending_update

    opened()
    retry_pending_update(_existing(find_pending_update(number), f"value {number}"), now())
    click.echo(f"Value {number} is due now.")


@outbox.command("drop")
@click.argument("number", type=int)
def drop_value(number: int) -> None:
    """Give up a value: the shop keeps what it has until Linnworks sends another."""
    from bridge.store.outbox import drop_pending_update, find_pending_update

    opened()
    drop_pending_update(_existing(find_pending_update(number), f"value {number}"))
    click.echo(f"Dropped value {number}.")


def _existing(found: Found | None, what: str) -> Found:
    if found is None:
        raise BridgeError(f"There is no {what}")
    return found


def _sku(listing: dict[str, str]) -> str:
    return listing.get("SKU") or listing.get("ChannelSKU") or ""


def _progress(item: object) -> str:
    from bridge.store.feeds import FeedItem

    assert isinstance(item, FeedItem)
    if not item.done:
        return f"next try {when(item.next_at)}"
    return "failed" if any(message["Type"] == 1 for message in item.result["Messages"]) else "done"
