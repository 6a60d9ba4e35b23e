"""Failures of the machine: a full disk, a locked or read-only database, a clock that jumps."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from peewee import OperationalError

from bridge.clock import now
from bridge.ops.temporary_server import free_port
from bridge.store.connections import Connection
from bridge.store.database import database
from bridge.store.fields import MomentField
from bridge.store.orders import record_orders
from bridge.store.outbox import count_waiting
from tests.conftest import sqlite_only
from tests.linnworks import LONG_AGO
from tests.processes import at, healthy, poster, until
from tests.store.test_store import TABLES

WRITES = {
    "AddNewUserEndpoint": {
        "LinnworksUniqueIdentifier": "8a3f3d0e-6c5b-4f5e-9c7b-2f7f0f6f3a11",
        "Email": "a@b.c",
        "AccountName": "new",
    },
    "OrdersEndpoint": {"UTCTimeFrom": LONG_AGO, "PageNumber": 1},
    "InventoryUpdateEndpoint": {"Products": [{"SKU": "x" * 5000, "Quantity": 3}] * 20},
    "ListingDeleteEndpoint": {"ExternalListingIds": [{"TemplateId": 1, "ExternalListingId": "x" * 5000}] * 20},
    "RefundEndpoint": {"Refund": {"ReferenceNumber": "1001", "Items": [{"OrderLineNumber": "1", "RefundAmount": 1}]}},
}


LONG = ("OrdersEndpoint", "InventoryUpdateEndpoint", "ListingDeleteEndpoint")
"""Calls that need more space than is left in a page."""


@contextmanager
def full() -> Iterator[None]:
    """Stop the database from growing by a page, when those of the orders are full."""
    database.execute_sql("VACUUM")
    database.execute_sql("PRAGMA max_page_count = 1")  # SQLite keeps the current number
    with suppress(OperationalError):
        for number in count():
            offered = [f"padding {number}"]
            record_orders(Connection.get().id, dict.fromkeys(offered, ""), {}, run=None, now=now())
    yield
    database.execute_sql("PRAGMA max_page_count = 1000000")


@contextmanager
def read_only() -> Iterator[None]:
    """Make the database read-only."""
    database.execute_sql("PRAGMA query_only = 1")
    yield
    database.execute_sql("PRAGMA query_only = 0")


@contextmanager
def locked() -> Iterator[None]:
    """Lock the database from another connection, and shorten the wait for it."""
    database.execute_sql("PRAGMA busy_timeout = 50")
    path = database.database
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@sqlite_only
@pytest.mark.parametrize(
    ("trouble", "calls", "message"),
    [
        (full, LONG, "The bridge cannot store anything at the moment"),
        (read_only, tuple(WRITES), "The bridge cannot store anything at the moment"),
        (locked, tuple(WRITES), "The bridge is busy, please try again"),
    ],
    ids=["full", "read only", "locked"],
)
def test_trouble_with_the_database_is_answered_and_logged(linnworks, caplog, trouble, calls, message):
    """
    Each call that has to write gets an Error and a line in the log; afterwards everything works as before.
    """
    answers = {}
    for name in calls:
        with trouble():  # again for each call, as a failed connection is discarded
            answers[name] = str(linnworks(name, **WRITES[name])["Error"]).partition(":")[0]
    logged = [record for record in caplog.records if record.levelname == "ERROR" and record.exc_info]
    after = linnworks("OrdersEndpoint", **WRITES["OrdersEndpoint"])

    assert dict.fromkeys(calls, message) == answers
    assert len(calls) <= len(logged)
    assert (None, True) == (after["Error"], bool(after["Orders"]))


@contextmanager
def service(data_dir: Path, limit: int | None = None) -> Iterator[tuple[Callable[..., Any], Path, int]]:
    """Run a service whose files may not grow beyond a limit; yield a function to post to it, its log, and its pid."""
    port, log = free_port(), data_dir / "log"

    def confine() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "serve"],
            env={
                **os.environ,
                **at(data_dir),
                "BRIDGE_BIND": f"127.0.0.1:{port}",
                "BRIDGE_LOG_FORMAT": "json",
            },
            preexec_fn=confine if limit else None,
            stdout=subprocess.DEVNULL,
            stderr=output,
        )
    try:
        assert until(lambda: healthy(port))
        yield poster(f"http://127.0.0.1:{port}"), log, process.pid
    finally:
        process.terminate()
        process.wait(20)


@sqlite_only
@pytest.mark.service
def test_a_service_that_cannot_write_answers_and_logs_why(tmp_path):
    """
    When files cannot grow, as on a full disk, real processes answer each call, and every line of the log is JSON.
    """
    with service(tmp_path) as (post, _, _):
        token = post("AddNewUserEndpoint", **WRITES["AddNewUserEndpoint"])["AuthorizationToken"]
    with service(tmp_path, limit=200_000) as (post, log, pid):
        fields, errors = WRITES["AddNewUserEndpoint"], []
        while len(errors) < 500 and len([one for one in errors if one]) < 5:
            name = f"{len(errors)} {'x' * 240}"
            errors.append(post("AddNewUserEndpoint", **{**fields, "AccountName": name})["Error"])
        still = post("UserConfigEndpoint", AuthorizationToken=token)
        child = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
        os.kill(int(child), signal.SIGKILL)
        assert until(lambda: f"pid:{child}" in log.read_text())
    failed = {error for error in errors if error}
    lines = [json.loads(line) for line in log.read_text().splitlines()]

    assert errors[0] is None
    assert failed
    assert all("cannot store anything at the moment" in error for error in failed), failed
    assert still["Error"] is None
    assert ["gunicorn.error"] == [line["logger"] for line in lines if child in line.get("message", "")]
    logged = [line for line in lines if line["level"] == "ERROR" and line["logger"] == "bridge.calls"]
    assert {"A request failed"} == {line["message"] for line in logged}
    assert all(line["request"] and "peewee" in line["traceback"] for line in logged)


# -- the clock ------------------------------------------------------------------------------------------------


def set_back(by: timedelta) -> None:
    """Change the database to what it would be if the clock had been set back by this much."""
    shift = by // timedelta(microseconds=1)
    for model in TABLES:
        for field in model._meta.sorted_fields:
            if isinstance(field, MomentField):
                database.execute_sql(
                    f'UPDATE "{model._meta.table_name}" SET "{field.column_name}" = "{field.column_name}" + {shift}'
                )


@pytest.mark.parametrize("by", [timedelta(hours=3), timedelta(days=-400)], ids=["back", "ahead"])
def test_a_clock_that_jumps_stops_nothing(app, linnworks, work, by):
    """
    Orders, stock and feeds continue at once; with a clock that was set back, no action is done twice.
    """
    before = linnworks.orders()
    paid = next(order for order in before.values() if order["PaymentStatus"] == "PAID")
    refund = {"ReferenceNumber": paid["ReferenceNumber"], "Items": [{"OrderLineNumber": "1", "RefundAmount": 1}]}
    reference = linnworks("RefundEndpoint", Refund=refund)["RefundReference"]
    stock = {"Products": [{"SKU": "101-11", "Quantity": 3}]}
    assert linnworks("InventoryUpdateEndpoint", **stock)["Products"][0]["Error"] is None
    feed = linnworks("ListingDeleteEndpoint", **{"ExternalListingIds": [{"TemplateId": 1, "ExternalListingId": "n"}]})
    set_back(by)
    work()
    stock["Products"][0]["Quantity"] = 4
    pushed = linnworks("InventoryUpdateEndpoint", **stock)["Products"]

    assert before.keys() == linnworks.orders().keys()
    assert linnworks("CheckFeedEndpoint", ChannelFeedId=feed["ChannelFeedId"])["IsFeedReady"]
    assert [{"SKU": "101-11", "Error": None}] == pushed
    assert 4 == linnworks.products()["101-11"]["Quantity"]
    assert (0, 0) == count_waiting()
    assert 200 == app.test_client().get("/metrics").status_code
    if by > timedelta():
        assert reference == linnworks("RefundEndpoint", Refund=refund)["RefundReference"]
