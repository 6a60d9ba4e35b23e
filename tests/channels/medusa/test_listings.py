from __future__ import annotations

import pytest

from bridge.channels.medusa.configurator import LARGEST_NUMBER, numbers
from tests.channels.contract.lister import Lister

pytestmark = pytest.mark.service

ERROR, WARNING = 1, 2


@pytest.fixture
def lister(linnworks, work, medusa) -> Lister:
    """Linnworks' listing tool, in a shop with two categories."""
    parent = medusa.add_category("Things")
    medusa.add_category("New things", parent)
    return Lister(linnworks, work, "https://example.com/new.jpg")


def messages_of(result) -> list[tuple[int, str]]:
    return [(message["Type"], message["Message"]) for message in result["Messages"]]


def attribute(name: str, value: str, custom: bool = False) -> dict[str, object]:
    return {"IsCustomAttribute": custom, "AttributeID": name, "AttributeValue": value}


def product_of(medusa, sku: str):
    return medusa.catalogue.products[medusa.variant(sku)["product_id"]]


def test_a_listing_has_all_its_values(lister, medusa):
    """
    Measures, codes, what Medusa has no field for, pictures, category, sales channel and stock.
    """
    attributes = [
        attribute("weight", "1.5"),
        attribute("ean", "4006381333931"),
        attribute("origin_country", "GB"),
        attribute("Season", "Summer", custom=True),
    ]
    (result,) = lister.create(lister.listing("TABLE", Attributes=attributes, Description="Of oak"))
    product, variant = product_of(medusa, "TABLE"), medusa.variant("TABLE")

    assert [] == messages_of(result)
    assert ("published", "Of oak", "gb") == (product["status"], product["description"], product["origin_country"])
    assert float(product["weight"]) == 1.5
    assert product["metadata"]["Season"] == "Summer"
    assert ["https://example.com/new.jpg"] == [image["url"] for image in product["images"]]
    assert [medusa.channel] == product["sales_channels"]
    assert variant["ean"] == "4006381333931"
    assert medusa.stock("TABLE")[0] == 4


def test_two_listings_of_one_title_have_their_own_handles(lister, medusa):
    """
    Medusa makes a handle of the title, and refuses it the second time.
    """
    results = lister.create(lister.listing("ONE"), lister.listing("TWO"))

    assert [[], []] == [messages_of(result) for result in results]
    assert product_of(medusa, "ONE")["handle"] != product_of(medusa, "TWO")["handle"]


def test_categories_are_named_with_their_parents(lister):
    """
    A number stands for each, because Linnworks takes no other ids.
    """
    assert ["New things", "Things"] == sorted(row["CategoryName"].split(" > ")[-1] for row in lister.categories)
    assert "Things > New things" in [row["CategoryName"] for row in lister.categories]


def test_numbers_of_categories_stay_when_others_are_added():
    """
    They are whole numbers of 31 bits, and each is one category's.
    """
    few = numbers(["pcat_1", "pcat_2"])
    many = numbers(f"pcat_{number}" for number in range(1, 500))

    assert few.items() <= many.items()
    assert len(many) == 499
    assert all(0 < number <= LARGEST_NUMBER for number in many)


@pytest.mark.parametrize(
    ("name", "value", "words"), [("weight", "heavy", "not a number"), ("origin_country", "Britain", "two letters")]
)
def test_values_that_medusa_refuses_are_said(lister, name, value, words):
    """
    Nothing is created.
    """
    (result,) = lister.create(lister.listing("TABLE", Attributes=[attribute(name, value)]))

    assert [ERROR] == [kind for kind, _ in messages_of(result)]
    assert words in messages_of(result)[0][1]


def test_variations_need_the_same_options(lister):
    """
    Medusa has one set of options for all variants of a product.
    """
    listing = lister.variable_listing()
    listing["Variations"][1]["OptionValues"][0]["Name"] = "Size"
    (other,) = lister.create(listing)
    same = lister.variable_listing()
    same["Variations"][1]["OptionValues"] = same["Variations"][0]["OptionValues"]
    (twice,) = lister.create(same)

    assert "must have a value for these options" in messages_of(other)[0][1]
    assert "have the same options" in messages_of(twice)[0][1]


def test_a_listing_with_open_orders_is_unpublished_when_it_is_deleted(lister, linnworks, medusa):
    """
    Medusa does not delete it. Listed again, it is for sale with the values of the new listing.
    """
    listing = lister.listing("TABLE")
    (created,) = lister.create(listing)
    medusa.place_order({"TABLE": 1})
    removal = {"ChannelSKU": "TABLE", "ExternalListingId": created["ExternalListingId"], "TemplateId": 1}
    (removed,) = lister.delete({**removal, "TemplateId": listing["TemplateId"]})
    gone = "TABLE" not in linnworks.products()
    (again,) = lister.create({**listing, "Quantity": 9})

    assert [ERROR] == [kind for kind, _ in messages_of(removed)]
    assert "open orders" in messages_of(removed)[0][1]
    assert gone
    assert [] == messages_of(again)
    assert linnworks.products()["TABLE"]["Quantity"] == 9


def test_a_variation_with_open_orders_is_not_sold_any_more(lister, linnworks, medusa):
    """
    It stays in the shop, with an error that says so, and has nothing left to sell.
    """
    listing = lister.variable_listing()
    (created,) = lister.create(listing)
    kept, removed = (variation["SKU"] for variation in listing["Variations"])
    medusa.place_order({removed: 1})
    fewer = {**listing, "ExternalListingId": created["ExternalListingId"], "Variations": listing["Variations"][:1]}
    (result,) = lister.update(fewer)
    products = linnworks.products()

    assert [ERROR] == [kind for kind, _ in messages_of(result)]
    assert "open orders" in messages_of(result)[0][1]
    assert (4, 0) == (products[kept]["Quantity"], products[removed]["Quantity"])


def test_an_unknown_shipping_profile_is_a_warning(lister, linnworks, work, medusa):
    """
    The shop's default is taken.
    """
    listing = lister.listing("TABLE")
    answers = [{"ID": "shipping_profile", "Values": ["Bulky"]}, {"ID": "status", "Values": ["draft"]}]
    settings = [{"ConfiguratorId": 1, "ProductSettings": {"GeneralSettings": answers}}]
    feed = linnworks("ListingUpdateEndpoint", Type="CREATE", Listings=[listing], Settings=settings)["ChannelFeedId"]
    (result,) = lister.results(feed)

    assert [(WARNING, "The shop has no shipping profile Bulky")] == messages_of(result)
    assert product_of(medusa, "TABLE")["status"] == "draft"
