"""How many bytes wait in the database for each connection: listings, and stock and prices for the shop."""

from __future__ import annotations

from bridge.store.database import database

ROW_BYTES = 200
"""What a row takes besides its text, about."""

_WAITING = f"""
    SELECT connection_id, LENGTH(request) + {ROW_BYTES} AS bytes FROM feed_item WHERE done = FALSE
    UNION ALL SELECT connection_id, LENGTH(content) + {ROW_BYTES} FROM outbox_batch
    UNION ALL SELECT connection_id, LENGTH("row") + LENGTH(sku) + {ROW_BYTES} FROM pending_update
    UNION ALL SELECT connection_id, LENGTH(content) + {ROW_BYTES} FROM set_aside_update
"""  # noqa: S608 (nothing of it is foreign)
_OF_ONE = f"""
    SELECT COALESCE(SUM(bytes), 0) FROM ({_WAITING}) AS waiting WHERE connection_id = {{number:d}}
"""  # noqa: S608
_OF_ALL = f"SELECT connection_id, SUM(bytes) FROM ({_WAITING}) AS waiting GROUP BY connection_id ORDER BY 2 DESC"  # noqa: S608


def waiting_bytes(connection_id: int) -> int:
    """Return how many bytes wait for a connection, about."""
    return int(database.execute_sql(_OF_ONE.format(number=connection_id)).fetchone()[0])


def waiting_bytes_by_connection() -> dict[int, int]:
    """Return how many bytes wait for each connection that has any, the most first."""
    return {int(number): int(size) for number, size in database.execute_sql(_OF_ALL).fetchall()}
