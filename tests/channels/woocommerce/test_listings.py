from __future__ import annotations

import pytest

from tests.channels.contract.lister import Lister

pytestmark = pytest.mark.service


@pytest.fixture
def lister(linnworks, work) -> Lister:
    """Linnworks' listing tool."""
    return Lister(linnworks, work, "https://example.com/new.jpg")


def messages_of(result) -> list[tuple[int, str]]:
    return [(message["Type"], message["Message"]) for message in result["Messages"]]


def attribute(name: str, value: str, custom: bool = False) -> dict[str, object]:
    return {"IsCustomAttribute": custom, "AttributeID": name, "AttributeValue": value}


def test_a_listing_has_all_its_values(lister, woo):
    """
    Sale price, measures, the shop's attributes with new terms, custom ones, tags and shipping class.
    """
    woo.add_attribute("Colour", "Red")
    woo.shipping_classes.append({"id": 1, "name": "Bulky", "slug": "bulky"})
    attributes = [
        attribute("sale_price", "9.00"),
        attribute("weight", "1.5"),
        attribute("length", "10"),
        attribute("pa_colour", "Red|Blue"),
        attribute("Material", "Oak", custom=True),
        attribute("shipping_class", "bulky"),
        attribute("tags", "new, nice"),
    ]
    (result,) = lister.create(lister.listing("TABLE", Attributes=attributes))
    product = woo.catalogue.find("TABLE")

    assert [] == messages_of(result)
    assert ("12.50", "9.00", "1.5", "10") == (
        product.regular_price,
        product.sale_price,
        product.weight,
        product.dimensions["length"],
    )
    assert {"Colour": {"Red", "Blue"}, "Material": {"Oak"}} == {one.name: {*one.options} for one in product.attributes}
    assert ["new", "nice"] == [tag["name"] for tag in product.tags]
    assert product.shipping_class == "bulky"


@pytest.mark.parametrize("kind", ["CREATE", "UPDATE"])
def test_a_listing_beyond_a_limit_fails_without_the_shop(lister, woo, kind):
    """
    Its feed has the error, and the shop is not called.
    """
    listing = lister.listing("TABLE", Description="x" * 100_001)
    before = len(woo.server.calls)
    (result,) = lister.results(lister.send(kind, listing))

    assert [(1, "The description has 100001 characters: 100000 are allowed")] == messages_of(result)
    assert before == len(woo.server.calls)


def test_a_sale_ends_with_an_update_without_a_sale_price(lister, woo):
    """
    The update removes the sale price.
    """
    listing = lister.listing("LAMP", Attributes=[attribute("sale_price", "9.00")])
    (created,) = lister.create(listing)
    lister.update({**listing, "Attributes": [], "ExternalListingId": created["ExternalListingId"]})

    assert woo.catalogue.find("LAMP").sale_price == ""


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ([attribute("sale_price", "20")], "not below the price"),
        ([attribute("sale_price", "cheap")], "is not a number"),
    ],
)
def test_invalid_values_are_refused(lister, attributes, message):
    """
    WooCommerce would ignore them without an error.
    """
    (result,) = lister.create(lister.listing(Attributes=attributes))

    assert message in messages_of(result)[0][1]
    assert messages_of(result)[0][0] == 1


def test_ignored_values_are_warnings(lister, woo):
    """
    The listing exists, and warnings name what is missing: an unknown shipping class, an image that cannot be read.
    """
    image = {"Url": "https://unreachable.example/1.jpg", "Tags": []}
    (result,) = lister.create(
        lister.listing("CHAIR", Attributes=[attribute("shipping_class", "no-such")], Images=[image])
    )

    assert [2, 2] == [kind for kind, _ in messages_of(result)]
    assert woo.catalogue.find("CHAIR").stock == 4


def test_images_are_downloaded_once(lister, woo):
    """
    An update with the same images does not send them again; one that failed is sent again.
    """
    listing = lister.variable_listing()
    good, bad = ({"Url": f"https://{host}/1.jpg", "Tags": []} for host in ("example.com", "unreachable.example"))
    listing["Variations"][0]["Images"], listing["Variations"][1]["Images"] = [good], [bad]
    (created,) = lister.create(listing)
    before = len(woo.server.calls)
    woo.unreachable_hosts.clear()
    (updated,) = lister.update({**listing, "ExternalListingId": created["ExternalListingId"]})
    writes = [path for method, path in woo.server.calls[before:] if method in ("PUT", "POST")]

    assert "image is missing" in messages_of(created)[0][1]
    assert [] == messages_of(updated)
    assert len(writes) == 3  # the product, its variations, and the one image that was missing
    assert all(woo.catalogue.find(variation["SKU"]).images for variation in listing["Variations"])
