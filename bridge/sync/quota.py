"""The quota of a connection: how much may wait for its shop, so that no caller fills the disk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from bridge.errors import RequestRefused
from bridge.store.usage import ROW_BYTES, waiting_bytes

MOST_WAITING_BYTES = 50_000_000


def require_room(connection_id: int, contents: Iterable[Any]) -> None:
    """Raise RequestRefused if these contents and what waits already are more than a connection may have waiting."""
    used = waiting_bytes(connection_id)
    for content in contents:
        used += ROW_BYTES + len(msgspec.json.encode(content, enc_hook=str))
        if used > MOST_WAITING_BYTES:
            raise RequestRefused(
                f"More than {MOST_WAITING_BYTES // 1_000_000} MB wait for the shop of this integration already: "
                "please send this again when it has taken them"
            )
