"""The quota of a connection: how much may wait for its shop, so that no caller fills the disk."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.errors import RequestRefused
from bridge.store.usage import ROW_BYTES, waiting_bytes

MOST_WAITING_BYTES = 50_000_000
UNMEASURED_BYTES = 1_000_000
"""What each process may add for a connection before it measures again: a small request need not wait for that."""

_unmeasured: dict[int, int] = {}


def require_room(connection_id: int, contents: Iterable[bytes]) -> None:
    """Raise RequestRefused if these contents and what waits already are more than a connection may have waiting."""
    size = 0
    for content in contents:
        size += ROW_BYTES + len(content)
        if size > MOST_WAITING_BYTES:
            raise _full()
    added = _unmeasured.get(connection_id, 0) + size
    if added > UNMEASURED_BYTES:
        if waiting_bytes(connection_id) + size > MOST_WAITING_BYTES:
            raise _full()
        added = 0
    _unmeasured[connection_id] = added


def _full() -> RequestRefused:
    return RequestRefused(
        f"More than {MOST_WAITING_BYTES // 1_000_000} MB wait for the shop of this integration already: "
        "please send this again when it has taken them"
    )
