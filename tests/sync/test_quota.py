"""No caller fills the disk: what waits for a shop is limited for each connection."""

from __future__ import annotations

import pytest

from bridge.clock import now
from bridge.errors import ChannelRefused
from bridge.ops.doctor.backlog import disk
from bridge.ops.doctor.findings import State
from bridge.store.connections import Connection
from bridge.store.feeds import FeedItem
from bridge.store.usage import waiting_bytes, waiting_bytes_by_connection
from bridge.sync import quota


def listing(text: str, sku: str = "A") -> dict[str, object]:
    return {"SKU": sku, "Title": "Mug", "Description": text, "Price": 1, "TemplateId": 1}


@pytest.fixture
def small(monkeypatch) -> None:
    """A quota of a tenth of a megabyte, measured at each request."""
    monkeypatch.setattr(quota, "MOST_WAITING_BYTES", 100_000)
    monkeypatch.setattr(quota, "UNMEASURED_BYTES", 0)


def test_more_than_the_quota_is_refused(linnworks, small):
    """The request is an Error, and nothing of it is stored; what waits stays."""
    first = linnworks("ListingUpdateEndpoint", Type="CREATE", Settings=[], Listings=[listing("x" * 60_000)])
    second = linnworks("ListingUpdateEndpoint", Type="CREATE", Settings=[], Listings=[listing("x" * 60_000)])

    assert None is first["Error"]
    assert "MB wait for the shop of this integration already" in second["Error"]
    assert 1 == FeedItem.select().count()
    assert 60_000 < waiting_bytes(1) < 65_000


def test_settings_count_for_each_listing(linnworks, small):
    """They are stored with each."""
    settings = [{"ConfiguratorId": 1, "ProductSettings": {"GeneralSettings": [{"ID": "a", "Values": ["v" * 9000]}]}}]
    listings = [{**listing("x", f"A{number}"), "ConfiguratorId": 1} for number in range(20)]

    answer = linnworks("ListingUpdateEndpoint", Type="CREATE", Settings=settings, Listings=listings)

    assert "MB wait" in answer["Error"]
    assert 0 == FeedItem.select().count()


def test_stock_and_prices_count_too(linnworks, small):
    """With those that are pending, or of a request that has not been started."""
    rows = [{"SKU": f"A{number}" * 20, "Quantity": 1, "Reference": ""} for number in range(1500)]

    assert "MB wait" in linnworks("InventoryUpdateEndpoint", Products=rows)["Error"]


def test_small_requests_are_measured_together(linnworks, monkeypatch):
    """What waits is measured once a process has added a megabyte, so that each small request does not pay for it."""
    measured = []
    monkeypatch.setattr(quota, "waiting_bytes", lambda number: measured.append(number) or 0)
    monkeypatch.setattr(quota, "_unmeasured", {})
    for _ in range(40):
        quota.require_room(7, [b"x" * 60_000])

    assert [7, 7] == measured


def test_done_listings_do_not_count(linnworks, work):
    """Their content is forgotten, except what names them."""
    linnworks("ListingUpdateEndpoint", Type="CREATE", Settings=[], Listings=[listing("x" * 60_000)])
    work()
    (item,) = FeedItem.select()

    assert item.done
    assert "A" == item.listing["SKU"]
    assert "Description" not in item.listing
    assert 0 == waiting_bytes(1)


def test_an_unfinished_integration_stores_no_listings(call):
    """It has no shop for them."""
    from tests.linnworks import Linnworks

    answer = Linnworks(call, "new")("ListingUpdateEndpoint", Type="CREATE", Settings=[], Listings=[listing("x")])

    assert "not finished" in answer["Error"]


def test_the_operator_sees_who_uses_how_much(linnworks, small, monkeypatch):
    """By the integration's number."""
    assert ["none"] == [found.message for found in disk(now())]
    linnworks("ListingUpdateEndpoint", Type="CREATE", Settings=[], Listings=[listing("x" * 60_000)])
    monkeypatch.setattr("bridge.ops.doctor.backlog.MOST_WAITING_BYTES", 100_000)
    (found,) = disk(now())

    assert {Connection.get().id: waiting_bytes(1)} == waiting_bytes_by_connection()
    assert (State.WARNING, "0.1 MB of integration 1") == (found.state, found.message)


def test_a_shops_words_are_cut():
    """Before they are answered or stored."""
    assert 800 == len(str(ChannelRefused("x" * 5_000_000)))
