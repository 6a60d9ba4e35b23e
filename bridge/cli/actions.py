"""`linnworks-bridge actions`: despatches, cancels and refunds."""

from __future__ import annotations

import click

from bridge.cli.common import connection_option, json_option, limit_option, number_of, open_installed, require
from bridge.cli.output import confirm, say, show_table
from bridge.clock import Deadline


@click.group()
def actions() -> None:
    """Manage despatches, cancels and refunds, each of which is done once."""


@actions.command("list")
@click.option("--all", "everything", is_flag=True, help="Include actions that are done.")
@click.option("--order", default="", metavar="NUMBER", help="Only of this order: our number, or the customer's.")
@connection_option
@json_option
@limit_option
def list_(everything: bool, order: str, connection: str | None, as_json: bool, limit: int) -> None:
    """List actions that failed, are under way, or have an unknown outcome; the newest first."""
    from bridge.store.actions import DONE, FAILED, PLANNED, UNKNOWN, list_actions
    from bridge.store.calls import numbers_of_order

    open_installed()
    number = number_of(connection)
    orders = numbers_of_order(order, number) if order else None
    states = (PLANNED, UNKNOWN, FAILED, DONE) if everything else (PLANNED, UNKNOWN, FAILED)
    rows = [
        (action.id, action.connection.account_name, action.kind, action.reference, action.state,
         action.created_at, action.request, action.result or action.error)
        for action in list_actions(states, limit, connection=number, orders=orders)
    ]  # fmt: skip
    columns = ("No", "Integration", "Action", "Order", "State", "Since", "Call", "Answer or last error")
    show_table(columns, rows, "No such action." if order else "Every action is done.", as_json=as_json)


@actions.command()
@click.argument("number", type=int)
def retry(number: int) -> None:
    """Ask the shop for the result of an unknown action, and record it.

    Sends nothing again: if the shop has not done it, Linnworks' next request does it.
    """
    from bridge.store.actions import find_action
    from bridge.sync.actions import resolve_unknown

    bridge = open_installed()
    action = require(find_action(number), f"action {number}")
    channel = bridge.channels.open_for(action.connection, Deadline(bridge.settings.budget_seconds))
    say(f"Action {number} is {resolve_unknown(action, action.connection, channel)}.")


@actions.command()
@click.argument("number", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(number: int, yes: bool) -> None:
    """Forget an action: if Linnworks asks for it again, it is DONE AGAIN unless the shop knows of it."""
    from bridge.store.actions import drop_action, find_action

    open_installed()
    action = require(find_action(number), f"action {number}")
    if not yes:
        confirm(f"Forget the {action.kind} of order {action.reference}, which is {action.state}?")
    drop_action(action)
    say(f"Dropped action {number}.")
