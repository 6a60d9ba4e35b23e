from __future__ import annotations

import pytest

from bridge.store.feeds import FeedItem
from bridge.sync import feeds
from tests.channels.contract.lister import Lister
from tests.channels.hostile.server import Fault

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


# -- asked again ---------------------------------------------------------------------------------------


def test_a_create_that_was_interrupted_is_continued_in_another_feed(lister, woo):
    """
    The product that was left without variations gets those of the new feed, also where they have changed.
    """
    listing = lister.variable_listing()
    woo.faults.add(Fault.BROKEN, "/variations/batch", method="POST")
    feed = lister.send("CREATE", listing)
    lister.work()
    half_made = woo.catalogue.find(listing["SKU"])
    assert feeds.give_up(FeedItem.get(FeedItem.feed == feed), "Given up")
    (refused,) = lister.check(feed)["ProductFeeds"]
    other = lister.variation(listing["SKU"], "Colour", 9, 6)
    (result,) = lister.create({**listing, "Title": "Corrected", "Variations": [*listing["Variations"], other]})

    assert ("", [(1, "Given up")]) == (refused["ExternalListingId"], messages_of(refused))
    assert [] == messages_of(result)
    assert (str(half_made.id), "Corrected") == (result["ExternalListingId"], half_made.name)
    assert [4, 5, 6] == [product.stock for product in woo.catalogue.variations(half_made.id)]
    assert ["Colour 1", "Colour 2", "Colour 9"] == [
        option for product in woo.catalogue.variations(half_made.id) for _, option in product.chosen
    ]


def test_a_create_asked_again_keeps_prices_and_stock_of_variations(lister, linnworks, woo):
    """
    The levels that were set since are newer than the listing's.
    """
    listing = lister.variable_listing()
    lister.create(listing)
    sku = listing["Variations"][0]["SKU"]
    linnworks("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Reference": "", "Quantity": 77}])
    linnworks("PriceUpdateEndpoint", Products=[{"SKU": sku, "Reference": "", "Price": 7.77, "Tag": ""}])
    (result,) = lister.create(listing)
    variation = woo.catalogue.find(sku)

    assert (77, "7.77") == (variation.stock, variation.regular_price)
    assert [(2, "The listing existed already: its prices and stock levels were left as they are")] == messages_of(
        result
    )


def test_a_product_in_the_bin_stays_there_without_its_sku(lister, woo):
    """
    A new listing takes the SKU of one in the bin, which WooCommerce would refuse.
    """
    woo.remove_product("MUG", for_good=False)
    (result,) = lister.create(lister.listing("MUG"))

    assert [] == messages_of(result)
    assert ["Thing MUG"] == [product.name for product in woo.catalogue.products.values() if product.status == "trash"]


# -- updates -------------------------------------------------------------------------------------------


def settings(**values: str) -> list[dict[str, object]]:
    answers = [{"ID": name, "Values": [value]} for name, value in values.items()]
    return [{"ConfiguratorId": 1, "ProductSettings": {"GeneralSettings": answers}}]


@pytest.mark.parametrize("kind", ["listing", "variable_listing"])
def test_settings_count_in_an_update(lister, linnworks, woo, kind):
    """
    They change the product as they make a new one; what the shop does not have is a warning.
    """
    listing = getattr(lister, kind)()
    (created,) = lister.create(listing)
    changed = settings(status="draft", tax_class="reduced-rate", backorders="notify", shipping_class="no-such")
    answer = linnworks(
        "ListingUpdateEndpoint",
        Type="UPDATE",
        Listings=[{**listing, "ExternalListingId": created["ExternalListingId"]}],
        Settings=changed,
    )
    (result,) = lister.results(answer["ChannelFeedId"])
    product = woo.catalogue.find(listing["SKU"])
    sold = woo.catalogue.variations(product.id) or [product]

    assert ("draft", "reduced-rate") == (product.status, product.tax_class)
    assert {"notify"} == {one.backorders for one in sold}
    assert [(2, "The shop has no shipping class no-such")] == messages_of(result)


def test_an_attribute_is_replaced_by_an_update(lister, woo):
    """
    The product does not keep its old value beside the new one; attributes that are not named stay.
    """
    attributes = [attribute("Material", "Oak", custom=True), attribute("Finish", "Oil", custom=True)]
    listing = lister.listing("TABLE", Attributes=attributes)
    (created,) = lister.create(listing)
    listing["Attributes"] = [attribute("Material", "Pine", custom=True)]
    lister.update({**listing, "ExternalListingId": created["ExternalListingId"]})

    assert {"Material": ["Pine"], "Finish": ["Oil"]} == {
        one.name: one.options for one in woo.catalogue.find("TABLE").attributes
    }


def test_images_that_are_not_named_any_more_are_removed(lister, woo):
    """
    A product of the shop's own keeps its images until a listing names some.
    """
    listing = lister.listing("TABLE")
    (created,) = lister.create(listing)
    (result,) = lister.update({**listing, "Images": [], "ExternalListingId": created["ExternalListingId"]})
    woo.edit_product("MUG", images=[{"src": "https://example.com/mug.jpg"}])
    lister.update(lister.listing("MUG", Images=[]))

    assert [] == messages_of(result)
    assert [] == woo.catalogue.find("TABLE").images
    assert 1 == len(woo.catalogue.find("MUG").images)


def test_a_removed_variation_is_disabled(lister, woo):
    """
    It keeps its id for orders and for the case that it is listed again; variations without a SKU are the shop's own.
    """
    listing = lister.variable_listing()
    (created,) = lister.create(listing)
    first, second = listing["Variations"]
    parent = woo.catalogue.find(listing["SKU"])
    own = woo.catalogue.add({"regular_price": "3.00"}, parent.id)
    listing["ExternalListingId"] = created["ExternalListingId"]
    lister.update({**listing, "Variations": [second]})
    disabled = woo.catalogue.find(first["SKU"])

    assert ("private", "publish", "publish") == (
        disabled.status,
        woo.catalogue.find(second["SKU"]).status,
        own.status,
    )
    (result,) = lister.update(listing)
    assert created["ChannelReferences"] == result["ChannelReferences"]
    assert disabled.status == "publish"


# -- deletes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sku", "deleted"), [("MUG", True), ("mug", True), ("", True), ("BOOK", False), ("no-such", False)]
)
def test_a_product_that_linnworks_did_not_list_is_deleted_only_with_its_sku(lister, woo, sku, deleted):
    """
    Another SKU is an error, and so is one that the shop does not have.
    """
    product = woo.catalogue.find("MUG")
    (result,) = lister.delete({"ChannelSKU": sku, "ExternalListingId": str(product.id), "TemplateId": 1})

    assert ("trash" if deleted else "publish") == product.status
    assert deleted == (messages_of(result) == [])


@pytest.mark.parametrize(("of_variation", "deleted"), [(False, True), (True, False)])
def test_a_listing_may_be_named_by_the_sku_of_a_variation(lister, woo, of_variation, deleted):
    """
    The id must be the listing's; a variation's is an error.
    """
    listing = lister.variable_listing()
    (created,) = lister.create(listing)
    variation = woo.catalogue.find(listing["Variations"][0]["SKU"])
    number = str(variation.id) if of_variation else created["ExternalListingId"]
    (result,) = lister.delete({"ChannelSKU": variation.sku, "ExternalListingId": number, "TemplateId": 1})

    assert ("trash" if deleted else "publish") == variation.status
    assert deleted == (messages_of(result) == [])
