"""Pauses: kinds of work that the operator has paused for an integration, until they are resumed by a command."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from bridge.errors import ChannelUnavailable
from bridge.store.connections import Connection, save_paused
from bridge.store.feeds import retry_items
from bridge.store.outbox import retry_pending_updates

ORDERS, STOCK, PRICES, DESPATCH = "orders", "stock", "prices", "despatch"
CANCEL, REFUND, LISTINGS = "cancel", "refund", "listings"
NAMES = {
    ORDERS: "Orders",
    STOCK: "Stock levels",
    PRICES: "Prices",
    DESPATCH: "Despatches",
    CANCEL: "Cancellations",
    REFUND: "Refunds",
    LISTINGS: "Listings",
}
PUSHES = {STOCK: "stock", PRICES: "price"}
"""The outbox's kinds of what is kept while it is paused."""
LOOKED_AT_SECONDS = 600
"""How often the worker looks at what waits for the end of a pause; `resume` does not wait for that."""


class Paused(ChannelUnavailable):
    """The operator has paused this kind of work, and nothing was done."""


def paused_since(connection: Connection) -> dict[str, datetime]:
    """Return since when each kind of work is paused that is, in the order of NAMES."""
    stored = connection.paused or {}
    return {kind: datetime.fromisoformat(stored[kind]) for kind in NAMES if kind in stored}


def paused_pushes(connection: Connection) -> list[str]:
    """Return the outbox's kinds that are paused."""
    return [PUSHES[kind] for kind in paused_since(connection) if kind in PUSHES]


def find_pause(connection: Connection, kind: str) -> Paused | None:
    """Return the error to answer if this kind of work is paused, else None."""
    if not connection.paused or kind not in connection.paused:
        return None
    return Paused(f"{describe(kind, paused_since(connection)[kind])} by the operator of the bridge")


def require_running(connection: Connection, kind: str) -> None:
    """Raise Paused if this kind of work is paused."""
    if pause := find_pause(connection, kind):
        raise pause


def describe(kind: str, since: datetime) -> str:
    """Return a sentence that says since when a kind of work is paused."""
    return f"{NAMES[kind]} are paused since {since:%Y-%m-%d %H:%M} UTC"


def pause(connection: Connection, kinds: Collection[str], now: datetime) -> None:
    """Pause kinds of work; one that is paused already stays so since then."""
    save_paused(connection, {**dict.fromkeys(kinds, now.isoformat()), **(connection.paused or {})})


def resume(connection: Connection, kinds: Collection[str], now: datetime) -> None:
    """Resume kinds of work, and have what was kept pushed at once."""
    stored = connection.paused or {}
    save_paused(connection, {kind: since for kind, since in stored.items() if kind not in kinds})
    for kind in kinds:
        if kind in PUSHES:
            retry_pending_updates(connection.id, PUSHES[kind], now)
    if LISTINGS in kinds:
        retry_items(connection.id, now)
