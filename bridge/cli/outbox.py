"""`linnworks-bridge outbox`: stock levels and prices that wait for the shop."""

from __future__ import annotations

from typing import Any

import click

from bridge.cli.common import connection_option, json_option, limit_option, number_of, open_installed, require
from bridge.cli.output import plain_rows, print_json, say, show_table
from bridge.clock import now
from bridge.ops.wording import counted

LONGEST_CONTENT = 200


@click.group()
def outbox() -> None:
    """Manage the stock levels and prices that a shop has not accepted yet."""


@outbox.command("list")
@click.option("--sku", default="", help="Only this SKU.")
@connection_option
@json_option
@limit_option
def list_(sku: str, connection: str | None, as_json: bool, limit: int) -> None:
    """List pending updates, the oldest first, and what was set aside because it cannot be pushed."""
    from bridge.store.outbox import count_waiting, list_pending_updates, list_set_aside

    open_installed()
    number = number_of(connection)
    requests, updates = count_waiting()
    pending = [
        (update.id, update.connection.account_name, update.kind, update.sku, _value(update.row), update.since,
         update.next_at, update.attempts, update.error)
        for update in list_pending_updates(limit, connection=number, sku=sku)
    ]  # fmt: skip
    columns = ("No", "Integration", "Kind", "SKU", "Value", "Since", "Next try", "Attempts", "Last error")
    set_aside = [
        (one.id, one.connection.account_name, one.kind, one.content[:LONGEST_CONTENT], one.set_aside_at, one.error)
        for one in list_set_aside(limit, connection=number)
    ]
    columns_aside = ("No", "Integration", "Kind", "Content", "Since", "Error")
    if as_json:
        print_json(
            {
                "updates": updates,
                "requests": requests,
                "pending": plain_rows(columns, pending),
                "set_aside": plain_rows(columns_aside, set_aside),
            }
        )
        return
    show_table(columns, pending, "No such update is pending." if sku or connection else "No update is pending.")
    say(f"{counted(updates, 'pending update')}, and {counted(requests, 'request')} not started yet, in all.")
    if set_aside:
        say("Set aside, and not tried again; `linnworks-bridge outbox drop --set-aside NUMBER` deletes it:")
        show_table(columns_aside, set_aside, "")


def _value(row: Any) -> Any:
    return row.get("Quantity", row.get("Price")) if isinstance(row, dict) else row


@outbox.command()
@click.argument("number", type=int)
def retry(number: int) -> None:
    """Have a pending update pushed at once."""
    from bridge.store.outbox import find_pending_update, retry_pending_update

    open_installed()
    retry_pending_update(require(find_pending_update(number), f"pending update {number}"), now())
    say(f"Update {number} is due now.")


@outbox.command()
@click.argument("number", type=int)
@click.option("--set-aside", is_flag=True, help="NUMBER is of something that was set aside.")
def drop(number: int, set_aside: bool) -> None:
    """Give up a pending update: the shop keeps its value until Linnworks sends another."""
    from bridge.store.outbox import drop_pending_update, drop_set_aside, find_pending_update, find_set_aside

    open_installed()
    if set_aside:
        drop_set_aside(require(find_set_aside(number), f"set-aside update {number}"))
        say(f"Dropped set-aside update {number}.")
        return
    drop_pending_update(require(find_pending_update(number), f"pending update {number}"))
    say(f"Dropped update {number}.")
