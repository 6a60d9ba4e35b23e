"""`linnworks-bridge outbox`: stock levels and prices that wait for the shop."""

from __future__ import annotations

import click

from bridge.cli.common import format_time, limit_option, open_installed, require, show_table
from bridge.clock import now


@click.group()
def outbox() -> None:
    """Manage the stock levels and prices that a shop has not accepted yet."""


@outbox.command("list")
@limit_option
def list_(limit: int) -> None:
    """List pending updates, the oldest first."""
    from bridge.store.outbox import count_waiting, list_pending_updates

    open_installed()
    requests, updates = count_waiting()
    rows = [
        (update.id, update.connection.account_name, update.kind, update.sku,
         update.row.get("Quantity", update.row.get("Price")), format_time(update.since), format_time(update.next_at),
         update.attempts, update.error)
        for update in list_pending_updates(limit)
    ]  # fmt: skip
    columns = ("No", "Integration", "Kind", "SKU", "Value", "Since", "Next try", "Attempts", "Last error")
    show_table(columns, rows, "No update is pending.")
    click.echo(f"{updates} updates are pending, and {requests} requests have not been started.")


@outbox.command()
@click.argument("number", type=int)
def retry(number: int) -> None:
    """Have a pending update pushed at once."""
    from bridge.store.outbox import find_pending_update, retry_pending_update

    open_installed()
    retry_pending_update(require(find_pending_update(number), f"pending update {number}"), now())
    click.echo(f"Update {number} is due now.")


@outbox.command()
@click.argument("number", type=int)
def drop(number: int) -> None:
    """Give up a pending update: the shop keeps its value until Linnworks sends another."""
    from bridge.store.outbox import drop_pending_update, find_pending_update

    open_installed()
    drop_pending_update(require(find_pending_update(number), f"pending update {number}"))
    click.echo(f"Dropped update {number}.")
