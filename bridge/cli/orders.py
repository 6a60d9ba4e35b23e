"""`linnworks-bridge orders`: held and missing orders."""

from __future__ import annotations

import click

from bridge.cli.common import format_time, open_installed, the_connection
from bridge.cli.output import say, show_table
from bridge.clock import Deadline
from bridge.errors import BridgeError, ChannelError


@click.group()
def orders() -> None:
    """Find out why an order is not in Linnworks."""


@orders.command()
def held() -> None:
    """List the orders that Linnworks would refuse, with what to fix in the shop.

    They are offered again on every run until they pass.
    """
    from bridge.store.orders import held_orders

    open_installed()
    rows = [
        (
            row.connection.account_name,
            row.reference,
            format_time(row.held_since),
            format_time(row.checked_at),
            row.hold_reason,
        )
        for row in held_orders()
    ]
    show_table(("Integration", "Order", "Held since", "Last checked", "Why"), rows, "No order is held.")


@orders.command()
@click.argument("reference")
@click.option("--connection", metavar="CONNECTION", help="Only this integration, by number or account name.")
def explain(reference: str, connection: str | None) -> None:
    """Show the history of the order with this REFERENCE number, or why there is none.

    Asks the shop for the order as well.
    """
    from bridge.store.connections import list_connections

    bridge = open_installed()
    rows = [the_connection(connection)] if connection else list_connections()
    if not rows:
        raise BridgeError("There is no integration")
    for row in rows:
        say(f"{row.account_name}:")
        for line in _history(row.id, reference):
            say(f"  {line}")
        if not row.complete:
            say("  Its wizard is not finished, so the shop was not asked.")
            continue
        try:
            channel = bridge.channels.open_for(row, Deadline(bridge.settings.budget_seconds))
            order = channel.order(reference)
            status = f"has it, {order.payment_status.name}" if order else "has no such order"
        except ChannelError as error:
            status = f"cannot be asked: {error}"
        say(f"  The shop {status}.")


def _history(connection_id: int, reference: str) -> list[str]:
    from bridge.store.actions import actions_of_order
    from bridge.store.orders import seen_order
    from bridge.store.paging import last_paging_run

    lines = []
    seen = seen_order(connection_id, reference)
    if seen is None:
        run = last_paging_run(connection_id, "orders")
        poll = f"Linnworks last asked for orders at {format_time(run.asked_at)} UTC" if run else "Linnworks never asked"
        lines.append(f"The shop has not listed it on any page yet. {poll}.")
    else:
        lines.append(f"{format_time(seen.first_seen_at)} first seen")
        if seen.offers:
            lines.append(f"{format_time(seen.offered_at)} last sent to Linnworks, {seen.offers} times in all")
        if seen.hold_reason:
            since = f"{format_time(seen.held_since)} held" if seen.held_since else "Not sent"
            lines.append(f"{since}: {seen.hold_reason}")
    for action in actions_of_order(connection_id, reference):
        result = action.result or action.error
        line = f"{format_time(action.finished_at or action.created_at)} {action.kind} {action.state}"
        lines.append(f"{line}: {result}" if result else line)
    return lines
