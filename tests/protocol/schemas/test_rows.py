"""Each row of a list stands alone: it is done, or its own Error says why not, and its neighbours go on."""

from __future__ import annotations

import pytest

from bridge.protocol.schemas import fields
from bridge.protocol.schemas.base import InvalidRow, schema_of
from bridge.protocol.schemas.orders import DespatchRequest
from bridge.protocol.schemas.products import InventoryUpdateRequest, StockLevel
from tests.linnworks import Linnworks

BAD_LEVELS = [
    ({"SKU": "x", "Quantity": None}, "x", "Quantity: Missing."),
    ({"SKU": "x"}, "x", "Quantity: Missing."),
    ({"SKU": "x", "Quantity": 7.5}, "x", "Quantity: Not a whole number."),
    ({"SKU": "x", "Quantity": 2147483648}, "x", "Quantity: Out of range."),
    ({"SKU": "x", "Quantity": "abc"}, "x", "Quantity: Not a whole number."),
    ({"SKU": "x", "Quantity": -1}, "x", "Quantity: Below zero."),
    ({"sku": 12, "Quantity": []}, "12", "Quantity: Not a whole number."),
    ({"SKU": "a\0b", "Quantity": 1}, "a\0b", "SKU: Contains a NUL character."),
    ({"SKU": "a\ud800", "Quantity": 1}, "a\ud800", "SKU: Contains half a surrogate pair."),
    ({"SKU": None, "Quantity": 1}, "", "SKU: Missing."),
    ({"SKU": {"a": 1}, "Quantity": 1}, "", "SKU: Not a text."),
    (None, "", "Not an object."),
    (7, "", "Not an object."),
    ([], "", "Not an object."),
]


def test_one_bad_stock_level_costs_the_others_nothing(linnworks):
    """
    Every row is answered in order with the SKU as received, and the good ones around a bad one are set.
    """
    good = [{"SKU": "101-11", "Quantity": 3}, {"SKU": "101-12", "Quantity": 4}]
    for bad, sku, error in BAD_LEVELS:
        answer = linnworks("InventoryUpdateEndpoint", Products=[good[0], bad, good[1]])

        assert [
            {"SKU": "101-11", "Error": None},
            {"SKU": sku, "Error": error},
            {"SKU": "101-12", "Error": None},
        ] == answer["Products"]
        assert answer["Error"] is None
    assert {"101-11": 3, "101-12": 4}.items() <= {
        sku: product["Quantity"] for sku, product in linnworks.products().items()
    }.items()


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"SKU": "x", "Price": None}, "Price: Missing."),
        ({"SKU": "x", "Price": "1e999999"}, "Price: Out of range."),
        ({"SKU": "x", "Price": True}, "Price: Not a number."),
        ({"SKU": "x", "Price": "NaN"}, "Price: Not a number."),
        ({"SKU": "x", "Price": 1, "Tag": "a\0"}, "Tag: Contains a NUL character."),
    ],
)
def test_one_bad_price_costs_the_others_nothing(linnworks, bad, error):
    """
    Prices are answered as stock levels are.
    """
    answer = linnworks("PriceUpdateEndpoint", Products=[bad, {"SKU": "101-11", "Price": 2.5}])

    assert [{"SKU": "x", "Error": error}, {"SKU": "101-11", "Error": None}] == answer["Products"]


BAD_DESPATCHES = [
    (
        {"ReferenceNumber": "9", "Items": [{"DespatchedQuantity": "0.5"}]},
        "9",
        "Items[0].DespatchedQuantity: Not a whole",
    ),
    (
        {"ReferenceNumber": "9", "Items": [{"DespatchedQuantity": -1}]},
        "9",
        "Items[0].DespatchedQuantity: Must be great",
    ),
    ({"ReferenceNumber": "9", "Items": [None]}, "9", "Items[0]: Not an object."),
    ({"ReferenceNumber": 9, "Items": {}}, "9", "Items: Not a list."),
    ({"Items": []}, "", "ReferenceNumber: Missing."),
    (None, "", "Not an object."),
]


def test_one_bad_despatch_costs_the_others_nothing(linnworks):
    """
    Its order gets an Error that is not worth a retry, and the good one beside it is sent.
    """
    reference = next(key for key, order in linnworks.orders().items() if order["PaymentStatus"] == "PAID")
    for bad, named, error in BAD_DESPATCHES:
        answer = linnworks("DespatchEndpoint", Orders=[bad, {"ReferenceNumber": reference}])

        refused, sent = answer["Orders"]
        assert (named, False) == (refused["ReferenceNumber"], refused["Retry"])
        assert refused["Error"].startswith(error)
        assert {"ReferenceNumber": reference, "Error": None, "Retry": False} == sent


@pytest.mark.parametrize("moment", ["", "yesterday", None, 7, {}, "2025-07-05 03:48:51Z"])
def test_a_despatch_does_not_depend_on_its_date(moment):
    """
    An empty or odd ProcessedOn costs nothing, and nulls among tracking numbers are left out.
    """
    row = {"ReferenceNumber": "1", "ProcessedOn": moment, "SecondaryTrackingNumbers": ["a", None]}
    (order,) = schema_of(DespatchRequest).load({"Orders": [row]}).orders

    assert not isinstance(order, InvalidRow)
    assert ("a",) == order.secondary_tracking_numbers


