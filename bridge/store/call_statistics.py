"""Figures from the record of calls: how many there were, how long they took, and how long their shops took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from bridge.store.calls import CallRecord, ShopCallRecord

MOST_CALLS = 2000
MOST_BYTES = 3_000_000
"""How much is read for figures: what a busy connection does in a day."""


class _Part(msgspec.Struct):
    """What is read of a call's details."""

    row_errors: dict[str, list[int]] = {}
    rows: int = 0
    shop_calls: list[ShopCallRecord] = []


@dataclass(frozen=True)
class CallFigures:
    """One call: its milliseconds, those that its shop took of them, and how many rows it had and were refused."""

    at: datetime
    endpoint: str
    ms: int
    shop_ms: int
    rows: int
    failed_rows: int
    failed: bool


def call_figures(connection_id: int, since: datetime) -> list[CallFigures]:
    """Return the figures of a connection's calls since then, the newest first; not more than can be read quickly."""
    condition = (CallRecord.connection == connection_id) & (CallRecord.at >= since)
    newest: Any = (
        CallRecord.select(CallRecord.id, CallRecord.size)
        .where(condition)
        .order_by(CallRecord.at.desc())
        .limit(MOST_CALLS)
        .tuples()
    )
    chosen: list[int] = []
    total = 0
    for number, size in newest:
        total += size
        if total > MOST_BYTES and chosen:
            break
        chosen.append(number)
    if not chosen:
        return []
    columns = (CallRecord.at, CallRecord.endpoint, CallRecord.ms, CallRecord.failed, CallRecord.detail_json)
    rows: Any = (
        CallRecord.select(*columns)
        .where(condition & CallRecord.id.between(min(chosen), max(chosen)))
        .order_by(CallRecord.at.desc())
        .limit(len(chosen))
        .tuples()
    )
    return [_figures(*row) for row in rows]


def _figures(at: datetime, endpoint: str, ms: int, failed: bool, detail_json: str) -> CallFigures:
    part = msgspec.json.decode(detail_json, type=_Part)
    shop_ms = sum(call.ms or 0 for call in part.shop_calls)
    # several calls to a shop may be under way at once
    return CallFigures(at, endpoint, ms, min(ms, shop_ms), part.rows, sum(map(len, part.row_errors.values())), failed)
