"""Kinds of work can be paused for an integration, and go on afterwards without a loss."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bridge.channels.demo import DemoChannel
from bridge.channels.demo.tables import OrderLine, Product
from bridge.clock import now
from bridge.ops.doctor import backlog, integrations
from bridge.store.connections import Connection
from bridge.store.feeds import FeedItem
from bridge.store.orders import SeenOrder
from bridge.store.outbox import OutboxBatch, OutboxLease, PendingUpdate
from bridge.store.paging import last_polls
from bridge.sync import feeds, outbox
from bridge.sync.held_orders import Rechecks

EXPIRED = {"TemplateId": 1, "SKU": "101-11", "ExternalListingId": "x"}


@pytest.fixture
def shop_is_not_asked(monkeypatch):
    """Fail every call of the shop that a paused integration must not make."""

    def fail(self, *_: object) -> None:
        raise AssertionError("The shop was asked")

    def start() -> None:
        for name in ("orders", "order_state", "set_stock", "set_prices", "despatch", "cancel", "refund"):
            monkeypatch.setattr(DemoChannel, name, fail)

    return start


def stock(linnworks, quantity: int) -> dict:
    (row,) = linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "101-11", "Quantity": quantity}])["Products"]
    return row


def test_everything_that_is_paused_answers_an_error_that_says_so(run, linnworks, shop_is_not_asked):
    """
    The shop is not asked, and a despatch has Retry.
    """
    reference = next(iter(linnworks.orders()))
    said = run("pause", "1")
    shop_is_not_asked()
    orders = linnworks("OrdersEndpoint", PageNumber=1, UTCTimeFrom="2000-01-01 00:00:00Z")
    (despatched,) = linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": reference}])["Orders"]
    cancelled = linnworks("CancelEndpoint", Cancellation={"ReferenceNumber": reference})
    refunded = linnworks("RefundEndpoint", Refund={"ReferenceNumber": reference})
    price = {"SKU": "101-11", "Price": 5, "Tag": "RETAILPRICE"}
    (priced,) = linnworks("PriceUpdateEndpoint", Products=[price])["Products"]
    listed = linnworks("ListingDeleteEndpoint", ExternalListingIds=[EXPIRED])

    assert 7 == said.count("are paused since")
    assert orders["Error"].startswith("Orders are paused since")
    assert despatched["Error"].startswith("Despatches are paused since")
    assert despatched["Retry"] is True
    assert cancelled["Error"].startswith("Cancellations are paused since")
    assert refunded["Error"].startswith("Refunds are paused since")
    assert priced["Error"].endswith("the bridge keeps this and pushes it afterwards")
    assert stock(linnworks, 4)["Error"].startswith("Stock levels are paused since")
    assert listed["Error"].startswith("Listings are paused since")
    assert listed["ChannelFeedId"] in (None, "")


def test_only_what_is_named_is_paused(run, linnworks):
    """
    Other kinds, and other integrations, go on.
    """
    run("pause", linnworks.account_name, "orders", "refund")

    assert linnworks("OrdersEndpoint", PageNumber=1, UTCTimeFrom="2000-01-01 00:00:00Z")["Error"]
    assert stock(linnworks, 6)["Error"] is None
    assert "Error" not in run("resume", "1", "refund")
    assert ["orders"] == list(Connection.get().paused)


def test_paused_stock_is_kept_and_pushed_afterwards(run, linnworks, app, shop_is_not_asked, monkeypatch):
    """
    The newest value is pushed at once when the pause ends; until then the worker leaves it alone.
    """
    channels = app.extensions["bridge"].channels
    run("pause", "1", "stock")
    stock(linnworks, 3)
    stock(linnworks, 8)
    worked = [outbox.work_one(channels) for _ in range(3)]
    kept = PendingUpdate.select().count()
    before = Product.get(Product.sku == "101-11").stock
    run("resume", "1")
    while outbox.work_one(channels):
        pass

    assert 1 == kept
    assert not any(worked)
    assert 8 != before
    assert 8 == Product.get(Product.sku == "101-11").stock
    assert 0 == PendingUpdate.select().count() + OutboxBatch.select().count()


def test_what_waits_for_the_end_of_a_pause_delays_nothing_else(run, linnworks, app):
    """
    It is no failure of the shop: the worker pushes prices at once that it owes, and does not warn of the stock.
    """
    run("pause", "1", "stock")
    stock(linnworks, 3)
    channels = app.extensions["bridge"].channels
    PendingUpdate.update(next_at=now()).execute()
    outbox.work_one(channels)
    lease, update = OutboxLease.get(), PendingUpdate.get()
    late = now() + timedelta(hours=7)

    assert lease.next_at <= now()
    assert 0 == lease.attempts == update.attempts
    assert ["ok"] == [one.state.value for one in backlog.outbox(late)]


def test_listings_wait_for_the_end_of_a_pause(run, linnworks, app, work):
    """
    What was accepted before is not tried meanwhile, so it is not given up either.
    """
    linnworks("ListingDeleteEndpoint", ExternalListingIds=[EXPIRED])
    run("pause", "1", "listings")
    for _ in range(15):
        FeedItem.update(next_at=now()).execute()
        feeds.work_one(app.extensions["bridge"].channels)
    waiting = FeedItem.get()
    run("resume", "1", "listings")
    work()

    assert (False, 0) == (waiting.done, waiting.attempts)
    assert FeedItem.get().done


def test_a_paused_integration_still_counts_as_polled(run, linnworks, shop_is_not_asked):
    """
    Linnworks is not silent because its polls get an Error, and the first run afterwards misses nothing.
    """
    linnworks.orders()
    first = last_polls()[1]
    run("pause", "1", "orders")
    linnworks("OrdersEndpoint", PageNumber=1, UTCTimeFrom="2000-01-01 00:00:00Z")
    later = last_polls()[1]
    run("resume", "1", "orders")

    assert later > first
    assert linnworks.orders("2000-01-03 00:00:00Z")


def test_held_orders_are_not_read_during_a_pause(run, linnworks, app, shop_is_not_asked, held_order):
    """
    The worker reads them again afterwards.
    """
    run("pause", "1", "orders")

    assert not Rechecks().work_one(app.extensions["bridge"].channels)


@pytest.fixture
def held_order(linnworks) -> None:
    """Make an order that is held, and due to be read again."""
    OrderLine.update(sku="").where(OrderLine.number == "1").execute()
    linnworks.orders()
    SeenOrder.update(checked_at=now() - timedelta(hours=2)).execute()
    assert SeenOrder.select().where(SeenOrder.held_since.is_null(False)).exists()


def test_the_doctor_and_the_seller_are_told_of_a_pause(run, linnworks):
    """
    The doctor says since when and what to type; UserConfig and ConfigTest have it in the same words.
    """
    run("pause", "1", "prices")
    (finding,) = integrations.pauses_of(Connection.get())
    screen = linnworks("UserConfigEndpoint")
    (line,) = [item for item in screen["ConfigItems"] if item["ConfigItemId"] == "bridge_state_paused"]
    tested = linnworks("ConfigTestEndpoint")
    shown = json.loads(run("connections", "show", "1", "--json"))

    assert ("warning", "linnworks-bridge resume 1 prices") == (finding.state.value, finding.command)
    assert finding.since is not None
    assert finding.message == line["SelectedValue"] == tested["Error"]
    assert line["ReadOnly"] is True
    assert ["prices"] == list(shown["paused"])


def test_the_seller_is_told_of_held_orders(linnworks, held_order):
    """
    UserConfig has a line that cannot be edited, with how many are held and the first reasons; saving ignores it.
    """
    screen = linnworks("UserConfigEndpoint")
    (line,) = [item for item in screen["ConfigItems"] if item["ConfigItemId"].startswith("bridge_state")]
    saved = linnworks.save("UserConfig", bridge_state_held_orders="nonsense", despatch_days="3")

    assert "held, and not in Linnworks" in line["Name"]
    assert line["ReadOnly"] is True
    assert "SKU" in line["SelectedValue"]
    assert (None, True) == (saved["Error"], line in saved["ConfigItems"])