def feed_of(linnworks: Linnworks, name: str, **fields: object) -> list[dict[str, object]]:
    """The rows of the feed that a call makes, which are there at once where nothing is to be done."""
    feed = linnworks(name, **fields)
    assert feed["Error"] is None
    return linnworks("CheckFeedEndpoint", ChannelFeedId=feed["ChannelFeedId"])["ProductFeeds"]


@pytest.mark.parametrize(
    ("bad", "named", "error"),
    [
        ({"SKU": "x", "TemplateId": 5, "Quantity": "many"}, ("x", 5, ""), "Quantity: Not a whole number."),
        ({"TemplateId": 5, "ExternalListingId": 7}, ("", 5, ""), "SKU: Missing."),
        ({"SKU": "a\ud800", "TemplateId": 10**30}, ("a?", 0, ""), "SKU: Contains half a surrogate pair."),
        (None, ("", 0, ""), "Not an object."),
    ],
)
def test_one_bad_listing_is_a_failed_row_of_its_feed(linnworks, work, bad, named, error):
    """
    The feed is accepted; the bad listing has failed in it, and the good one is created.
    """
    category = linnworks.pages("GetCategoriesEndpoint", "Categories")[0]["CategoryId"]
    good = {"SKU": "teapot", "TemplateId": 8, "Title": "Teapot", "Price": 9, "Categories": [category]}
    good["Attributes"] = [{"AttributeID": "material", "AttributeValue": "white"}]
    feed = linnworks("ListingUpdateEndpoint", Type="CREATE", Listings=[bad, good])
    work()
    answer = linnworks("CheckFeedEndpoint", ChannelFeedId=feed["ChannelFeedId"])
    failed, created = answer["ProductFeeds"]

    assert answer["IsFeedReady"]
    assert named == (failed["SKU"], failed["TemplateId"], failed["ExternalListingId"])
    assert error in failed["Messages"][0]["Message"]
    assert 1 == failed["Messages"][0]["Type"]
    assert ("teapot", 8) == (created["SKU"], created["TemplateId"])
    assert created["ExternalListingId"]
    assert 1 not in [message["Type"] for message in created["Messages"]]


def test_one_bad_removal_is_a_failed_row_of_its_feed(linnworks):
    """
    It is named as it was received.
    """
    (row,) = feed_of(linnworks, "ListingDeleteEndpoint", ExternalListingIds=[{"ChannelSKU": "x", "TemplateId": "a"}])

    assert ("x", "TemplateId: Not a whole number.") == (row["SKU"], row["Messages"][0]["Message"])


def test_bad_settings_cost_the_listings_of_their_configurator(linnworks):
    """
    A listing of another configurator goes on.
    """
    bad = {"ConfiguratorId": 1, "ProductSettings": {"GeneralSettings": [7]}}
    listings = [{"SKU": "a", "ConfiguratorId": 1}, {"SKU": "b", "ConfiguratorId": 2}]
    (row,) = feed_of(linnworks, "ListingUpdateEndpoint", Type="UPDATE", Listings=listings, Settings=[bad])

    assert "a" == row["SKU"]
    assert "Settings: ProductSettings.GeneralSettings[0]: Not an object." == row["Messages"][0]["Message"]


def test_what_is_no_list_is_the_request_s_error(linnworks):
    """
    Where the list must be, anything else is refused as a whole; no list is an empty one.
    """
    assert "Products: Not a list." == linnworks("InventoryUpdateEndpoint", Products={"SKU": "a"})["Error"]
    assert {"Error": None, "Products": []} == linnworks("InventoryUpdateEndpoint", Products=None)


def test_an_invalid_row_shows_nothing_of_what_was_received():
    """
    Its repr has the reason alone.
    """
    (row,) = schema_of(InventoryUpdateRequest).load({"Products": [{"SKU": "private"}]}).products

    assert "InvalidRow('Quantity: Missing.')" == repr(row)
    assert "private" == row.text("sku")


def test_rows_with_other_keys_are_read_each_by_its_own():
    """
    A row's keys and nulls say nothing of the rows beside it.
    """
    rows = [
        {"SKU": "a", "Quantity": None, "quantity": 1},
        {"SKU": "b", "Quantity": 2, "quantity": 9},
        {"sku": "c", "QUANTITY": "3", "New": {}},
    ]
    request = schema_of(InventoryUpdateRequest).load({"products": rows})

    assert (
        StockLevel(sku="a", reference="", quantity=1),
        StockLevel(sku="b", reference="", quantity=2),
        StockLevel(sku="c", reference="", quantity=3),
    ) == request.products


def test_a_failure_that_nobody_foresaw_costs_only_its_row(monkeypatch, caplog):
    """
    It is logged, and answered as the row's own Error.
    """
    monkeypatch.setattr(fields.String, "_deserialize", lambda self, value, *_, **__: {"a": value}[value])
    rows = [{"SKU": 5, "quantity": 1}, {"SKU": "a", "quantity": 2}]
    failed, loaded = schema_of(InventoryUpdateRequest).load({"Products": rows}).products

    assert ("The bridge failed; its log has the details", "5") == (failed.error, failed.text("sku"))
    assert StockLevel(sku="a", reference="", quantity=2) == loaded
    assert "KeyError" in caplog.text
