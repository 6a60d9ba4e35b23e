"""What the console shows of calls: in a line of a list, and on a page of its own."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.ops.wording import counted
from bridge.store.actions import actions_of_request
from bridge.store.calls import CallRecord, CallRow, calls_of_request
from bridge.store.connections import list_connections

FEW, MOST_ROWS, MOST_SHOP_CALLS, MOST_PARTS = 3, 200, 100, 20
WELL, PARTLY, BADLY = "ok", "warning", "error"


@dataclass(frozen=True)
class Line:
    """A call as a list shows it: what it was about, and the sentences of its Errors."""

    record: CallRecord
    state: str
    about: str
    sentences: Sequence[str]


def line(record: CallRecord, wanted: Collection[str] = ()) -> Line:
    """Return a call as a list shows it; the rows that are wanted come first."""
    rows = record.rows_about(wanted) if wanted else record.rows
    failed = [row for row in rows if row.error]
    sentences = [record.error] if record.error else []
    sentences += [f"{row.number}: {row.error}" for row in failed[:FEW]]
    if len(failed) > FEW:
        sentences.append(f"and {len(failed) - FEW} more")
    return Line(record, state_of(record), _about(record, rows), sentences)


def state_of(record: CallRecord) -> str:
    """Return whether a call went well: "warning" if it was so for some rows only, or orders are held."""
    if not record.failed:
        return PARTLY if record.failed_rows else WELL
    return PARTLY if record.outcome == "partial" else BADLY


def _about(record: CallRecord, rows: Sequence[CallRow]) -> str:
    count = record.detail.rows
    if not count:
        return "no order" if record.endpoint == "Orders" and not record.error else ""
    some = ", ".join(_named(row) for row in rows[:FEW])
    return f"{counted(count, 'order' if record.orders else 'SKU')}: {some}{', ...' if count > FEW else ''}"


def _named(row: CallRow) -> str:
    return row.number if row.value in (None, "", row.number) else f"{row.number} ({row.value})"


def described(call_id: str) -> dict[str, Any] | None:
    """Return what a call's page shows, or None if no such call is recorded."""
    request = call_id.lower()
    records = calls_of_request(request, MOST_PARTS) if re.fullmatch(r"[0-9a-f]{1,12}", request) else []
    if not records:
        return None
    used = {record.connection_id for record in records}
    names = {row.id: row.account_name for row in list_connections() if row.id in used}
    return {
        "request": request,
        "parts": [_part(record) for record in records],
        "names": names,
        "actions": actions_of_request(request)[:MOST_ROWS],
    }


def _part(record: CallRecord) -> dict[str, Any]:
    rows = sorted(record.rows, key=lambda row: row.error is None)
    return {
        "record": record,
        "state": state_of(record),
        "rows": rows[:MOST_ROWS],
        "more_rows": max(0, record.detail.rows - MOST_ROWS),
        "shop_calls": record.detail.shop_calls[:MOST_SHOP_CALLS],
        "more_shop_calls": record.detail.shop_calls_counted - len(record.detail.shop_calls[:MOST_SHOP_CALLS]),
    }
