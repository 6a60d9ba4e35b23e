"""`linnworks-bridge calls`: what Linnworks asked, and what it was answered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from bridge.cli.common import connection_option, format_time, json_option, limit_option, number_of, open_installed
from bridge.cli.moments import FORMS, utc_moment
from bridge.cli.output import print_json, say, show_table
from bridge.errors import BridgeError
from bridge.ops.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection

    from bridge.store.calls import CallRecord, CallRow

FEW = 3
"""How many orders, SKUs or Errors of a call the list shows."""


@click.group()
def calls() -> None:
    """Find out what Linnworks asked, what it was answered, and how the shop was called for that.

    The record has the calls of the last BRIDGE_KEEP_CALLS_DAYS days, without names and addresses.
    """


@calls.command("list")
@click.option("--order", default="", metavar="NUMBER", help="About this order: our number, or the customer's.")
@click.option("--sku", default="", help="About this SKU.")
@click.option("--endpoint", default="", metavar="NAME", help="Of this endpoint, such as Orders or InventoryUpdate.")
@connection_option
@click.option("--since", type=utc_moment, metavar="TIME", help=f"From this time on, in UTC: {FORMS}.")
@click.option("--until", type=utc_moment, metavar="TIME", help="Up to this time.")
@click.option("--errors", is_flag=True, help="Only those with an Error, of the whole call or of a row.")
@json_option
@limit_option
def list_(
    order: str,
    sku: str,
    endpoint: str,
    connection: str | None,
    since: datetime | None,
    until: datetime | None,
    errors: bool,
    as_json: bool,
    limit: int,
) -> None:
    """List calls, the newest first."""
    from bridge.store.calls import as_facts, find_calls, numbers_of_order

    open_installed()
    number = number_of(connection)
    found = find_calls(
        connection=number,
        order=order,
        sku=sku,
        endpoint=endpoint,
        since=since,
        until=until,
        failed=errors,
        limit=limit,
    )
    if as_json:
        print_json([as_facts(record) for record in found])
        return
    names = _account_names(found)
    several = len(names) > 2 and not connection
    wanted = {*(numbers_of_order(order, number) if order else ()), *([sku] if sku else ())}
    rows = [
        (
            f"{record.at:%m-%d %H:%M:%S}",
            record.request,
            "\n".join(filter(None, [record.endpoint, names[record.connection_id] if several else ""])),
            f"{record.ms}\n{_shop(record)}" if record.detail.shop_calls_counted else record.ms,
            _summary(record, wanted),
        )
        for record in found
    ]
    show_table(("UTC", "Id", "Call", "ms", "Answer"), rows, _nothing(), whole=("UTC", "Id"))
    if len(found) == limit:
        say(f"There may be more than these {limit}: add --until, or --limit.")


@calls.command()
@click.argument("call_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def show(call_id: str, as_json: bool) -> None:
    """Show all that is recorded of the call with this ID, from the list, the log, or the answer's X-Request-Id."""
    from bridge.store.actions import actions_of_request
    from bridge.store.calls import as_facts, calls_of_request

    open_installed()
    found = calls_of_request(call_id.strip().lower())
    if not found:
        raise BridgeError(f"No call {call_id} is recorded")
    if as_json:
        print_json([as_facts(record) for record in found])
        return
    for record in found:
        _show(record)
    for action in actions_of_request(call_id):
        result = action.result or action.error
        say(f"Action {action.id}: {action.kind} of order {action.reference} {action.state} {result}".rstrip())


def _show(record: CallRecord) -> None:
    detail = record.detail
    names = _account_names([record])
    say(f"{record.endpoint} at {format_time(record.at)} UTC, answered after {record.ms} ms: {record.outcome}")
    say(f"Id: {record.request}")
    say(f"Integration: {names[record.connection_id] or 'none'}")
    for name, value in detail.asked.items():
        say(f"{name.replace('_', ' ').capitalize()}: {value}")
    say(f"Error: {record.error or 'none'}")
    shown = record.rows
    if detail.rows:
        rows = counted(detail.rows, "order" if record.orders else "SKU")
        more = f", of which {len(shown)} are recorded" if len(shown) < detail.rows else ""
        what = "with an Error" if record.failed or not record.failed_rows else "held"
        say(f"{rows}, {record.failed_rows or 'none'} {what}{more}:")
    for row in sorted(shown, key=lambda row: row.error is None):
        say(f"  {_row(row)}")
    say(f"{counted(detail.shop_calls_counted, 'call')} to the shop{':' if detail.shop_calls else ''}")
    for call in detail.shop_calls:
        answer = "was under way" if call.ms is None else f"{call.status or 'no answer'} after {call.ms} ms"
        say(f"  {call.method} {call.path}: {answer}{f' ({call.failure})' if call.failure else ''}")
    if more_calls := detail.shop_calls_counted - len(detail.shop_calls):
        say(f"  and {more_calls} more")


def _summary(record: CallRecord, wanted: Collection[str]) -> str:
    """Return the answer in few words: for the rows that are wanted, or else what failed and what it was about."""
    about = record.rows_about(wanted) if wanted else []
    if about:
        words = [record.error] if record.error else []
        return "; ".join([*words, *map(_row, about)])
    parts = [record.error or record.outcome]
    rows = record.rows
    if record.failed_rows:
        failed = [row for row in rows if row.error]
        what = "failed" if record.failed else "held"
        parts[0] = record.error or f"{record.failed_rows} of {record.detail.rows} {what}"
        parts += [_row(row) for row in failed[:FEW]]
    elif rows:
        some = ", ".join(row.number for row in rows[:FEW])
        many = counted(record.detail.rows, "order" if record.orders else "SKU")
        parts.append(f"{many}: {some}, ..." if len(rows) > FEW else some)
    elif record.endpoint == "Orders" and not record.error:
        parts.append("no order")
    return "; ".join(parts)


def _row(row: CallRow) -> str:
    value = "" if row.value in (None, "", row.number) else f" ({row.value})"
    return f"{row.number}{value}: {row.error or 'ok'}"


def _shop(record: CallRecord) -> str:
    return f"shop {record.detail.shop_calls_counted}x {record.shop_ms}"


def _account_names(records: list[CallRecord]) -> dict[int | None, str]:
    from bridge.store.connections import list_connections

    used = {record.connection_id for record in records}
    return {None: "", **{row.id: row.account_name for row in list_connections() if row.id in used}}


def _nothing() -> str:
    from bridge.store.calls import oldest_call

    oldest = oldest_call()
    if oldest is None:
        return "No call is recorded yet."
    return f"No such call is recorded; the record begins at {format_time(oldest.at)} UTC."
