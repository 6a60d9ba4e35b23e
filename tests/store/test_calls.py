"""The record of calls is searched by what an owner knows, and stays within its limits."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from bridge.settings import Settings
from bridge.store import calls
from bridge.store.calls import CallRecord, calls_of_request, find_calls, forget_calls, oldest_call, trim_calls
from bridge.store.connections import Connection
from bridge.store.orders import record_orders
from bridge.sync import call_journal
from bridge.sync.call_journal import CallFacts, CallJournal
from bridge.trace import Trace

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def record(app):
    """Return a function that records calls about numbers, one a minute from noon on."""
    journal = app.extensions["bridge"].journal
    minutes = SimpleNamespace(passed=0)

    def add(*numbers: str, about: str = "skus", endpoint: str = "InventoryUpdate", **facts):
        at = NOON + timedelta(minutes=minutes.passed)
        minutes.passed += 1
        request = facts.pop("request", f"id-{minutes.passed}")
        facts = {"outcome": "ok", "ms": 5, **facts}
        journal.add(CallFacts(at=at, request=request, endpoint=endpoint, about=about, numbers=numbers, **facts))
        journal.flush()

    return add


def ids(**conditions) -> list[str]:
    return [found.request for found in find_calls(**conditions)]


def test_calls_are_found_by_time_and_endpoint(record):
    """
    Conditions narrow the record down, the newest call first.
    """
    for endpoint in ("Orders", "InventoryUpdate", "Orders"):
        record(endpoint=endpoint)

    assert ["id-3", "id-2", "id-1"] == ids()
    assert ["id-3"] == ids(limit=1)
    assert ["id-3", "id-1"] == ids(endpoint="orders")
    assert ["id-2"] == ids(endpoint="INVENTORY")
    assert ["id-3", "id-2"] == ids(since=NOON + timedelta(minutes=1))
    assert ["id-1"] == ids(until=NOON)


def test_calls_are_found_by_sku_however_it_is_written(record, monkeypatch):
    """
    A SKU is found whole, whatever characters it has and wherever it stands, and no SKU that only contains it.
    """
    monkeypatch.setattr(calls, "ROWS_AT_ONCE", 2)
    odd = ["A-1", "A-10", "a_1", "50%", 'say "hi"', "back\\slash", "Größe", "x' OR 1=1"]
    for sku in odd:
        record("first", sku)

    assert ["id-1"] == ids(sku="a-1")
    assert [[f"id-{number}"] for number in range(1, 9)] == [ids(sku=sku) for sku in odd]
    assert [] == ids(sku="A") == ids(order="A-1")
    assert 2 == len(ids(sku="first", limit=2))


@pytest.mark.parametrize("number", ["1231", "#1231", " # 12 31 ", "77"])
def test_an_order_is_found_by_each_of_its_numbers(linnworks, record, number):
    """
    Our number and the one that the customer sees find the same calls.
    """
    record_orders(1, {"77": "1231"}, {}, run=None, now=NOON)
    record("77", "78", about="orders", endpoint="Orders", connection=1)
    record("78", about="orders", endpoint="Despatch", connection=1)

    assert ["id-1"] == ids(order=number)


def test_errors_alone_can_be_asked_for(record):
    """
    A call failed if its answer or any row has an Error.
    """
    record("A")
    record("A", error="The shop is down", outcome="ChannelUnavailable")
    record("A", "B", errors=[None, "The shop has no product B"], outcome="partial")

    assert ["id-3", "id-2"] == ids(failed=True)
    assert [None, "The shop has no product B"] == [row.error for row in find_calls(limit=1)[0].rows]


def test_all_that_was_done_under_one_id_is_found(record):
    """
    A request and what was pushed along with it have one id.
    """
    record("A", request="same")
    record("B", request="same", endpoint="Push of waiting stock")

    assert ["InventoryUpdate", "Push of waiting stock"] == [found.endpoint for found in calls_of_request("same")]


def test_what_no_database_stores_is_replaced(record):
    """
    Halves of surrogate pairs and control characters in a SKU or an Error cost nothing but themselves.
    """
    record("half \ud800", "nul \x00", error="nul \x00 and half \ud800", errors=["bad half \ud800", None])
    (found,) = find_calls()

    assert ["half ?", "nul \x00"] == [row.number for row in found.rows]
    assert "nul   and half ?" == found.error


def test_old_calls_are_forgotten(record):
    """
    Retention deletes a batch of the calls before a moment.
    """
    for _ in range(4):
        record("A")

    assert 2 == forget_calls(NOON + timedelta(minutes=3), 2)
    assert 1 == forget_calls(NOON + timedelta(minutes=3), 2)
    assert "id-4" == oldest_call().request


def test_the_record_keeps_within_its_size(record, monkeypatch):
    """
    Beyond the limit the oldest calls go, a tenth more than need be.
    """
    monkeypatch.setattr(calls, "TRIM_ROWS", 2)
    for _ in range(10):
        record("A")
    size = CallRecord.select().first().size

    assert 0 == trim_calls(10 * size)
    assert 3 == trim_calls(8 * size)
    assert "id-4" == oldest_call().request


def test_a_connection_displaces_its_own_records_only(app, connect, record):
    """
    Who fills the record loses his own oldest calls; unfinished integrations and callers without a token count as one.
    """
    for _ in range(2):
        connect()
    app.extensions["bridge"].journal.flush()
    CallRecord.delete().execute()
    Connection.update(completed_at=None).where(Connection.id == 2).execute()
    record("A", connection=1)
    for connection in [2, None] * 10:
        record("A", connection=connection)
    size = CallRecord.select().first().size

    assert 3 == trim_calls(20 * size)
    assert "id-1" == oldest_call().request
    for _ in range(30):
        record("A", connection=1)
    trim_calls(40 * size)

    assert (19, 36) == (len(find_calls(connection=1)), len(find_calls()))


def test_what_a_stranger_writes_is_recorded_in_part(record):
    """
    Numbers, Errors and a shop's addresses are cut, whatever length they have.
    """
    trace = Trace()
    trace.begin_call("GET", "/" + "x" * 100_000).end()
    record("A" * 60_000, error="E" * 60_000, errors=["A" * 60_000 + " is unknown"], values=["1" * 9_000], trace=trace)
    (found,) = find_calls()

    assert found.size < 5_000
    assert "A" * 200 == found.rows[0].number


def test_the_journal_trims_as_it_writes(record, monkeypatch):
    """
    The limit holds also between the hours of retention.
    """
    monkeypatch.setattr(call_journal, "FEWEST_TO_TRIM", 1_000)
    monkeypatch.setattr(call_journal, "MEGABYTE", 2_000)
    journal = CallJournal(Settings(keep_calls_mb=1))
    for number in range(50):
        journal.add(CallFacts(NOON, f"{number}", "Orders", "ok", 1))
        journal.flush()

    assert sum(found.size for found in find_calls(limit=100)) <= 3_000
    assert "49" == find_calls()[0].request


@pytest.mark.parametrize("sku", ["7", "44", "SKU-1"])
def test_a_short_sku_unmasks_nothing(record, sku):
    """
    The row's own number stays in its Error, but not as a part of a telephone number.
    """
    record(sku, errors=[f"The shop has no {sku}, call +44 7700 900123"])
    (found,) = find_calls(sku=sku)

    assert f"The shop has no {sku}, call ***" == found.rows[0].error
