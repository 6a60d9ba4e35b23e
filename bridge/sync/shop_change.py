"""Another shop behind the same integration: nothing of the old one counts for it, or goes to it."""

from __future__ import annotations

import logging
from datetime import datetime

from bridge.store.connections import Connection
from bridge.store.shop_change import forget_old_shop
from bridge.sync import feeds

log = logging.getLogger(__name__)

REASON = "The integration leads to another shop now"
NOTICE = (
    "This is another shop than before. Stock levels, prices and listings that waited for the old shop were dropped, "
    "and its orders can no longer be despatched, cancelled or refunded here. Please send all stock levels and prices "
    "to this shop."
)
"""What the wizard tells the seller."""


def leave_old_shop(connection: Connection, generation: int, now: datetime) -> None:
    """Drop what waited for the old shop and forget its orders; in the transaction that saves the new one."""
    waiting = forget_old_shop(connection.id, generation, REASON, now)
    for item in waiting:
        feeds.give_up(item, REASON)
    log.warning(
        "Connection %s leads to another shop now; %d listings that waited for the old one have failed",
        connection.id,
        len(waiting),
    )
