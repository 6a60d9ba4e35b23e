"""Requests signed with OAuth 1.0a, as plain HTTP needs them."""

from __future__ import annotations

import pytest

from tests.channels.contract.lister import Lister
from tests.channels.contract.shop import line_number, seen
from tests.channels.woocommerce.fake.shop import WooShop

pytestmark = pytest.mark.service

ODD_SKU = "Ü &+~%/=?#'\"(x)"


@pytest.fixture
def shop():
    """A shop that accepts only signatures."""
    with WooShop(https_flag=False) as shop:
        shop.add_product(ODD_SKU, stock=50, price="5.00")
        shop.add_variable("TEE", {"TEE-S": "S", "TEE-M": "M"}, stock=3)
        yield shop


def test_reads_and_updates_are_signed(connected, shop):
    """Lists, searches with several values and odd characters, and batches."""
    linnworks = connected(shop)
    levels = [{"SKU": sku, "Reference": "", "Quantity": 7} for sku in (ODD_SKU, "TEE-S")]
    answer = linnworks("InventoryUpdateEndpoint", Products=levels)

    assert [None, None] == [row["Error"] for row in answer["Products"]]
    assert {ODD_SKU: 7, "TEE-S": 7, "TEE-M": 3} == {sku: row["Quantity"] for sku, row in linnworks.products().items()}


def test_actions_are_signed(connected, shop):
    """A despatch with its note, a cancel and a refund."""
    linnworks = connected(shop)
    order = seen(linnworks, shop.place_order({ODD_SKU: 3}))
    line = {"SKU": ODD_SKU, "OrderLineNumber": line_number(order, ODD_SKU)}
    reference = {"ReferenceNumber": order["ReferenceNumber"]}
    despatch = {**reference, "TrackingNumber": "T1", "Items": [{**line, "DespatchedQuantity": 1}]}
    answers = [
        linnworks("DespatchEndpoint", Orders=[despatch])["Orders"][0],
        linnworks("CancelEndpoint", Cancellation={**reference, "Items": [{**line, "CancellationQuantity": 1}]}),
        linnworks("RefundEndpoint", Refund={**reference, "Items": [{**line, "RefundAmount": "1.00"}]}),
    ]

    assert [None, None, None] == [answer["Error"] for answer in answers]
    assert shop.stock(ODD_SKU) == 48


def test_listings_are_signed(connected, shop, work):
    """A listing with variations is created and deleted."""
    linnworks = connected(shop)
    lister = Lister(linnworks, work, "https://example.com/new.jpg")
    listing = lister.variable_listing()
    (created,) = lister.create(listing)
    (deleted,) = lister.delete(
        {"ChannelSKU": listing["SKU"], "ExternalListingId": created["ExternalListingId"], "TemplateId": "1"}
    )

    assert ([], []) == (created["Messages"], deleted["Messages"])
    assert {ODD_SKU, "TEE-S", "TEE-M"} == set(linnworks.products())
