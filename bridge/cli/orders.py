"""`linnworks-bridge orders`: held and missing orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bridge.cli.common import connection_option, format_time, json_option, number_of, open_installed, the_connection
from bridge.cli.output import print_json, say, show_table
from bridge.errors import BridgeError
from bridge.ops.wording import counted

if TYPE_CHECKING:
    from bridge.ops.order_history import Event, OrderHistory

SHOPS_SECONDS = 60
"""How long shops are asked for an order, one after the other."""


@click.group()
def orders() -> None:
    """Find out why an order is not in Linnworks."""


@orders.command()
@connection_option
@json_option
def held(connection: str | None, as_json: bool) -> None:
    """List the orders that Linnworks would refuse, with what to fix in the shop.

    They are offered again on every run until they pass.
    """
    from bridge.store.orders import held_orders

    open_installed()
    only = number_of(connection)
    rows = [
        (row.connection.account_name, row.reference, row.number, row.held_since, row.checked_at, row.hold_reason)
        for row in held_orders()
        if only in (None, row.connection_id)
    ]
    columns = ("Integration", "Order", "Customer number", "Held since", "Last checked", "Why")
    show_table(columns, rows, "No order is held.", as_json=as_json)


@orders.command()
@click.argument("number")
@connection_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def why(number: str, connection: str | None, as_json: bool) -> None:
    """Tell the life of the order with this NUMBER, ours or the customer's (#1231), or why there is none.

    Asks the shop for the order as well. Times are in UTC; `linnworks-bridge calls show ID` shows a call.
    """
    from bridge.clock import monotonic, now
    from bridge.ops.order_history import order_history
    from bridge.store.connections import list_connections

    bridge = open_installed()
    everyone = list_connections()
    rows = [the_connection(connection)] if connection else [row for row in everyone if row.complete] or everyone
    if not rows:
        raise BridgeError("There is no integration")
    found, end = [], monotonic() + SHOPS_SECONDS
    for row in rows:
        in_time = monotonic() < end
        found += order_history(row, number, now(), bridge.channels if in_time else None)
        if not in_time:
            say(f"The shop of {row.account_name} was not asked, as others took too long: add --connection", err=True)
    if as_json:
        print_json([_facts(history) for history in found])
        return
    for history in found:
        own = f", which the customer knows as {history.number}" if history.number not in ("", history.reference) else ""
        say(f"{history.connection.account_name}: order {history.reference}{own}")
        for event in history.events:
            say(f"  {format_time(event.at)} {event.text}{_more(event)}")
        for sentence in history.now:
            say(f"  {sentence}")


def _more(event: Event) -> str:
    repeated = f", {counted(event.times, 'time')} until {format_time(event.last_at)}" if event.times > 1 else ""
    return repeated + (f" [{event.request}]" if event.request else "")


def _facts(history: OrderHistory) -> dict[str, Any]:
    return {
        "connection": history.connection.id,
        "reference": history.reference,
        "customer_number": history.number or None,
        "events": [
            {
                "at": event.at.isoformat(),
                "text": event.text,
                "request": event.request or None,
                "times": event.times,
                "last_at": event.last_at.isoformat() if event.last_at else None,
            }
            for event in history.events
        ],
        "now": list(history.now),
    }
