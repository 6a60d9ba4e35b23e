from __future__ import annotations

import pytest

from tests.channels.contract.listings import Lister


@pytest.fixture
def lister(linnworks, work) -> Lister:
    """Linnworks' listing tool."""
    return Lister(linnworks, work, "https://example.com/new.jpg")


def told(result) -> list[tuple[int, str]]:
    return [(message["Type"], message["Message"]) for message in result["Messages"]]


def attribute(name: str, value: str, custom: bool = False) -> dict[str, object]:
    return {"IsCustomAttribute": custom, "AttributeID": name, "AttributeValue": value}


def test_a_listing_says_all_of_itself(lister, woo):
    """
    OrderState price, measures, the shop's attributes with new terms, one's own, tags, and the configurator's settings.
    """
    woo.add_attribute("Colour", "Red")
    woo.shipping_classes.append({"id": 1, "name": "Bulky", "slug": "bulky"})
    given = [
        attribute("sale_price", "9.00"),
        attribute("weight", "1.5"),
        attribute("length", "10"),
        attribute("pa_colour", "Red|Blue"),
        attribute("Material", "Oak", custom=True),
        attribute("shipping_class", "bulky"),
        attribute("tags", "new, nice"),
    ]
    (result,) = lister.create(lister.listing("TABLE", Attributes=given))
    product = woo.catalogue.find("TABLE")

    assert [] == told(result)
    assert ("12.50", "9.00", "1.5", "10") == (
        product.regular_price,
        product.sale_price,
        product.weight,
        product.dimensions["length"],
    )
    assert {"Colour": {"Red", "Blue"}, "Material": {"Oak"}} == {one.name: {*one.options} for one in product.attributes}
    assert ["new", "nice"] == [tag["name"] for tag in product.tags]
    assert product.shipping_class == "bulky"


def test_a_sale_ends_with_the_listing_that_no_longer_has_it(lister, woo):
    """
    An update without a sale price is sold at its price.
    """
    listing = lister.listing("LAMP", Attributes=[attribute("sale_price", "9.00")])
    (created,) = lister.create(listing)
    lister.update({**listing, "Attributes": [], "ExternalListingId": created["ExternalListingId"]})

    assert woo.catalogue.find("LAMP").sale_price == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([attribute("sale_price", "20")], "not below the price"),
        ([attribute("sale_price", "cheap")], "is no number"),
    ],
)
def test_what_cannot_be_is_refused(lister, given, words):
    """
    WooCommerce would drop it without a word.
    """
    (result,) = lister.create(lister.listing(Attributes=given))

    assert words in told(result)[0][1]
    assert told(result)[0][0] == 1


def test_what_is_dropped_is_told(lister, woo):
    """
    The listing is there, and a warning says what it has not: an unknown shipping class, a picture that is not there.
    """
    picture = {"Url": "https://unreachable.example/1.jpg", "Tags": []}
    (result,) = lister.create(
        lister.listing("CHAIR", Attributes=[attribute("shipping_class", "no-such")], Images=[picture])
    )

    assert [2, 2] == [kind for kind, _ in told(result)]
    assert woo.catalogue.find("CHAIR").stock == 4


def test_pictures_are_fetched_once(lister, woo):
    """
    An update with the same pictures does not have the shop fetch them again; one that failed is tried again.
    """
    listing = lister.variable_listing()
    good, bad = ({"Url": f"https://{host}/1.jpg", "Tags": []} for host in ("example.com", "unreachable.example"))
    listing["Variations"][0]["Images"], listing["Variations"][1]["Images"] = [good], [bad]
    (created,) = lister.create(listing)
    before = len(woo.server.calls)
    woo.unreachable_hosts.clear()
    (updated,) = lister.update({**listing, "ExternalListingId": created["ExternalListingId"]})
    writes = [path for method, path in woo.server.calls[before:] if method in ("PUT", "POST")]

    assert "picture is missing" in told(created)[0][1]
    assert [] == told(updated)
    assert len(writes) == 3  # the product, its variations, and the one picture that was missing
    assert all(woo.catalogue.find(variation["SKU"]).images for variation in listing["Variations"])
