"""What the commands about one kind of shop share."""

from __future__ import annotations

import sys
from typing import TypeVar

from bridge.channels.base import Channel
from bridge.cli.common import open_installed, the_connection
from bridge.cli.output import show_progress
from bridge.clock import Deadline
from bridge.errors import BridgeError

Kind = TypeVar("Kind", bound=Channel)


def open_channel(connection: str | None, kind: type[Kind]) -> Kind:
    """Return the channel of an integration, not named if there is only one; raises BridgeError for another kind."""
    from bridge.store.connections import list_connections

    bridge = open_installed()
    rows = [the_connection(connection)] if connection else list_connections()
    if len(rows) != 1:
        names = ", ".join(row.account_name for row in rows) or "none yet"
        raise BridgeError(f"Name the integration: {names}")
    if not rows[0].complete:
        raise BridgeError(f"{rows[0].account_name} has not finished its wizard yet")
    channel = bridge.channels.open_for(rows[0], Deadline(bridge.settings.budget_seconds))
    if not isinstance(channel, kind):
        raise BridgeError(f"{rows[0].account_name} is not connected to a {kind.friendly_name} shop")
    return channel


def show_items_read(items: int, is_last: bool) -> None:
    """Show on a terminal how much of a catalogue has been read."""
    if sys.stderr.isatty():
        show_progress(f"{items} products and variations read", done=is_last)
