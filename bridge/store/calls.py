"""The record of calls: what Linnworks asked, what it was answered, and how the shop was called for that."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

import msgspec
import peewee
from peewee import AutoField, BooleanField, CharField, ForeignKeyField, IntegerField, TextField, fn

from bridge.clock import monotonic
from bridge.lazy import lazy_property
from bridge.store.connections import Connection
from bridge.store.database import Row, delete_some, writing
from bridge.store.fields import MomentField
from bridge.store.orders import order_number, references_of
from bridge.store.statements import Statement

ROWS_AT_ONCE = 2000
"""How many records a search reads in one statement, which has a time limit on a server."""
FEW_ROWS = 200
"""How many records a search reads in one statement that must not take long."""
TRIM_ROWS = 500
LONGEST_ENDPOINT, LONGEST_OUTCOME = 40, 60
PLACE = "\ue000"
"""What stands in a stored error for the order number or SKU of its row, so that equal errors are stored once."""

ORDERS = "Orders"
"""The endpoint's name in the record."""


class ShopCallRecord(msgspec.Struct, array_like=True):
    """A call to the shop: its status is None if there was no answer, and `ms` None if it was still under way."""

    method: str
    path: str
    status: int | None
    ms: int | None
    failure: str = ""


class Detail(msgspec.Struct, omit_defaults=True):
    """What is stored of a call as JSON.

    `values` has one for each row: the quantity, the price, the number of an order that its customer sees, or what else
    was said of it. `row_errors` has the positions of the rows with each error. `rows` and `shop_calls_counted` count
    also what is not kept one by one.
    """

    asked: dict[str, Any] = {}
    values: list[Any] = []
    row_errors: dict[str, list[int]] = {}
    rows: int = 0
    shop_calls: list[ShopCallRecord] = []
    shop_calls_counted: int = 0


@dataclass(frozen=True)
class CallRow:
    """An order or a SKU of a call: what was asked or answered with it, and its Error."""

    number: str
    value: Any = None
    error: str | None = None


class CallRecord(Row):
    """One call that was answered, or one job of the worker.

    `orders` and `skus` are the numbers that it was about, as JSON; the rows are those of `orders` if it has any.
    `failed`: the answer, or a row of it, has an Error; an order that is held is a row that says so, and no failure.
    `generation` is the connection's: numbers of another shop mean other orders.
    """

    id = AutoField()
    connection = ForeignKeyField(Connection, null=True, on_delete="CASCADE", index=False)
    connection_id: int | None
    generation = IntegerField()
    at = MomentField(index=True)
    request = CharField(max_length=12, index=True)
    endpoint = CharField(max_length=LONGEST_ENDPOINT)
    outcome = CharField(max_length=LONGEST_OUTCOME)
    failed = BooleanField()
    ms = IntegerField()
    error = TextField()
    orders = TextField()
    skus = TextField()
    detail_json = TextField()
    size = IntegerField()

    class Meta:
        indexes = ((("connection", "at"), False),)

    @lazy_property
    def detail(self) -> Detail:
        """What is stored as JSON."""
        return msgspec.json.decode(self.detail_json, type=Detail)

    @property
    def rows(self) -> list[CallRow]:
        """The orders of the call, or else its SKUs."""
        numbers = msgspec.json.decode(self.orders or self.skus or "[]", type=list[str])
        errors = {
            position: text.replace(PLACE, numbers[position])
            for text, positions in self.detail.row_errors.items()
            for position in positions
        }
        values = self.detail.values or [None] * len(numbers)
        return [
            CallRow(number, value, errors.get(position))
            for position, (number, value) in enumerate(zip(numbers, values, strict=False))
        ]

    @property
    def failed_rows(self) -> int:
        """How many rows have an Error."""
        return sum(map(len, self.detail.row_errors.values()))

    @property
    def shop_ms(self) -> int:
        """The milliseconds that calls to the shop took, added up."""
        return sum(call.ms or 0 for call in self.detail.shop_calls)

    def rows_about(self, numbers: Collection[str]) -> list[CallRow]:
        """Return the rows with one of these numbers."""
        wanted = {number.casefold() for number in numbers}
        return [row for row in self.rows if row.number.casefold() in wanted]


_COLUMNS = (
    "connection", "generation", "at", "request", "endpoint", "outcome", "failed", "ms", "error", "orders", "skus",
    "detail_json", "size",
)  # fmt: skip
_INSERT = Statement(lambda **values: CallRecord.insert(**values), _COLUMNS)


