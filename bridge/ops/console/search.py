"""The search for an order, by our number or the customer's, or for a SKU."""

from __future__ import annotations

import shlex
from typing import Any

from bridge.ops.console.calls import line
from bridge.store.actions import actions_of_order
from bridge.store.calls import find_calls_about
from bridge.store.connections import list_connections
from bridge.store.orders import SeenOrder, find_orders, order_number
from bridge.store.outbox import list_pending_updates

LONGEST, MOST_ORDERS, MOST_CALLS, MOST_ACTIONS = 100, 10, 40, 20
SECONDS = 0.1
"""How long the record of calls is searched; the command searches all of it."""


def found(text: str) -> dict[str, Any]:
    """Return what the page shows of an order or a SKU that somebody calls so."""
    wanted = text.strip()[:LONGEST]
    if not wanted:
        return {"wanted": ""}
    orders = find_orders(wanted, MOST_ORDERS)
    numbers = {wanted, order_number(wanted), *(row.reference for row in orders)} - {""}
    records, searched_since = find_calls_about(numbers, limit=MOST_CALLS, seconds=SECONDS)
    return {
        "wanted": wanted,
        "why": shlex.quote(wanted),
        "orders": [_order(row) for row in orders],
        "pending": list_pending_updates(MOST_CALLS, sku=wanted),
        "lines": [line(record, numbers) for record in records],
        "names": {row.id: row.account_name for row in list_connections()},
        "searched_since": searched_since,
        "more": len(records) == MOST_CALLS,
    }


def _order(row: SeenOrder) -> dict[str, Any]:
    if row.held_since and row.hold_reason:
        state, sentence = "warning", f"It is held: {row.hold_reason}"
    elif row.hold_reason:
        state, sentence = "warning", f"It is not sent: {row.hold_reason}"
    elif row.offers:
        state, sentence = "ok", "It was sent to Linnworks"
    else:
        state, sentence = "warning", "It has not been sent to Linnworks yet"
    actions = actions_of_order(row.connection_id, row.reference)[-MOST_ACTIONS:]
    why = f"{shlex.quote(row.reference)} --connection {row.connection_id}"
    return {"why": why, "row": row, "state": state, "sentence": sentence, "actions": actions}
