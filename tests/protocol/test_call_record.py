"""Every call is recorded: what was asked, what was answered, and how the shop was called."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from peewee import DataError, OperationalError

from bridge.channels.demo import DemoChannel
from bridge.channels.demo.tables import Order, OrderLine
from bridge.clock import now
from bridge.errors import ChannelRefused, ChannelUnavailable
from bridge.protocol import envelope
from bridge.protocol.rate_limit import RateLimiter
from bridge.protocol.schemas.products import StockLevel
from bridge.store.actions import Action
from bridge.store.calls import find_calls
from bridge.store.outbox import OutboxBatch, OutboxLease, PendingUpdate
from bridge.sync import call_journal, feeds, outbox
from bridge.sync.call_journal import CallFacts, CallJournal
from tests.conftest import dump
from tests.linnworks import LONG_AGO, Linnworks
from tests.processes import until


@pytest.fixture
def recorded(app):
    """Return a function that stores what waits and finds records, the newest first."""

    def find(**conditions):
        app.extensions["bridge"].journal.flush()
        return find_calls(**conditions)

    return find


def stock(*levels):
    return [{"SKU": sku, "Quantity": quantity} for sku, quantity in levels]


def test_many_rows_are_not_kept_in_memory_for_long(linnworks, app, monkeypatch):
    """
    More rows than may wait for the next round are stored at once.
    """
    monkeypatch.setattr(call_journal, "FLUSH_SECONDS", 600)
    journal = CallJournal(app.extensions["bridge"].settings)
    journal.start()
    many = CallFacts(now(), "many", "Products", "ok", 1, numbers=["SKU"] * (call_journal.FLUSH_ROWS + 1))
    journal.add(many)
    stored = until(lambda: find_calls(endpoint="Products"))
    journal.stop()

    assert ["many"] == [record.request for record in stored]


def test_a_database_that_fails_is_not_tried_with_each_call(linnworks, app, monkeypatch, caplog):
    """
    However many rows wait, it is tried once more in the next round.
    """
    tried = []

    def fail(records):
        tried.append(len(records))
        raise OperationalError("the disk is full")

    monkeypatch.setattr(call_journal, "FLUSH_SECONDS", 600)
    monkeypatch.setattr(call_journal, "add_calls", fail)
    journal = CallJournal(app.extensions["bridge"].settings)
    journal.start()
    many = CallFacts(now(), "many", "Products", "ok", 1, numbers=["SKU"] * (call_journal.FLUSH_ROWS + 1))
    journal.add(many)
    until(lambda: "cannot be stored" in caplog.text)
    journal.add(many)
    until(lambda: len(tried) > 1, seconds=0.3)
    in_this_round = list(tried)
    journal.stop()

    assert [1] == in_this_round


def test_a_page_of_orders_is_recorded(linnworks, recorded):
    """
    The record of a poll has the orders that it gave, by our number and the customer's.
    """
    page = linnworks("OrdersEndpoint", UTCTimeFrom=LONG_AGO, PageNumber=1)
    (record,) = recorded(endpoint="Orders")

    assert [row["ReferenceNumber"] for row in page["Orders"]] == [row.number for row in record.rows]
    assert "WEB-1001" == record.rows[0].value
    assert ("ok", False, "", 1) == (record.outcome, record.failed, record.error, record.detail.asked["page"])


def test_an_order_that_is_held_is_recorded_with_its_reason(linnworks, recorded):
    """
    The record of a poll says which orders were left out, and why; the poll did not fail for that.
    """
    OrderLine.update(sku="").where(OrderLine.order == Order.get(Order.number == "1001")).execute()
    linnworks("OrdersEndpoint", UTCTimeFrom=LONG_AGO, PageNumber=1)
    (record,) = recorded(order="#WEB-1001")
    (row,) = record.rows_about(["1001"])

    assert row.error.startswith("held: ")
    assert ("WEB-1001", False, 1, "ok") == (row.value, record.failed, record.failed_rows, record.outcome)
    assert [] == recorded(failed=True)


def test_the_rows_of_an_update_are_recorded_with_their_errors(linnworks, recorded, caplog):
    """
    An InventoryUpdate of which rows failed is not "ok": record and log say how many, and the record has their Errors.
    """
    caplog.set_level(logging.INFO)
    answer = linnworks("InventoryUpdateEndpoint", Products=stock(("101-11", 5), ("none", 3), ("101-12", -1)))
    (record,) = recorded(endpoint="InventoryUpdate")

    assert [row["Error"] for row in answer["Products"]] == [row.error for row in record.rows]
    assert [("101-11", 5), ("none", 3), ("101-12", -1)] == [(row.number, row.value) for row in record.rows]
    assert ("partial", True, 2) == (record.outcome, record.failed, record.failed_rows)
    assert "outcome=partial rows=3 failed_rows=2" in caplog.text


def test_a_thousand_unknown_skus_are_one_line_and_a_small_record(linnworks, recorded, caplog):
    """
    The log has one line for the call, and the record stores an Error that all rows have once.
    """
    caplog.set_level(logging.INFO)
    caplog.clear()
    linnworks("InventoryUpdateEndpoint", Products=stock(*((f"no-{number}", 1) for number in range(1000))))
    (record,) = recorded(endpoint="InventoryUpdate")

    assert 1 == len(caplog.records)
    assert "failed" == record.outcome
    assert "The shop has no product no-999" == record.rows[999].error
    assert record.size < 25_000


def test_an_order_action_carries_the_request_id(app, linnworks, recorded):
    """
    The answer's header, the record and the action have the same id.
    """
    body = {"AuthorizationToken": linnworks.token, "Orders": [{"ReferenceNumber": "1001"}, {"ReferenceNumber": "none"}]}
    request = app.test_client().post("/api/Order/Despatch", json=body).headers["X-Request-Id"]
    (record,) = recorded(endpoint="Despatch")

    assert request == record.request == Action.get().request
    assert [("1001", None), ("none", "The shop has no order none")] == [(row.number, row.error) for row in record.rows]


def test_a_failed_call_is_recorded_with_its_error(linnworks, recorded, monkeypatch):
    """
    The very sentence that Linnworks got is recorded, with the rows that were asked.
    """

    def down(*_):
        raise ChannelUnavailable("The shop did not answer in time")

    monkeypatch.setattr(DemoChannel, "orders", down)
    linnworks("OrdersEndpoint", UTCTimeFrom=LONG_AGO, PageNumber=1)
    (record,) = recorded(failed=True)

    assert ("Orders", "ChannelUnavailable") == (record.endpoint, record.outcome)
    assert "The shop did not answer in time" == record.error


def test_personal_data_in_words_of_the_shop_is_masked(linnworks, recorded, monkeypatch):
    """
    Linnworks gets the shop's words; the record has no e-mail address of them, nor any name, token or address else.
    """

    def refuse(*_):
        raise ChannelRefused("The shop refused the request (400): planted.buyer@example.com is blocked")

    linnworks.orders()
    monkeypatch.setattr(DemoChannel, "refund", refuse)
    answer = linnworks("RefundEndpoint", Refund={"ReferenceNumber": "1001", "RefundShippingAmount": 1})
    linnworks("RefundEndpoint", Refund={"ReferenceNumber": "1001", "Items": [{"SKU": "101-11", "RefundAmount": 1}]})
    recorded()

    assert "planted.buyer@example.com" in answer["Error"]
    kept = dump().partition("call_record")[2].partition("\nconnection ")[0]
    assert "(400): *** is blocked" in kept
    for personal in ("planted.buyer", linnworks.token, linnworks.account_name, "seller@example.com", "Street", "@"):
        assert personal not in kept


def test_calls_without_a_token_do_not_displace_others(app, call, linnworks, recorded):
    """
    An unauthenticated client's calls are recorded only up to a limit.
    """
    clock = [0.0]
    app.extensions["bridge"] = replace(app.extensions["bridge"], rate_limiter=RateLimiter(lambda: clock[0]))
    for _ in range(100):
        call("OrdersEndpoint", AuthorizationToken="wrong", UTCTimeFrom=LONG_AGO, PageNumber=1)
    linnworks("ConfigTestEndpoint")
    found = recorded(limit=1000)

    assert 60 == sum(record.outcome == "UnknownToken" for record in found)
    assert "ConfigTest" == found[0].endpoint


def test_calls_of_unfinished_integrations_do_not_displace_others(app, call, linnworks, recorded):
    """
    Anyone can add an integration: its calls are recorded up to a limit, and without what they ask for.
    """
    clock = [0.0]
    app.extensions["bridge"] = replace(app.extensions["bridge"], rate_limiter=RateLimiter(lambda: clock[0]))
    stranger = Linnworks(call)
    for _ in range(605):
        stranger("InventoryUpdateEndpoint", Products=stock(("x" * 100, 1)))
    linnworks("ConfigTestEndpoint")
    found = recorded(limit=1000, connection=2)

    assert 600 == len(found)
    assert not found[0].skus
    assert "ConfigTest" == recorded(limit=1)[0].endpoint


def test_monitoring_is_not_recorded(app, recorded):
    """
    Polls of /health and pages, and what scanners try, are no calls of Linnworks; one to a wrong address may be.
    """
    client = app.test_client()
    for path in ("/", "/health", "/metrics", "/nothing"):
        client.get(path)
    client.post("/wp-login.php")
    client.post("/api/Order/Order", json={})

    assert ["unknown address"] == [record.endpoint for record in recorded()]


def test_a_record_that_fails_costs_the_call_nothing(linnworks, monkeypatch):
    """
    Whatever goes wrong with the record, Linnworks has its answer.
    """

    def broken(_):
        raise RuntimeError

    monkeypatch.setattr(envelope, "facts_of", broken)

    assert linnworks("ConfigTestEndpoint")["Error"] is None


def test_records_wait_until_the_database_can_be_written(app, linnworks, recorded, monkeypatch):
    """
    What could not be stored is stored later, and what was too much is said to be missing.
    """
    journal, store = app.extensions["bridge"].journal, call_journal.add_calls
    recorded()

    def full(_):
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(call_journal, "add_calls", full)
    monkeypatch.setattr(call_journal, "MOST_WAITING", 2)
    for _ in range(5):
        linnworks("ConfigTestEndpoint")
        with pytest.raises(OperationalError):
            journal.flush()
    monkeypatch.setattr(call_journal, "add_calls", store)
    gap, *found = recorded(endpoint="ConfigTest") + recorded(endpoint="not recorded")

    assert ["ConfigTest", "ConfigTest", "not recorded"] == [gap.endpoint, *(record.endpoint for record in found)]
    assert found[-1].error.startswith("3 calls since")


def test_nothing_is_kept_of_a_deleted_integration(connect, recorded):
    """
    ConfigDeleted deletes an integration's records, and no later one brings its numbers back; others keep theirs.
    """
    one, other = connect(), connect()
    other("InventoryUpdateEndpoint", Products=stock(("101-11", 1)))
    one("InventoryUpdateEndpoint", Products=stock(("101-12", 1)))
    recorded()
    one("InventoryUpdateEndpoint", Products=stock(("101-13", 1)))
    one("ConfigDeletedEndpoint")

    assert [] == recorded(sku="101-12") == recorded(sku="101-13")
    assert 1 == len(recorded(sku="101-11"))
    (deleted,) = recorded(endpoint="ConfigDeleted")
    assert (None, "ok") == (deleted.connection_id, deleted.outcome)


def test_an_integration_sees_its_own_records_only(connect, recorded):
    """
    A search in one integration finds nothing of another, also under the same numbers.
    """
    one, other = connect(), connect()
    for each in (one, other, other):
        each("InventoryUpdateEndpoint", Products=stock(("101-11", 1)))
        each.orders()

    assert [1, 2] == [len(recorded(sku="101-11", connection=number)) for number in (1, 2)]
    assert [1, 2] == [len(recorded(order="WEB-1001", connection=number)) for number in (1, 2)]
    assert {1} == {record.connection_id for record in recorded(connection=1)}


def stand_still(self, levels):
    """Take no stock levels."""
    return [ChannelUnavailable("The shop is down")] * len(levels)


@pytest.fixture
def waiting(linnworks, monkeypatch):
    """Have a level wait for a shop that was down, and is due now."""
    working = DemoChannel.set_stock
    monkeypatch.setattr(DemoChannel, "set_stock", stand_still)
    linnworks("InventoryUpdateEndpoint", Products=stock(("101-11", 7), ("101-12", 8)))
    monkeypatch.setattr(DemoChannel, "set_stock", working)
    PendingUpdate.update(next_at=PendingUpdate.since).execute()
    OutboxLease.update(next_at=OutboxLease.claimed_until).execute()


def test_what_another_request_pushes_along_is_recorded(linnworks, recorded):
    """
    A level whose own request could not wait is recorded under the id of the request that pushes it along.
    """
    moment = now()
    content = [StockLevel("101-11", "", 7), StockLevel("101-12", "", 8)]
    OutboxBatch.create(connection=1, kind="stock", content=content, created_at=moment, awaited_until=moment)
    linnworks("InventoryUpdateEndpoint", Products=stock(("101-12", 9)))
    (pushed,) = recorded(sku="101-11")
    (asked,) = recorded(sku="101-12")

    assert "Push of waiting stock" == pushed.endpoint
    assert [("101-11", 7, None)] == [(row.number, row.value, row.error) for row in pushed.rows]
    assert asked.request == pushed.request


@pytest.mark.usefixtures("waiting")
def test_what_the_worker_pushes_is_recorded(app, recorded):
    """
    The worker's own pushes have an id of their own.
    """
    bridge = app.extensions["bridge"]
    while outbox.work_one(bridge.channels, bridge.journal):
        pass
    pushed, asked = recorded(sku="101-11")

    assert ("Push of waiting stock", "ok", 2) == (pushed.endpoint, pushed.outcome, len(pushed.rows))
    assert pushed.request != asked.request


def test_what_waits_on_is_only_counted(app, linnworks, waiting, recorded, monkeypatch):
    """
    A shop that is down does not fill the record: a push that settles nothing names no SKU.
    """
    monkeypatch.setattr(DemoChannel, "set_stock", stand_still)
    bridge = app.extensions["bridge"]
    while outbox.work_one(bridge.channels, bridge.journal):
        pass
    (pushed,) = recorded(endpoint="Push")

    assert ("failed", []) == (pushed.outcome, pushed.rows)
    assert "The shop has not taken 2 of them yet: The shop is down" == pushed.error


def test_a_record_that_the_database_refuses_costs_the_others_nothing(app, linnworks, recorded, monkeypatch):
    """
    One record that cannot be stored is left out, and does not keep the others waiting.
    """
    store = call_journal.add_calls
    recorded()

    def refuse(records):
        if any(record["endpoint"] == "UserConfig" for record in records):
            raise DataError("value too long")
        store(records)

    monkeypatch.setattr(call_journal, "add_calls", refuse)
    for name in ("ConfigTestEndpoint", "UserConfigEndpoint", "ShippingTagsEndpoint"):
        linnworks(name)

    assert ["ShippingTags", "ConfigTest"] == [record.endpoint for record in recorded(limit=2)]


def test_listings_that_the_worker_does_are_recorded(app, linnworks, recorded):
    """
    A listing of a feed is recorded when it is accepted and when it is done, with its Error.
    """
    bridge = app.extensions["bridge"]
    removal = {"ChannelSKU": "x-1", "TemplateId": 1, "ExternalListingId": "none"}
    feed = linnworks("ListingDeleteEndpoint", ExternalListingIds=[removal])["ChannelFeedId"]
    while feeds.work_one(bridge.channels, bridge.journal):
        pass
    found = recorded(sku="x-1")

    assert ["Listing delete", "ListingDelete"] == [record.endpoint for record in found]
    assert {feed} == {record.detail.asked["feed"] for record in found}