def add_calls(records: Sequence[dict[str, Any]]) -> None:
    """Store records; those of connections that have been deleted meanwhile are left out."""
    try:
        _add_calls(records)
    except peewee.IntegrityError:  # on a server a connection may be deleted between the two statements
        _add_calls(records)


def _add_calls(records: Sequence[dict[str, Any]]) -> None:
    with writing(durable=False):
        wanted = {record["connection"] for record in records} - {None}
        query = Connection.select(Connection.id).where(Connection.id.in_(wanted)) if wanted else ()
        known = {None, *(connection.id for connection in query)}
        kept = [record for record in records if record["connection"] in known]
        if kept:
            _INSERT.run_for_each(kept)


def find_calls(
    *,
    connection: int | None = None,
    order: str = "",
    sku: str = "",
    endpoint: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    failed: bool = False,
    limit: int = 50,
) -> list[CallRecord]:
    """Return records that meet all of these conditions, the newest first.

    `order` is a number of ours or the one that the customer sees, `endpoint` the begin of a name; neither they nor
    `sku` distinguish capital letters.
    """
    condition = CallRecord.id.is_null(False)
    if connection is not None:
        condition &= CallRecord.connection == connection
    if since:
        condition &= CallRecord.at >= since
    if until:
        condition &= CallRecord.at <= until
    if failed:
        condition &= CallRecord.failed
    if endpoint:
        condition &= fn.LOWER(CallRecord.endpoint).startswith(endpoint.lower())
    if not (order or sku):
        return list(
            CallRecord.select().where(condition).order_by(CallRecord.at.desc(), CallRecord.id.desc()).limit(limit)
        )
    wanted = {"orders": numbers_of_order(order, connection)} if order else {}
    if sku:
        wanted["skus"] = {sku}
    for column, numbers in wanted.items():
        about = [getattr(CallRecord, column).contains(_as_json(number)) for number in numbers]
        condition &= reduce(or_, about)
    found: list[CallRecord] = []
    for record in _search(condition):
        if all(
            {number.casefold() for number in numbers}
            & {number.casefold() for number in msgspec.json.decode(getattr(record, column))}
            for column, numbers in wanted.items()
        ):
            found.append(record)
            if len(found) == limit:
                break
    return found


def find_calls_about(
    numbers: Collection[str], *, limit: int, seconds: float
) -> tuple[list[CallRecord], datetime | None]:
    """Return the newest records with one of these orders or SKUs, and from when on they were searched.

    That is None if all were: the search ends when it has taken about this long.
    """
    about = [column.contains(_as_json(number)) for number in numbers for column in (CallRecord.orders, CallRecord.skus)]
    wanted = {number.casefold() for number in numbers}
    end = monotonic() + seconds
    found: list[CallRecord] = []
    ends: Any = CallRecord.select(fn.MAX(CallRecord.id), fn.MIN(CallRecord.id)).tuples()
    newest, oldest = ends.get()
    while newest is not None and newest >= oldest:
        some = CallRecord.id.between(newest - FEW_ROWS + 1, newest)
        for record in CallRecord.select().where(some & reduce(or_, about)).order_by(CallRecord.id.desc()).limit(limit):
            listed = [*msgspec.json.decode(record.orders or "[]"), *msgspec.json.decode(record.skus or "[]")]
            if wanted & {number.casefold() for number in listed}:
                found.append(record)
        if len(found) >= limit:
            return found[:limit], None
        newest -= FEW_ROWS
        if monotonic() > end:
            last = CallRecord.select().where(CallRecord.id <= newest).order_by(CallRecord.id.desc()).first()
            return found, last and last.at
    return found, None


def numbers_of_order(text: str, connection: int | None = None) -> set[str]:
    """Return what an order may be recorded under that somebody calls by this number."""
    return {text.strip(), order_number(text), *references_of(text, connection)}


def _search(condition: Any) -> Iterator[CallRecord]:
    """Return the records that meet a condition, the newest first, reading so many at a time."""
    ends: Any = CallRecord.select(fn.MAX(CallRecord.id), fn.MIN(CallRecord.id)).tuples()
    newest, oldest = ends.get()
    while newest is not None and newest >= oldest:
        some = CallRecord.id.between(newest - ROWS_AT_ONCE + 1, newest)
        yield from CallRecord.select().where(some & condition).order_by(CallRecord.id.desc())
        newest -= ROWS_AT_ONCE


def _as_json(number: str) -> str:
    return msgspec.json.encode(number).decode()


