"""Nothing of an integration's old shop counts for the shop it leads to now, or goes to it."""

from __future__ import annotations

import logging
from unittest.mock import patch

import pytest
from peewee import fn

from bridge.channels.demo import DemoChannel
from bridge.clock import now
from bridge.errors import ChannelUnavailable, OutcomeUnknown
from bridge.store.actions import Action
from bridge.store.connections import Connection
from bridge.store.feeds import FeedItem
from bridge.store.orders import SeenOrder
from bridge.store.outbox import OutboxBatch, PendingUpdate, lease_outbox
from bridge.store.paging import PageCursor, PagingRun
from bridge.store.shop_change import OLD_SHOP
from bridge.sync import feeds, outbox, shop_change, wizard
from tests.conftest import access_key

OTHER = "other-shop"
REMOVAL = {"SKU": "101-11", "ExternalListingId": "7", "TemplateId": 3}


@pytest.fixture
def move(app, linnworks):
    """Return a function that has the seller enter credentials again, and returns the wizard's answer."""

    def to(name=OTHER, key=""):
        wizard.ask_for_credentials(Connection.get(), app.extensions["bridge"].channels)
        return linnworks.save("Shop", shop_name=name, access_key=key or access_key(name))

    return to


@pytest.fixture
def work_all(app):
    """Return a function that lets the worker do everything that is due."""

    def run():
        channels = app.extensions["bridge"].channels
        while feeds.work_one(channels) or outbox.work_one(channels):
            pass

    return run


def closed(*_):
    raise ChannelUnavailable("closed")


def due():
    PendingUpdate.update(next_at=now()).execute()


def test_another_shop_is_told_to_the_seller_and_logged(linnworks, move, caplog):
    """
    The next step says what it means; only then, and only once.
    """
    with caplog.at_level(logging.WARNING, "bridge"):
        moved = move()
    later = linnworks("UserConfigEndpoint")

    assert (None, "UserConfig") == (moved["Error"], moved["StepName"])
    assert f"{shop_change.NOTICE} Your shop is connected." == moved["WizardStepDescription"]
    assert "Your shop is connected." == later["WizardStepDescription"]
    assert "leads to another shop now" in caplog.text
    assert 2 == Connection.get().generation
    assert linnworks("ConfigTestEndpoint")["Error"] is None


def test_the_same_shop_is_no_new_generation(linnworks, move):
    """
    The credentials may be entered again, and everything goes on.
    """
    with patch.object(DemoChannel, "set_stock", closed):
        linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "101-11", "Quantity": 77}])
    again = move(linnworks.shop_name)

    assert "Your shop is connected." == again["WizardStepDescription"]
    assert 1 == Connection.get().generation
    assert 1 == PendingUpdate.select().count()


def test_what_waited_for_the_old_shop_does_not_go_to_the_new_one(linnworks, app, move, work_all):
    """
    Stock and prices are dropped, and listings end as failed, in words.
    """
    before = linnworks.products()["101-11"]["Quantity"]
    with patch.multiple(DemoChannel, set_stock=closed, set_prices=closed, delete_listing=closed):
        linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "101-11", "Quantity": 77}])
        linnworks("PriceUpdateEndpoint", Products=[{"SKU": "101-11", "Price": 7}])
        feed = linnworks("ListingDeleteEndpoint", ExternalListingIds=[REMOVAL, REMOVAL])["ChannelFeedId"]
        feeds.work_one(app.extensions["bridge"].channels)
    waited = PendingUpdate.select().count()
    FeedItem.update(done=True, set_aside=True).where(FeedItem.id == FeedItem.select(fn.MAX(FeedItem.id))).execute()
    move()
    due()
    work_all()
    checked = linnworks("CheckFeedEndpoint", ChannelFeedId=feed)

    assert 2 == waited
    assert not [item for item in FeedItem.select() if item.set_aside or not item.done]
    assert before == linnworks.products()["101-11"]["Quantity"]
    assert checked["IsFeedReady"]
    assert [[shop_change.REASON]] * 2 == [
        [message["Message"] for message in one["Messages"]] for one in checked["ProductFeeds"]
    ]
    assert [0, 0] == [table.select().count() for table in (OutboxBatch, PendingUpdate)]


def test_a_push_under_way_leaves_nothing_for_the_new_shop(linnworks, move):
    """
    What the old shop has not taken when the answer comes is not kept, and a request that still knows the old shop
    does not push what came for the new one.
    """
    old = Connection.get()

    def moves(channel, levels):
        move()
        raise ChannelUnavailable("closed")

    with patch.object(DemoChannel, "set_stock", moves), patch("bridge.sync.retry.polls", lambda *_: iter([0])):
        answer = linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "101-11", "Quantity": 77}])

    assert answer["Products"][0]["Error"]
    assert 0 == PendingUpdate.select().count()
    OutboxBatch.delete().execute()
    linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "101-12", "Quantity": 5}])
    assert lease_outbox(old, "stock", now=now(), until=now()) is None
    assert lease_outbox(Connection.get(), "stock", now=now(), until=now()) is not None


def test_orders_of_the_old_shop_do_not_count_for_the_new_one(linnworks, move):
    """
    Neither its runs and pages nor what was seen and held; the new shop's orders are read from now on.
    """
    before = now()
    linnworks("OrdersEndpoint", PageNumber=1, UTCTimeFrom="2000-01-01 00:00:00Z")
    SeenOrder.update(held_since=now(), hold_reason="a reason").execute()
    seen = SeenOrder.select().count()
    move()
    page_2 = linnworks("OrdersEndpoint", PageNumber=2, UTCTimeFrom="2000-01-01 00:00:00Z")

    assert seen > 0
    assert [0, 0] == [table.select().count() for table in (SeenOrder, PageCursor)]
    assert "please start at page 1" in page_2["Error"]
    assert [OLD_SHOP] == [run.kind for run in PagingRun.select()]
    assert Connection.get().completed_at >= before
    assert linnworks.orders()


def test_actions_in_the_old_shop_do_not_answer_for_the_new_one(linnworks, move):
    """
    An order with the same reference is another order: its despatch is done, whatever the record has of the old one.
    """
    reference = next(one for one, order in linnworks.orders().items() if order["PaymentStatus"] == "PAID")
    despatch = {"ReferenceNumber": reference, "ShippingVendor": "DHL", "TrackingNumber": "T1"}
    first = linnworks("DespatchEndpoint", Orders=[despatch])
    move()
    reference_there = {one for one, order in linnworks.orders().items() if one == reference}
    second = linnworks("DespatchEndpoint", Orders=[despatch])

    assert {reference} == reference_there
    assert [None, None] == [answer["Orders"][0]["Error"] for answer in (first, second)]
    assert [1, 2] == sorted({action.generation for action in Action.select()})
    assert 2 == len({action.key for action in Action.select().where(Action.kind == "despatch")})


def test_an_action_that_was_not_resolved_ends_with_the_old_shop(linnworks, move):
    """
    Nobody can find out any more what became of it, and it blocks no order of the new shop.
    """

    def lost(*_):
        raise OutcomeUnknown("no answer")

    reference = next(one for one, order in linnworks.orders().items() if order["PaymentStatus"] == "PAID")
    with patch.object(DemoChannel, "despatch", lost):
        linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": reference}])
    before = Action.get().state
    move()
    after = Action.get()

    assert ["unknown", "failed"] == [before, after.state]
    assert shop_change.REASON == after.error
    assert linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": reference}])["Orders"][0]["Error"] is None
