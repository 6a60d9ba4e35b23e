"""What a database needs that was restored from a backup, before the service starts on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FORGET_OUTDATED = (
    "DELETE FROM page_cursor",
    "DELETE FROM outbox_batch",
    "DELETE FROM pending_update",
    "DELETE FROM set_aside_update",
)
"""Linnworks may be in a run that the database does not know, and what waited in the outbox may be older than what the
shop has by now."""


def forget_outdated(execute: Callable[[str], Any]) -> list[str]:
    """Forget page cursors and the outbox; return the integrations, by account name, that must send stock and prices.

    `execute` runs a statement and returns its cursor.
    """
    for statement in FORGET_OUTDATED:
        execute(statement)
    finished = execute("SELECT account_name FROM connection WHERE completed_at IS NOT NULL ORDER BY id")
    return [name for (name,) in finished.fetchall()]