def calls_of_request(request: str, limit: int | None = None) -> list[CallRecord]:
    """Return what is recorded under a request id: the call, and what was pushed along with it."""
    return list(CallRecord.select().where(CallRecord.request == request).order_by(CallRecord.id).limit(limit))


def recent_failures(connection_id: int, limit: int) -> list[CallRecord]:
    """Return those of a connection's newest calls that have an Error, the newest first; older ones are not read."""
    newest = CallRecord.select(CallRecord.id).where(CallRecord.connection == connection_id)
    some = newest.order_by(CallRecord.at.desc()).limit(ROWS_AT_ONCE)
    failed = CallRecord.select().where(CallRecord.id.in_(some) & CallRecord.failed)
    return list(failed.order_by(CallRecord.at.desc(), CallRecord.id.desc()).limit(limit))


def last_call(connection_id: int, endpoint: str) -> CallRecord | None:
    """Return the newest record of an endpoint's calls, or None if it is not among the connection's newest 200."""
    newest = CallRecord.select(CallRecord.id).where(CallRecord.connection == connection_id)
    some = newest.order_by(CallRecord.at.desc()).limit(200)
    found: CallRecord | None = (
        CallRecord.select()
        .where(CallRecord.id.in_(some) & (CallRecord.endpoint == endpoint))
        .order_by(CallRecord.at.desc())
        .first()
    )
    return found


def oldest_call() -> CallRecord | None:
    """Return the oldest record, or None."""
    found: CallRecord | None = CallRecord.select().order_by(CallRecord.at).first()
    return found


def as_facts(record: CallRecord) -> dict[str, Any]:
    """Return a record of a call as plain data."""
    detail = record.detail
    rows = [{"number": row.number, "value": row.value, "error": row.error} for row in record.rows]
    return {
        "id": record.request,
        "at": record.at.isoformat(timespec="milliseconds"),
        "connection": record.connection_id,
        "endpoint": record.endpoint,
        "outcome": record.outcome,
        "error": record.error or None,
        "ms": record.ms,
        "asked": detail.asked,
        "rows": detail.rows,
        "failed_rows": record.failed_rows,
        "orders": rows if record.orders else [],
        "skus": msgspec.json.decode(record.skus or "[]") if record.orders else rows,
        "shop_calls_counted": detail.shop_calls_counted,
        "shop_calls": [msgspec.structs.asdict(one) for one in detail.shop_calls],
    }


def forget_calls(before: datetime, limit: int) -> int:
    """Delete at most `limit` records from before this moment and return how many."""
    return delete_some(CallRecord, CallRecord.at < before, limit)


def trim_calls(most_bytes: int) -> int:
    """Delete records until all take a tenth less than this, if they take more; return how many.

    They are the oldest of the connection that takes the most, so that none displaces the records of others. Calls
    without a connection, and those of connections whose wizard was never finished, count as one connection's.
    """
    sizes = _sizes()
    excess, deleted = sum(sizes.values()) - most_bytes, 0
    if excess <= 0:
        return deleted
    excess += most_bytes // 10
    while excess > 0:
        largest = max(sizes, key=lambda owner: sizes[owner])
        next_size = max((size for owner, size in sizes.items() if owner != largest), default=0)
        found: Any = CallRecord.select(CallRecord.id, CallRecord.size).where(_owned_by(largest))
        ids = []
        for record, size in found.order_by(CallRecord.at).limit(TRIM_ROWS).tuples():
            ids.append(record)
            excess -= size
            sizes[largest] -= size
            if excess <= 0 or sizes[largest] < next_size:
                break
        if not ids:
            break
        with writing(durable=False):
            deleted += CallRecord.delete().where(CallRecord.id.in_(ids)).execute()
    return deleted


def _sizes() -> dict[int | None, int]:
    """Return what the records of each finished connection take, and under None those of all others."""
    by_connection: Any = CallRecord.select(CallRecord.connection, fn.SUM(CallRecord.size)).group_by(
        CallRecord.connection
    )
    finished = {row.id for row in Connection.select(Connection.id).where(Connection.completed_at.is_null(False))}
    sizes: dict[int | None, int] = {}
    for connection, size in by_connection.tuples():
        owner = connection if connection in finished else None
        sizes[owner] = sizes.get(owner, 0) + size
    return sizes


def _owned_by(owner: int | None) -> Any:
    if owner is not None:
        return CallRecord.connection == owner
    unfinished = Connection.select(Connection.id).where(Connection.completed_at.is_null())
    return CallRecord.connection.is_null() | CallRecord.connection.in_(unfinished)
